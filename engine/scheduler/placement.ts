// What is asked of the scheduler without time, and what it answers: the forms of `kubetick place -o json`.
import type { SchedulerView } from '../contracts/attempts.ts';
import type { SchedulerSettings } from '../contracts/scheduler.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { Hint } from './hints/index.ts';

export interface PlaceInput {
  readonly name: string;
  readonly family: string;
  readonly settings: SchedulerSettings;
  /** What exists: nodes, pods on them, and whatever the plug-ins ask for. */
  readonly cluster: readonly KubeObject[];
  /** Pods to decide about, in this order. */
  readonly pending: readonly KubeObject[];
  /** Of a moment in a run: what its scheduler knew besides, and that nobody there binds claims. */
  readonly run?: Pick<SchedulerView, 'started' | 'preempted'>;
  /** Pods that fit nowhere, or are gated, for which hints are wanted: so many, in their order. Default 0. */
  readonly hints?: number;
}

export interface Rejection {
  readonly plugin: string;
  readonly code: string;
  readonly reasons: readonly string[];
}

/** millicores; bytes or units otherwise. `nonZero…`: as scoring counts, 100m and 200 MiB where nothing is asked. */
export interface CountedRequests {
  readonly cpu: number;
  readonly memory: number;
  readonly ephemeralStorage?: number;
  readonly scalar?: Readonly<Record<string, number>>;
  readonly nonZeroCpu: number;
  readonly nonZeroMemory: number;
}

export interface PodPlacement {
  readonly pod: string;
  readonly priority: number;
  readonly requests: CountedRequests;
  result: 'scheduled' | 'unschedulable' | 'preempting' | 'gated' | 'assigned' | 'ignored';
  gate?: Rejection;
  prefilter?: Rejection | { readonly nodes: readonly string[]; readonly plugins: readonly string[] };
  rejected?: Record<string, Rejection>;
  feasible?: string[];
  /** By node, then plug-in: normalised and weighted. */
  scores?: Record<string, Record<string, number>>;
  totals?: Record<string, number>;
  best?: string[];
  nominated?: true;
  node?: string;
  placed?: boolean;
  preemption?: { outcomes?: { node: string; victims: string[] }[]; message?: string };
  message?: string;
  /** What would make it fit, if that was asked: single changes that were tried, the smallest first. */
  hints?: readonly Hint[];
}

export interface Placement {
  readonly name: string;
  readonly family: string;
  readonly kubernetes: string;
  readonly nodes: Readonly<
    Record<string, { readonly pods: number; readonly requested: Omit<CountedRequests, never> }>
  >;
  readonly pods: readonly PodPlacement[];
}

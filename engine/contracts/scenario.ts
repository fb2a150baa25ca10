// A resolved scenario: everything a run depends on, as plain data. Loading, defaults and paths are settled before;
// two runs of equal scenarios are equal bit for bit.
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { CostPreset } from './costs.ts';

/** A group of equal nodes; `object` is the Node as a user could have written it, without metadata.name. */
export interface NodeGroup {
  /** Names are `${prefix}${first + i}`, or `names` one by one. */
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
  readonly names?: readonly string[];
  readonly object: KubeObject;
  /** Zones dealt to the nodes in turn (label topology.kubernetes.io/zone); empty: as the object says. */
  readonly zones: readonly string[];
}

export interface SourcedObject {
  /** File it came from, for the loss report and for errors. */
  readonly source: string;
  /** As the user wrote it, already decoded and accepted once by validation. */
  readonly object: KubeObject;
}

/** Something done to the cluster at a time by kubectl. */
export interface TimedStep {
  readonly atUs: number;
  /** `apply` creates an object or, if it exists, replaces what its manifest says. */
  readonly do: 'create' | 'apply' | 'patch' | 'scale' | 'delete';
  readonly objects: readonly SourcedObject[];
  /** For `scale`, `patch` and `delete`: what it is about; for `scale` the new number. */
  readonly target?: { kind: string; namespace: string; name: string; replicas?: number };
  /** For `patch`. */
  readonly patch?: { readonly type: 'merge' | 'strategic' | 'json'; readonly body: Json };
}

export interface WorkloadUse {
  /** Name in the workload registry: a generator or a trace reader. */
  readonly use: string;
  /** Arguments, already checked by the workload's schema. Traces carry their parsed rows under `data`. */
  readonly args: Readonly<Record<string, unknown>>;
}

export interface ResolvedScenario {
  readonly experiment: string;
  readonly variant: string;
  readonly replication: number;
  readonly seed: number | string;
  readonly nodes: readonly NodeGroup[];
  /** Objects that exist at time 0 without anyone having created them (a dump of a live cluster: bound pods, nodes). */
  readonly existing: readonly SourcedObject[];
  readonly steps: readonly TimedStep[];
  readonly workloads: readonly WorkloadUse[];
  readonly policies: {
    /** A KubeSchedulerConfiguration as read, or absent for the default profile. */
    readonly schedulerConfig?: KubeObject;
    /** nodes looked at per pod: `brute` is the definition. */
    readonly search?: string;
  };
  readonly costs: CostPreset;
  readonly queue: 'heap' | 'ladder' | 'fast-priority-queue';
  /** End of the run, µs. */
  readonly untilUs: number;
  /** Measurements before this time are left out of the summary, µs. */
  readonly warmUpUs: number;
  /** Stop before `untilUs` when nothing but periodic work is left. */
  readonly stopWhenIdle: boolean;
  readonly expect: readonly string[];
  /** What loading already found that the model will not act on. */
  readonly loss: readonly { source: string; kind: string; field: string; count: number; note: string }[];
}

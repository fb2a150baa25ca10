// The timeline of a run: everything that changed, in a normal form without random names, so that two runs — or a run
// and a recording of a real control plane — can be compared row by row. `kubetick run --timeline FILE` writes it.
import type { Json } from '../kinds/kind.ts';
import type { RevisionLog } from '../state/index.ts';
import type { TimedStep } from './scenario.ts';

/** A value that a field of an object took. */
export type FieldValue = string | number;

/** One change. Times are ms of virtual time from the scenario's time 0, exact to the µs. */
export interface TimelineRow {
  /** Object: `Kind/name`, owned ones by their owner and ordinal: `Deployment/web/rs#1/pod#3`. */
  readonly o: string;
  /** What changed: `created`, `gone`, `phase`, `spec.replicas`, `condition.Available`, `pods.ready`, … */
  readonly w: string;
  /** The new value; absent for `created` and `gone`. */
  readonly v?: FieldValue;
  /** The k-th time that this object took this value; absent: the first. */
  readonly k?: number;
  readonly t: number;
  /** To the row before: `=` the same write, `<` a later one; absent for the first row. */
  readonly ord?: '<' | '=';
  /** Where a pod went. */
  readonly node?: string;
}

/** Kubernetes Events of one object, reason and text; random parts of names are left out of the text. */
export interface TimelineEvent {
  readonly o: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  count: number;
  readonly first: number;
  last: number;
}

/** Most and, from the first step on that creates nothing, fewest pods of a workload at any time. */
export interface EnvelopeBounds {
  max: number;
  minAfterFirstChange?: number;
}

export interface Envelope {
  /** Neither deleting nor ended. */
  readonly notDeleting: EnvelopeBounds;
  /** Ready and not deleting. */
  readonly readyNotDeleting: EnvelopeBounds;
  /** All that exist. */
  readonly all: EnvelopeBounds;
}

/** A step as the scenario gives it, with what came of it. */
export interface TimelineStep {
  readonly [field: string]: Json;
  /** HTTP status of the (last) answer; absent for steps of kubectl, which have `exit`. */
  code?: number;
  sent?: number;
  tookMs?: number;
  /** Pod that `nth` chose. */
  picked?: string;
  exit?: number;
  /** What kubectl drain, cordon and uncordon print. */
  stdout?: string;
  stderr?: string;
}

export interface Timeline {
  readonly scenario: string;
  readonly steps: readonly TimelineStep[];
  /** In order of time, and of revision within one moment. Large: written one by one. */
  readonly transitions: Iterable<TimelineRow>;
  readonly events: readonly TimelineEvent[];
  /** The objects that exist at the end, by name; a pod's fields unless the run had more than 24 pods. */
  readonly final: Readonly<Record<string, Readonly<Record<string, FieldValue>>>>;
  readonly envelope: Readonly<Record<string, Envelope>>;
}

/** One request of a step and what came of it. */
export interface StepAnswer {
  readonly step: TimedStep;
  readonly sentUs: number;
  readonly answeredUs: number;
  /** HTTP status; 0: nothing was sent. */
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  /** Pod that `nth` chose, in normal form. */
  readonly picked?: string;
  /** What a kubectl of its own printed, with pods in normal form. */
  readonly printed?: { readonly stdout: string; readonly stderr: string };
}

/** Tells what belongs to scenarios that run beside the one that is told. */
export interface Bystanders {
  entry(log: RevisionLog, position: number): boolean;
  /** `namespace` is '' for what lives in none. */
  object(namespace: string, name: string): boolean;
}

/** Who is told how steps went. */
export interface StepWitness {
  answered(answer: StepAnswer): void;
  /** Normal name of a pod that lives. */
  podName(pod: number): string | undefined;
}

// Scheduling attempts as somebody beside the run may follow them: what the scheduler knew when it looked at a pod, as
// plain objects, and what came of it. Nothing of this exists in a run that nobody follows.
import type { KubeObject } from '../kinds/kind.ts';

/** The cluster as the scheduler has seen it at one moment, in objects that `place` takes. */
export interface SchedulerView {
  /** Nodes in the order of the search, pods that count on them, and what plug-ins look up. */
  readonly cluster: readonly KubeObject[];
  /** The pod itself first, then the others that are nominated to a node. */
  readonly pending: readonly KubeObject[];
  /** status.startTime of pods on nodes as the scheduler knows it, µs of virtual time, by `namespace/name`. */
  readonly started: ReadonlyMap<string, number>;
  /** `namespace/name` of the victims of preemptions that have not left yet. */
  readonly preempted: ReadonlySet<string>;
}

export interface AttemptStart {
  /** µs. */
  readonly timeUs: number;
  readonly namespace: string;
  readonly pod: string;
  /** Number of the creation of the pod: another one of the same name has another. */
  readonly serial: number;
  /** The scheduler's view at this moment. Costs a walk over the whole cluster; valid during the call. */
  view(): SchedulerView;
}

export interface AttemptEnd {
  /** µs; at this moment the pod is assumed on its node, or goes back to the queue. */
  readonly timeUs: number;
  readonly result: 'scheduled' | 'preempting' | 'unschedulable' | 'dropped';
  /** Node chosen, or nominated by a preemption; ''. */
  readonly node: string;
  /** Of FailedScheduling; ''. */
  readonly message: string;
  /** Nodes that filters looked at, and those that passed. */
  readonly examined: number;
  readonly feasible: number;
  readonly nodes: number;
}

export interface AttemptObserver {
  /** Whether attempts of the pod of that name are told. Asked at each attempt. */
  wants(namespace: string, pod: string): boolean;
  began(attempt: AttemptStart): void;
  /** Of the attempt that began last. True ends the run. */
  ended(attempt: AttemptEnd): boolean;
  /** The run is over; `view` gives what the scheduler knows about a pod that exists and has no node, else null. */
  over?(view: (namespace: string, pod: string) => SchedulerView | null): void;
}

// Workloads: what arrives at the API server besides the steps of the scenario. Pulled one arrival ahead, so that a
// million pods are never listed in memory.
import type { Rng } from '../kernel/index.ts';
import type { KubeObject } from '../kinds/kind.ts';
import type { RequestStream } from './traffic.ts';

export interface Arrival {
  /** Virtual time, µs from the start; never smaller than that of the arrival before. */
  readonly atUs: number;
  /** Created by kubectl. Give the same object again where only the name differs: its template is then interned once. */
  readonly object: KubeObject;
  /** Replaces object.metadata.name. */
  readonly name?: string;
  /** Replaces object.metadata.namespace; namespaces that do not exist are created at time 0 by the engine. */
  readonly namespace?: string;
  /** The object is deleted this long after it was created, µs; absent: stays. */
  readonly lifetimeUs?: number;
  /** For a Pod that runs to completion: its containers exit with 0 this long after they started, µs. */
  readonly runUs?: number;
}

export interface WorkloadContext {
  readonly rng: Rng;
  /** Prefix for stream names, unique to this use of the workload: `rng.stream(`${streams}/arrivals`)`. */
  readonly streams: string;
  readonly untilUs: number;
}

/** Called once a run; `arrivals` is pulled one element ahead of virtual time. */
export interface Workload {
  /** Namespaces that its objects live in, besides `default`. */
  readonly namespaces: readonly string[];
  arrivals(context: WorkloadContext): Iterator<Arrival>;
  /** Requests that it sends to a Service. Called once a run, before the run. */
  requests?(context: WorkloadContext): RequestStream;
}

/** Problem with an argument, with its path inside `args`. */
export interface ArgumentProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

export interface WorkloadDefinition {
  /** The `use:` name. */
  readonly name: string;
  readonly about: string;
  /** Argument names with type and default, for `kubetick list workloads` and docs. */
  readonly args: readonly {
    readonly name: string;
    readonly type: string;
    readonly default?: string;
    readonly help: string;
  }[];
  /** Trace readers: names the file argument whose text the loader reads (gunzipped) and passes as `args.data`. */
  readonly file?: string;
  /** Checks raw arguments; returns the workload or every problem found. */
  create(
    args: Readonly<Record<string, unknown>>,
  ): { workload: Workload } | { problems: readonly ArgumentProblem[] };
}

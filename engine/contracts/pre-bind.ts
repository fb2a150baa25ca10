// What a scheduler plug-in has written and waited for before its pod is bound.
import type { KubeObject } from '../kinds/kind.ts';

/** One PUT; a refused one fails the binding. `base`: the version that `next` was made from. */
export interface PreBindUpdate {
  readonly base: KubeObject;
  readonly next: KubeObject;
}

/** A PUT that is tried again on top of the newest version if somebody else was faster. */
export interface PreBindRebase {
  /** Version that it starts from, unless an update before it wrote a newer one. */
  readonly base: KubeObject;
  /** PUT …/status instead of the object. */
  readonly status: boolean;
  /** What to write on top of `current`, itself: nothing; a text: it cannot be done any more. `now`: as the API prints it. */
  make(current: KubeObject, now: string): KubeObject | string;
  /** The object is as wanted now. */
  written(object: KubeObject): void;
}

/** What PreBind does while other pods are looked at: writes, then a look at a time until all is ready. */
export interface PreBindWork {
  /** One after the other. */
  readonly updates: readonly (PreBindUpdate | PreBindRebase)[];
  /** true: the pod may be bound; a text: it never can be, and why. Absent: it may be once all is written. */
  check?(): boolean | string;
  /** µs from one look to the next. Default: one second, the first after that; given: the first at once. */
  readonly pollUs?: number;
  /** µs from the beginning after which it fails. */
  readonly timeoutUs: number;
  /** It has failed so: why, for people. */
  expired?(): string;
}

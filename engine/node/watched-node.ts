// What the eviction manager keeps of a node whose pods use something.
import type { Threshold } from '../kinds/eviction-thresholds.ts';
import type { Eviction } from './way-down.ts';

/** A pod that is to be ended. */
export interface Order {
  readonly pod: number;
  readonly generation: number;
  readonly graceSeconds: number;
  readonly eviction: Eviction;
}

/** A node that is looked at. */
export interface Watched {
  readonly node: number;
  /** Pods that use something, in the order in which their containers first ran. */
  readonly pods: number[];
  /** Looks are at this time and each period after it, µs. */
  anchorUs: number;
  /** Nothing is met, nothing was, and nobody is being ended. */
  calm: boolean;
  /** Whatever its pods do, nothing will be found: no look is needed. */
  held: boolean;
  /** Time of the look that is scheduled; Infinity. */
  lookUs: number;
  /** It is told to the end of a run: nothing will come of it by itself. */
  idle: boolean;
  version: number;
  firstUs: Map<Threshold, number>;
  met: readonly Threshold[];
  readonly lastUs: Map<string, number>;
  conditions: readonly string[];
  /** Pressures whose thresholds were met at the look before. */
  pressed: readonly string[];
  /** Pods that are being ended, one after the other; the first of `left` now. */
  left: Order[];
  gone: Order[];
  cleanupUntilUs: number;
}

export const NONE: readonly string[] = Object.freeze([]);

/** `anchorUs`: its looks are at this time and each period after it. */
export function newlyWatched(node: number, anchorUs: number): Watched {
  return {
    node,
    pods: [],
    anchorUs,
    calm: true,
    held: false,
    lookUs: Number.POSITIVE_INFINITY,
    idle: false,
    version: 0,
    firstUs: new Map(),
    met: [],
    lastUs: new Map(),
    conditions: NONE,
    pressed: NONE,
    left: [],
    gone: [],
    cleanupUntilUs: 0,
  };
}

/** Nothing is met, nothing was, and nobody is being ended. */
export const isCalm = ({ conditions, firstUs, met, pressed, left, gone }: Watched): boolean =>
  [conditions, met, pressed, left, gone].every((list) => list.length === 0) && firstUs.size === 0;

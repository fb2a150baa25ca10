// The kernel room's door: clock, events, randomness, fingerprints, handles. Knows nothing of Kubernetes.

export { assert, InvariantError } from './assert.ts';
export { asTime, DAY, HOUR, MINUTE, MS, SECOND, type SimTime, US } from './clock.ts';
export { type Duration, Durations, type Sampler } from './durations.ts';
export { Fingerprint, type Ingredient } from './fingerprint.ts';
export { grownFloat64, grownInt32, HandleTable } from './handles.ts';
export { hashText, mix32 } from './hash.ts';
export {
  type EventHandler,
  type EventKind,
  Kernel,
  type KernelOptions,
  NO_TIMER,
  type QueueKind,
  type RecentEvent,
  type RunOutcome,
  type TimerHandle,
} from './kernel.ts';
export { KeyedDraw } from './keyed-draw.ts';
export type { Lane } from './lanes.ts';
export { mapOrder, mapSlots } from './map-order.ts';
export { NumberHeap } from './number-heap.ts';
export { PeriodicWork } from './periodic.ts';
export { delay, type ProcessBody, Signal, signal, type Wait } from './process.ts';
export { Rng, type Stream } from './rng.ts';

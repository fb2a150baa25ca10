// What set off a change of endpoints: the annotation endpoints.kubernetes.io/last-change-trigger-time, from which
// kube-proxy counts its network programming latency (TriggerTimeTracker of k8s.io/endpointslice/util, v1.36). Of a new
// Service it is its creation, afterwards the earliest change of Ready among its pods that the last sync did not know of.
//
// Upstream's times have whole seconds, because those of the pods' conditions have; here they are exact, so that a latency
// of milliseconds is not lost in them. A pod that comes to a Service by its labels is no change (upstream counts from
// when it became ready, however long ago that is).
import type { SeenPods } from '../contracts/controller.ts';
import { exactTimestampText, type Labels, PodBit } from '../state/index.ts';

export const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time';

/** Annotations with another time, '' for none, and without the one named. Those that are left keep their order. */
export function withTrigger(annotations: Labels | undefined, text: string, without = ''): Labels {
  const after: Record<string, string> = {};
  for (const key in annotations) if (key !== LAST_CHANGE && key !== without) after[key] = annotations[key]!;
  if (text !== '') after[LAST_CHANGE] = text;
  return after;
}

export class TriggerTimes {
  #isNew = true;
  readonly #createdUs: number;
  readonly #watchUs: number;
  /** Changes up to here were known to the last sync, µs. */
  #knownUs = Number.NEGATIVE_INFINITY;
  #earliestUs = Number.POSITIVE_INFINITY;
  /** As the annotation has it; '': the sync in progress answers to no such change. */
  text = '';

  /** `seenUs`: when the watch brought the Service, `watchUs` after its creation. */
  constructor(seenUs: number, watchUs: number) {
    this.#createdUs = Math.max(0, seenUs - watchUs);
    this.#watchUs = watchUs;
  }

  /** A pod that has changed. */
  pod(pods: SeenPods, pod: number): void {
    if ((pods.word(pod) & PodBit.acknowledged) === 0) return;
    const us = pods.table.readyUs[pod]!;
    if (us > this.#knownUs && us < this.#earliestUs) this.#earliestUs = us;
  }

  /** A sync begins: all changed pods have been told. */
  take(nowUs: number): void {
    const us = this.#isNew ? this.#createdUs : this.#earliestUs;
    this.text = us === Number.POSITIVE_INFINITY ? '' : exactTimestampText(us);
    this.#isNew = false;
    this.#knownUs = nowUs - this.#watchUs;
    this.#earliestUs = Number.POSITIVE_INFINITY;
  }
}

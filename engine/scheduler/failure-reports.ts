// What the scheduler tells of pods that it could not place: the FailedScheduling Event of each attempt, and the condition
// PodScheduled, which is written only when it changes (schedule_one.go handleSchedulingFailure and skipPodSchedule, v1.36).
import type { ApiClient, PodStatusChange } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { hashText } from '../kernel/index.ts';
import { cutMessage } from './diagnosis.ts';

export class FailureReports {
  readonly #context: RunContext;
  readonly #actor: string;
  readonly #client: ApiClient;
  readonly #events: ApiClient;
  /** Hash of the last message in the condition, by pod; the message is part of it. */
  readonly #last = new Map<number, number>();

  constructor(context: RunContext, actor: string, client: ApiClient, events: ApiClient) {
    this.#context = context;
    this.#actor = actor;
    this.#client = client;
    this.#events = events;
  }

  /** Whether an attempt with the pod has failed before. */
  has(pod: number): boolean {
    return this.#last.has(pod);
  }

  /** The pod has its node, or is gone. */
  forget(pod: number): void {
    this.#last.delete(pod);
  }

  /** `nominatedNode`: for the status, -1 to clear it; undefined: as it is. */
  failed(pod: number, whole: string, condition: PodStatusChange, nominatedNode?: number): void {
    const { state, recorder } = this.#context;
    const message = cutMessage(whole);
    if (recorder.tracer.enabled) {
      recorder.tracer.hop(this.#actor, 'Pod', state.podNamespace(pod), state.podName(pod), message);
    }
    this.#events.podEvent('Warning', 'FailedScheduling', pod, message);
    const hash = hashText(message, condition.set);
    if (this.#last.get(pod) === hash && nominatedNode === undefined) return;
    this.#last.set(pod, hash);
    const change = nominatedNode === undefined ? condition : { ...condition, nominatedNode };
    this.#client.patchPodStatus(pod, state.pods.generation[pod]!, change, null);
  }

  /** The binding failed: the status no longer tells where the pod was to go, if it did (clearNominatedNode). */
  bindingFailed(pod: number, message: string, condition: PodStatusChange): void {
    const isTold = this.#context.state.pods.nominatedNode[pod]! >= 0;
    this.failed(pod, message, condition, isTold ? -1 : undefined);
  }

  /** Its turn came while finalizers held it in its deletion: it leaves the queue for good. */
  skipped(pod: number): void {
    const { state } = this.#context;
    const name = `${state.podNamespace(pod)}/${state.podName(pod)}`;
    this.#events.podEvent('Warning', 'FailedScheduling', pod, `skip schedule deleting pod: ${name}`);
  }
}

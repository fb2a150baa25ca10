// Images that could not be had: ErrImagePull, then ImagePullBackOff while the kubelet waits, 10 s doubling to 5 min for
// each image of each pod (pkg/kubelet/images/image_manager.go, v1.36). A failed sync is tried again after 10 s, longer
// by up to a half (pkg/kubelet/pod_workers.go); the first time the event of the pod's new sandbox brings it at once.
import type { RunContext } from '../contracts/run-context.ts';
import { BackOff, type BackOffLimits } from './back-off.ts';
import type { KubeletClients } from './clients.ts';

/** backOffPeriod and workerBackOffPeriodJitterFactor, pkg/kubelet/{kubelet,pod_workers}.go. */
const RESYNC_US = 10_000_000;
const RESYNC_JITTER = 0.5;

interface Failing {
  /** Of the pull that is under way; null: it will succeed. */
  failure: string | null;
  /** By image. */
  readonly backOffs: Map<number, BackOff>;
  failures: number;
}

/** When the pod is looked at again: first told that it is backing off, where that comes before the next pull. */
export interface Retry {
  readonly toldUs: number | null;
  readonly pullUs: number;
}

export class PullFailures {
  readonly #c: RunContext;
  readonly #clients: KubeletClients;
  readonly #pods = new Map<number, Failing>();
  readonly #errImagePull: number;
  readonly #imagePullBackOff: number;
  readonly #jitter: number;

  constructor(context: RunContext, clients: KubeletClients) {
    this.#c = context;
    this.#clients = clients;
    this.#errImagePull = context.state.texts.id('ErrImagePull');
    this.#imagePullBackOff = context.state.texts.id('ImagePullBackOff');
    this.#jitter = context.draw.purpose('kubelet/resync');
  }

  /** A pull has begun of which it is known how it ends. */
  begins(pod: number, failure: string | null): void {
    const failing = this.#pods.get(pod);
    if (failing !== undefined) failing.failure = failure;
    else if (failure !== null) this.#pods.set(pod, { failure, backOffs: new Map(), failures: 0 });
  }

  /** The pull that has ended failed: tells so, and gives when to try again. null: there is an image. */
  ended(pod: number, image: number): Retry | null {
    const failing = this.#pods.get(pod);
    if (failing === undefined || failing.failure === null) return null;
    const { kernel, state, draw, costs } = this.#c;
    this.#clients.pullFailed(pod, image, failing.failure);
    this.#clients.reason(pod, this.#errImagePull);
    let backOff = failing.backOffs.get(image);
    if (backOff === undefined) {
      backOff = new BackOff();
      failing.backOffs.set(image, backOff);
    }
    const limits: BackOffLimits = {
      baseUs: costs.kubelet.crashBackoffBaseUs,
      maxUs: costs.kubelet.crashBackoffMaxUs,
      resetUs: costs.kubelet.crashBackoffResetUs,
    };
    backOff.next(kernel.now, kernel.now, limits);
    const first = failing.failures === 0;
    failing.failures += 1;
    const jitterUs = draw.below(
      this.#jitter,
      state.pods.serial[pod]!,
      failing.failures,
      RESYNC_US * RESYNC_JITTER,
    );
    const syncUs = first ? 0 : RESYNC_US + jitterUs;
    return syncUs >= backOff.us ? { toldUs: null, pullUs: syncUs } : { toldUs: syncUs, pullUs: backOff.us };
  }

  /** A sync finds the image backing off. */
  backsOff(pod: number, image: number): void {
    this.#clients.pullBacksOff(pod, image);
    this.#clients.reason(pod, this.#imagePullBackOff);
  }

  has(pod: number): boolean {
    return this.#pods.has(pod);
  }

  forget(pod: number): void {
    this.#pods.delete(pod);
  }
}

// Ephemeral containers, added to pods that exist (kubectl debug): the kubelet pulls their image and starts them beside the
// others, one after the other; they never restart, count for nothing in the pod's readiness and phase, and end with it
// (SyncPod of pkg/kubelet/kuberuntime/kuberuntime_manager.go, v1.36). A pod that has no sandbox yet gets them when it has.
//
// Leaves out: what they use; their end before the pod's; a pull that fails is told and not tried again.
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import { type KubeletClients, NO_CHANGE } from './clients.ts';
import type { Images } from './images.ts';
import { type PodWorkers, Step } from './pod-workers.ts';
import type { StepTimes } from './step-times.ts';

/** Keys of draws: containers of the pod's own have smaller ones. */
const DRAW = 500;

export interface EphemeralParts {
  readonly workers: PodWorkers;
  readonly times: StepTimes;
  readonly images: Images;
  readonly clients: KubeletClients;
  /** An image will be on the node then. */
  imageAt(node: number, readyUs: number): void;
  /** The machine runs. */
  runs(node: number): boolean;
}

/** The one that is being started, by pod. */
interface Starting {
  readonly generation: number;
  index: number;
  pulled: boolean;
  /** Its pull fails, for that reason. */
  failure: string | null;
  busy: boolean;
}

export class EphemeralContainers {
  readonly #c: RunContext;
  readonly #p: EphemeralParts;
  readonly #pods = new Map<number, Starting>();
  readonly #kind: EventKind;

  constructor(context: RunContext, parts: EphemeralParts) {
    this.#c = context;
    this.#p = parts;
    this.#kind = context.kernel.on('kubelet/ephemeral', (pod, generation) => this.#next(pod, generation));
  }

  /** The pod has changed, or its sandbox is ready. */
  sync(pod: number): void {
    const { state, kernel } = this.#c;
    const { ephemeral } = state.template(pod);
    if (ephemeral.length === 0) return;
    const step = this.#p.workers.stepOf(pod);
    if (step < Step.pulling || step >= Step.stopping) return;
    const generation = state.pods.generation[pod]!;
    let starting = this.#pods.get(pod);
    if (starting?.generation !== generation) {
      starting = { generation, index: 0, pulled: false, failure: null, busy: false };
      this.#pods.set(pod, starting);
    }
    if (starting.busy || starting.index >= ephemeral.length) return;
    starting.busy = true;
    kernel.after(
      this.#p.times.sync(state.pods.serial[pod]!, DRAW + starting.index),
      this.#kind,
      pod,
      generation,
    );
  }

  /** The pod ends, is gone, or its machine has booted: nothing of them is left. */
  forget(pod: number): void {
    if (this.#pods.size > 0) this.#pods.delete(pod);
  }

  /** Pull, then create and start. */
  #next(pod: number, generation: number): void {
    const starting = this.#pods.get(pod);
    const { state, kernel } = this.#c;
    if (starting === undefined || starting.generation !== generation) return kernel.countDropped();
    const node = state.pods.node[pod]!;
    // A machine that stands still starts nothing; its pods are synced when it is back.
    if (!this.#p.runs(node)) {
      starting.busy = false;
      starting.pulled = false;
      return;
    }
    if (starting.pulled) return this.#started(pod, starting);
    const { clients, images, times } = this.#p;
    const { image, pullPolicy } = state.template(pod).ephemeral[starting.index]!;
    const serial = state.pods.serial[pod]!;
    const k = DRAW + starting.index;
    const pull = images.ensure(node, image, pullPolicy, kernel.now, serial, k);
    if (pull.pulled) {
      clients.pulling(pod, image);
      this.#p.imageAt(node, pull.doneUs);
    } else clients.imagePresent(pod, image);
    starting.pulled = true;
    starting.failure = pull.failure;
    const startUs = pull.failure === null ? times.startContainer(pod, k) : 0;
    kernel.at(pull.doneUs + startUs, this.#kind, pod, generation);
  }

  #started(pod: number, starting: Starting): void {
    const { clients } = this.#p;
    const { image, name } = this.#c.state.template(pod).ephemeral[starting.index]!;
    if (starting.failure === null) {
      clients.event(pod, 'Normal', 'Created', 'Container created');
      clients.event(pod, 'Normal', 'Started', 'Container started');
      clients.hop(pod, `ephemeral container ${name} started`);
    } else clients.pullFailed(pod, image, starting.failure);
    // status.ephemeralContainerStatuses.
    clients.patch(pod, NO_CHANGE);
    starting.index += 1;
    starting.pulled = false;
    starting.busy = false;
    this.sync(pod);
  }
}

// The way of a pod to its running containers: sync → volumes → sandbox → for each container (init containers one by one,
// then the others) pull, create, start, postStart hook → the runtime is looked at. Every step ends with an event that the
// kubelet hands back here (Kubelet.SyncPod, kuberuntime_manager.go SyncPod; v1.36).
import type { RunContext } from '../contracts/run-context.ts';
import type { PodVolumes } from '../contracts/volumes.ts';
import { PodStamp } from '../metrics/recorder.ts';
import { type ContainerTemplate, PodBit } from '../state/index.ts';
import { BackOff } from './back-off.ts';
import { type KubeletClients, NO_CHANGE } from './clients.ts';
import type { Images } from './images.ts';
import { containerAt, type PodWorkers, Step } from './pod-workers.ts';
import { PullFailures } from './pull-failures.ts';
import { sidecarStartupUs } from './readiness.ts';
import type { StepTimes } from './step-times.ts';

/** What the steps share with the rest of the kubelet. */
export interface WayParts {
  readonly workers: PodWorkers;
  readonly times: StepTimes;
  readonly images: Images;
  readonly clients: KubeletClients;
  /** An image will be on the node then. */
  imageAt(node: number, readyUs: number): void;
  readonly volumes: PodVolumes;
  /** When the kubelet sees that a container of the pod ended at that time, µs. */
  seenUs(pod: number, us: number): number;
  /** Enters a step that ends `delayUs` from now; -1: nothing is scheduled. */
  enter(pod: number, step: Step, delayUs: number): void;
  /** The pod has failed for good, with that exit code. */
  failed(pod: number, code: number): void;
}

export class WayUp {
  readonly #c: RunContext;
  readonly #host: Pick<WayParts, 'enter' | 'failed' | 'imageAt' | 'seenUs'>;
  readonly #workers: PodWorkers;
  readonly #times: StepTimes;
  readonly #images: Images;
  readonly #clients: KubeletClients;
  readonly #volumes: PodVolumes;
  readonly #pullFailures: PullFailures;
  /** Of init containers that fail, by pod. */
  readonly #initBackOffs = new Map<number, BackOff>();
  /** Pod whose volumes are being asked for; -1. An answer by then is one that did not have to be waited for. */
  #preparing = -1;
  readonly #pullMetric: number;
  readonly #startMetric: number;
  readonly #errImage: number;
  readonly #crashLoop: number;

  constructor(context: RunContext, parts: WayParts) {
    this.#c = context;
    this.#host = parts;
    this.#workers = parts.workers;
    this.#times = parts.times;
    this.#images = parts.images;
    this.#clients = parts.clients;
    this.#volumes = parts.volumes;
    this.#pullFailures = new PullFailures(context, parts.clients);
    const { recorder, state } = context;
    this.#pullMetric = recorder.latency('kubelet.pull');
    this.#startMetric = recorder.latency('kubelet.start');
    this.#errImage = state.texts.id('ErrImageNeverPull');
    this.#crashLoop = state.texts.id('CrashLoopBackOff');
  }

  /** The pod has ended or is gone. */
  forget(pod: number): void {
    this.#pullFailures.forget(pod);
    this.#initBackOffs.delete(pod);
  }

  /** A status has told why the pod waits, or will have: the next one has to take it back. */
  hasTold(pod: number): boolean {
    return this.#workers.initRuns[pod]! > 0 || this.#pullFailures.has(pod);
  }

  syncPod(pod: number): void {
    const { state } = this.#c;
    const template = state.template(pod);
    const { startDelayUs } = template.timings;
    this.#clients.hop(pod, 'syncs the pod');
    if (startDelayUs !== null) {
      // Exact delays were asked for: no volumes, no sandbox, no pull, no "ContainerCreating" status.
      this.#volumes.adopt(pod);
      this.#host.enter(pod, Step.started, startDelayUs);
      return;
    }
    const set = PodBit.acknowledged | (template.initContainers.length === 0 ? PodBit.initialized : 0);
    this.#clients.patch(pod, { ...NO_CHANGE, set });
    this.#preparing = pod;
    this.#volumes.prepare(pod, this.#workers.enter(pod, Step.volumes), this.#volumesReady);
    this.#preparing = -1;
  }

  readonly #volumesReady = (pod: number, version: number): void => {
    if (this.#workers.version[pod] !== version) return;
    if (this.#preparing !== pod) {
      this.#c.recorder.stamp(pod, PodStamp.volumes);
      this.#clients.hop(pod, 'volumes are attached and mounted');
    }
    this.#host.enter(pod, Step.sandbox, this.#times.sandbox(pod));
  };

  sandboxReady(pod: number): void {
    this.#c.recorder.stamp(pod, PodStamp.sandbox);
    this.#clients.hop(pod, 'sandbox and network ready (CRI RunPodSandbox, CNI ADD)');
    this.nextContainer(pod, 0);
  }

  /** Container `index` of init containers and containers together; past the last one the pod has started. */
  nextContainer(pod: number, index: number): void {
    const { state, kernel } = this.#c;
    const template = state.template(pod);
    this.#workers.container[pod] = index;
    const container = containerAt(template, index);
    if (container === undefined) return this.#allStarted(pod);
    const node = state.pods.node[pod]!;
    const now = kernel.now;
    const pull = this.#images.ensure(
      node,
      container.image,
      container.pullPolicy,
      now,
      state.pods.serial[pod]!,
      index,
    );
    const image = state.images.text(container.image);
    if (pull.pulled) {
      this.#workers.pullFromUs[pod] = now;
      this.#clients.pulling(pod, container.image);
      this.#clients.hop(pod, `pulls image ${image}`);
      this.#host.imageAt(node, pull.doneUs);
    } else if (container.pullPolicy === 'Never' && !this.#images.present(node, container.image, now)) {
      this.#clients.neverPulled(pod, image);
      this.#clients.patch(pod, { ...NO_CHANGE, reason: this.#errImage });
      this.#host.enter(pod, Step.pulling, -1);
      return;
    } else {
      this.#clients.imagePresent(pod, container.image);
    }
    this.#pullFailures.begins(pod, pull.failure);
    // An image that is there makes no step of its own.
    if (pull.pulled) this.#host.enter(pod, Step.pulling, pull.doneUs - now);
    else this.pulled(pod);
  }

  pulled(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const index = this.#workers.container[pod]!;
    const container = containerAt(state.template(pod), index)!;
    const retry = this.#pullFailures.ended(pod, container.image);
    if (retry !== null) {
      this.#workers.pullUs[pod] = kernel.now + retry.pullUs;
      if (retry.toldUs === null) this.#host.enter(pod, Step.pullBackOff, retry.pullUs);
      else this.#host.enter(pod, Step.pullFailed, retry.toldUs);
      return;
    }
    const fromUs = this.#workers.pullFromUs[pod]!;
    if (!Number.isNaN(fromUs)) {
      this.#workers.pullFromUs[pod] = Number.NaN;
      const us = kernel.now - fromUs;
      recorder.observe(this.#pullMetric, us);
      this.#times.observe(pod, 'pull', us);
      this.#clients.imagePulled(pod, container.image, us, this.#images.bytes(container.image));
    }
    const last = containerAt(state.template(pod), index + 1) === undefined;
    if (last && this.#workers.runs[pod] === 0) recorder.stamp(pod, PodStamp.pulled);
    const k = index + 1000 * (this.#workers.runs[pod]! + this.#workers.initRuns[pod]!);
    this.#host.enter(pod, Step.starting, this.#times.startContainer(pod, k));
  }

  pullBacksOff(pod: number): void {
    const container = containerAt(this.#c.state.template(pod), this.#workers.container[pod]!)!;
    this.#pullFailures.backsOff(pod, container.image);
    this.#host.enter(pod, Step.pullBackOff, this.#workers.pullUs[pod]! - this.#c.kernel.now);
  }

  containerStarted(pod: number): void {
    const { state } = this.#c;
    const template = state.template(pod);
    const index = this.#workers.container[pod]!;
    const container = containerAt(template, index)!;
    this.#clients.event(pod, 'Normal', 'Created', `Container created`);
    this.#clients.event(pod, 'Normal', 'Started', `Container started`);
    this.#clients.hop(pod, `container ${container.name} started`);
    const serial = state.pods.serial[pod]!;
    const init = index < template.initContainers.length;
    if (init && !container.sidecar) {
      const ownUs = this.#initFails(pod, container) ? container.behaviour!.exitAfterUs : null;
      if (ownUs !== Number.POSITIVE_INFINITY) {
        const { now } = this.#c.kernel;
        const endUs = now + (ownUs ?? this.#times.initRun(serial, index));
        this.#host.enter(pod, Step.init, this.#host.seenUs(pod, endUs) - now);
      } else this.#host.enter(pod, Step.init, -1);
      return;
    }
    this.#workers.alive[pod]! += 1;
    // The next init container, and the others, wait until a sidecar has started by its probe (KEP-753).
    if (init && container.startup !== null) {
      const since = this.#c.kernel.now - this.#workers.seenUs[pod]!;
      this.#host.enter(pod, Step.init, sidecarStartupUs(container, this.#times.probe(serial, index), since));
      return;
    }
    // A postStart hook holds the containers that come after its own.
    if (container.postStartUs === null || container.postStartUs === 0) this.nextContainer(pod, index + 1);
    else this.#host.enter(pod, Step.hook, container.postStartUs);
  }

  /** This run of an init container goes as its behaviour says. */
  #initFails(pod: number, { behaviour }: ContainerTemplate): boolean {
    return behaviour !== null && this.#workers.initRuns[pod]! < behaviour.runs;
  }

  /** An init container has ended, or a sidecar has started by its probe. */
  initEnded(pod: number): void {
    const { state, kernel, costs } = this.#c;
    const template = state.template(pod);
    const index = this.#workers.container[pod]!;
    const container = containerAt(template, index)!;
    const code = container.sidecar || !this.#initFails(pod, container) ? 0 : container.behaviour!.exitCode;
    if (code === 0) return this.nextContainer(pod, index + 1);
    this.#clients.hop(pod, `init container ${container.name} failed with code ${code}`);
    if (template.restartPolicy === 'Never') return this.#host.failed(pod, code);
    const { crashBackoffBaseUs, crashBackoffMaxUs, crashBackoffResetUs } = costs.kubelet;
    const limits = { baseUs: crashBackoffBaseUs, maxUs: crashBackoffMaxUs, resetUs: crashBackoffResetUs };
    const backOff = this.#initBackOffs.get(pod) ?? new BackOff();
    this.#initBackOffs.set(pod, backOff);
    const wait = backOff.waitUs(kernel.now, kernel.now, limits);
    this.#workers.initRuns[pod]! += 1;
    backOff.next(kernel.now, kernel.now + wait, limits);
    if (wait > 0) {
      this.#clients.backOff(pod, container.name);
      this.#clients.reason(pod, this.#crashLoop);
    }
    this.#host.enter(pod, Step.initBackOff, wait);
  }

  #allStarted(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    if (this.#workers.runs[pod] === 0) {
      recorder.stamp(pod, PodStamp.started);
      const us = kernel.now - this.#workers.seenUs[pod]!;
      recorder.observe(this.#startMetric, us);
      this.#times.observe(pod, 'start', us);
    }
    this.#host.enter(pod, Step.started, this.#times.pleg(state.pods.serial[pod]!, 0));
  }

  /** A container alone comes back: image, create, start, hook, and the status that shows it, µs. */
  restartUs(pod: number, index: number, run: number): number {
    const { state, kernel } = this.#c;
    const { image, pullPolicy, postStartUs } = containerAt(state.template(pod), index)!;
    const [node, serial, now] = [state.pods.node[pod]!, state.pods.serial[pod]!, kernel.now];
    const k = index + 1000 * run;
    const pulledUs = this.#images.ensure(node, image, pullPolicy, now, serial, k).doneUs - now;
    return pulledUs + this.#times.startContainer(pod, k) + (postStartUs ?? 0) + this.#times.pleg(serial, k);
  }
}

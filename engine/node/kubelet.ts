// The kubelets: from "a pod is bound to my node" to running, ready, ended or stopped, as pkg/kubelet's pod workers and
// kuberuntime_manager do it (v1.36). One object stands for all nodes; its state is columns by pod and by node.
//
// A pod start is a chain of events: sync → sandbox → for each container (init containers one by one, then the others)
// pull, create, start → PLEG → status. Stopping: SIGTERM, exit, status with a terminal phase, DELETE with grace 0.
// Leaves out: node-level admission, volumes, lifecycle hooks, probes that fail (docs/model.md).
import type { ApiClient, PodStatusChange } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind, Sampler } from '../kernel/index.ts';
import { PodStamp } from '../metrics/recorder.ts';
import { type ContainerTemplate, isTerminal, Phase, PodBit, type PodTemplate } from '../state/index.ts';
import { Images } from './images.ts';
import { NodeAddresses } from './addresses.ts';
import { PodWorkers, Step } from './pod-workers.ts';
import { readyDelayUs } from './readiness.ts';

const NO_CHANGE: PodStatusChange = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };
/** Exit code of a container that dies of SIGTERM. */
const SIGTERM_EXIT = 143;

export class Kubelets {
  readonly #c: RunContext;
  readonly #workers = new PodWorkers();
  readonly #images: Images;
  readonly #addresses: NodeAddresses;
  readonly #clients: (ApiClient | undefined)[] = [];
  readonly #stepKind: EventKind;
  readonly #readyKind: EventKind;
  readonly #exitKind: EventKind;
  readonly #nodeStatusKind: EventKind;
  /** Whether a node's next status update is scheduled. */
  readonly #statusPending: boolean[] = [];
  readonly #imageTexts = new Map<string, string[]>();
  readonly #pullMetric: number;
  readonly #startMetric: number;
  readonly #errImage: number;
  readonly #crashLoop: number;
  readonly #sync: Sampler;
  readonly #sandbox: Sampler;
  readonly #create: Sampler;
  readonly #start: Sampler;
  readonly #pleg: Sampler;
  readonly #stop: Sampler;
  readonly #probe: Sampler;
  readonly #initRun: Sampler;

  constructor(context: RunContext) {
    this.#c = context;
    const { kernel, durations, costs, state, recorder } = context;
    const k = costs.kubelet;
    const sampler = durations.sampler.bind(durations);
    this.#sync = sampler('kubelet/sync', k.syncUs);
    this.#sandbox = sampler('kubelet/sandbox', k.sandboxUs);
    this.#create = sampler('kubelet/container-create', k.containerCreateUs);
    this.#start = sampler('kubelet/container-start', k.containerStartUs);
    this.#pleg = sampler('kubelet/pleg', k.plegUs);
    this.#stop = sampler('kubelet/stop', k.stopUs);
    this.#probe = sampler('kubelet/probe', k.probeUs);
    this.#initRun = sampler('kubelet/init-container', k.initContainerRunUs);
    this.#images = new Images(state, k, sampler('kubelet/pull', k.pullBaseUs));
    this.#addresses = new NodeAddresses(state);
    this.#pullMetric = recorder.latency('kubelet.pull');
    this.#startMetric = recorder.latency('kubelet.start');
    this.#errImage = state.texts.id('ErrImageNeverPull');
    this.#crashLoop = state.texts.id('CrashLoopBackOff');
    this.#stepKind = kernel.on('kubelet/step', (pod, version) => this.#next(pod, version));
    this.#readyKind = kernel.on('kubelet/ready', (pod, version) => this.#ready(pod, version));
    this.#exitKind = kernel.on('kubelet/exit', (pod, version) => this.#exit(pod, version));
    this.#nodeStatusKind = kernel.on('kubelet/node-status', (node) => this.#nodeStatus(node));
  }

  start(): void {
    const { kernel, api } = this.#c;
    api.routeBoundPods(kernel.on('kubelet/pod', (pod, generation) => this.#changed(pod, generation)));
  }

  /** A pod that was running on its node before the run began. */
  adopt(pod: number): void {
    this.#workers.reset(pod);
    this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = 0;
    this.#addresses.take(pod);
  }

  // What the watch says.

  #changed(pod: number, generation: number): void {
    const { pods } = this.#c.state;
    if (pods.generation[pod] !== generation) return this.#c.kernel.countDropped();
    const word = pods.word[pod]!;
    const step = this.#workers.stepOf(pod);
    if (word & PodBit.removed) return this.#forget(pod, step);
    if (step === Step.none) {
      this.#workers.reset(pod);
      if (isTerminal(word)) return this.#enter(pod, Step.ended, -1);
      this.#enter(pod, Step.seen, this.#sync(pods.serial[pod]!, 0));
      return;
    }
    if (word & PodBit.deleting && step !== Step.stopping && step !== Step.ended) this.#terminate(pod, step);
  }

  #forget(pod: number, step: Step): void {
    if (step === Step.none) return;
    this.#addresses.release(pod);
    this.#workers.reset(pod);
  }

  // The way up.

  #next(pod: number, version: number): void {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    switch (this.#workers.step[pod]! as Step) {
      case Step.seen:
        return this.#syncPod(pod);
      case Step.sandbox:
        return this.#sandboxReady(pod);
      case Step.pulling:
        return this.#pulled(pod);
      case Step.starting:
        return this.#containerStarted(pod);
      case Step.init:
        return this.#nextContainer(pod, this.#workers.container[pod]! + 1);
      case Step.started:
        return this.#reportRunning(pod);
      case Step.backoff:
        return this.#restart(pod);
      case Step.stopping:
        return this.#stopped(pod);
    }
  }

  #syncPod(pod: number): void {
    const { state } = this.#c;
    if (state.pods.word[pod]! & PodBit.deleting) return this.#terminate(pod, Step.seen);
    const template = state.template(pod);
    const { startDelayUs } = template.timings;
    this.#hop(pod, 'syncs the pod');
    if (startDelayUs !== null) {
      // Exact delays were asked for: no sandbox, no pull, no "ContainerCreating" status.
      this.#enter(pod, Step.started, startDelayUs);
      return;
    }
    const set = PodBit.acknowledged | (template.initContainers.length === 0 ? PodBit.initialized : 0);
    this.#patch(pod, { ...NO_CHANGE, set });
    this.#enter(pod, Step.sandbox, this.#sandbox(state.pods.serial[pod]!, 0));
  }

  #sandboxReady(pod: number): void {
    this.#c.recorder.stamp(pod, PodStamp.sandbox);
    this.#hop(pod, 'sandbox and network ready (CRI RunPodSandbox, CNI ADD)');
    this.#nextContainer(pod, 0);
  }

  /** Container `index` of init containers and containers together; past the last one the pod has started. */
  #nextContainer(pod: number, index: number): void {
    const { state, kernel } = this.#c;
    const template = state.template(pod);
    this.#workers.container[pod] = index;
    const container = this.#container(template, index);
    if (container === undefined) return this.#enter(pod, Step.started, this.#pleg(state.pods.serial[pod]!, 0));
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
      this.#event(pod, 'Normal', 'Pulling', this.#imageText(container.image, 'Pulling image ', ''));
      this.#hop(pod, `pulls image ${image}`);
      this.#scheduleNodeStatus(node, pull.doneUs);
    } else if (container.pullPolicy === 'Never' && !this.#present(node, container.image)) {
      this.#event(pod, 'Warning', 'ErrImageNeverPull', `Container image "${image}" is not present with pull policy of Never`);
      this.#patch(pod, { ...NO_CHANGE, reason: this.#errImage });
      this.#enter(pod, Step.pulling, -1);
      return;
    } else {
      this.#event(pod, 'Normal', 'Pulled', this.#imageText(container.image, 'Container image ', ' already present on machine and can be accessed by the pod'));
    }
    this.#enter(pod, Step.pulling, pull.doneUs - now);
  }

  #present(node: number, image: number): boolean {
    return this.#images.list(node, this.#c.kernel.now).includes(image);
  }

  #pulled(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const index = this.#workers.container[pod]!;
    const container = this.#container(state.template(pod), index)!;
    const fromUs = this.#workers.pullFromUs[pod]!;
    if (!Number.isNaN(fromUs)) {
      this.#workers.pullFromUs[pod] = Number.NaN;
      const us = kernel.now - fromUs;
      recorder.observe(this.#pullMetric, us);
      const image = state.images.text(container.image);
      const seconds = `${Math.round(us / 1000)}ms`;
      this.#event(
        pod,
        'Normal',
        'Pulled',
        `Successfully pulled image "${image}" in ${seconds} (${seconds} including waiting). Image size: ${this.#images.bytes(container.image)} bytes.`,
      );
    }
    const serial = state.pods.serial[pod]!;
    const k = index + 1000 * this.#workers.runs[pod]!;
    this.#enter(pod, Step.starting, this.#create(serial, k) + this.#start(serial, k));
  }

  #containerStarted(pod: number): void {
    const { state } = this.#c;
    const template = state.template(pod);
    const index = this.#workers.container[pod]!;
    const container = this.#container(template, index)!;
    this.#event(pod, 'Normal', 'Created', `Container created`);
    this.#event(pod, 'Normal', 'Started', `Container started`);
    this.#hop(pod, `container ${container.name} started`);
    const last = template.initContainers.length - 1;
    if (index <= last && !container.sidecar) {
      this.#enter(pod, Step.init, this.#initRun(state.pods.serial[pod]!, index));
      return;
    }
    this.#nextContainer(pod, index + 1);
  }

  /** The PLEG has seen the containers running: one status PATCH. */
  #reportRunning(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const { pods } = state;
    const template = state.template(pod);
    const serial = pods.serial[pod]!;
    const now = kernel.now;
    const version = this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = now;
    const fresh = this.#workers.runs[pod] === 0;
    if (fresh) {
      recorder.stamp(pod, PodStamp.pulled);
      recorder.stamp(pod, PodStamp.started);
      const bound = recorder.stamped(pod, PodStamp.bound);
      if (!Number.isNaN(bound)) recorder.observe(this.#startMetric, now - bound);
      this.#addresses.take(pod);
    }
    const delay = readyDelayUs(template, this.#probe, serial);
    const ready = delay === 0 ? PodBit.ready | PodBit.containersReady : 0;
    this.#patch(pod, {
      phase: Phase.running,
      set: PodBit.acknowledged | PodBit.initialized | PodBit.sandbox | ready,
      clear: 0,
      restarts: this.#workers.runs[pod]!,
      reason: -1,
      ip: fresh ? this.#addresses.of(pod) : 0,
    });
    this.#hop(pod, ready ? 'status: Running, Ready' : 'status: Running');
    if (delay > 0 && delay !== Number.POSITIVE_INFINITY) kernel.after(delay, this.#readyKind, pod, version);
    const runUs = this.#runUs(pod, template);
    if (runUs !== null) kernel.after(runUs, this.#exitKind, pod, version);
  }

  #ready(pod: number, version: number): void {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    this.#patch(pod, { ...NO_CHANGE, set: PodBit.ready | PodBit.containersReady });
    this.#hop(pod, 'status: Ready (readiness probes succeeded)');
  }

  /** Run time of the current run, µs; null: it runs on. */
  #runUs(pod: number, template: PodTemplate): number | null {
    const fixed = this.#c.state.pods.runUs[pod]!;
    if (!Number.isNaN(fixed)) return fixed;
    const list = template.timings.runUs;
    return list.length === 0 ? null : list[Math.min(this.#workers.runs[pod]!, list.length - 1)]!;
  }

  // Ends and restarts.

  #exit(pod: number, version: number): void {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    const { state } = this.#c;
    const template = state.template(pod);
    const codes = template.timings.exitCodes;
    const run = this.#workers.runs[pod]!;
    const code = codes.length === 0 ? 0 : codes[Math.min(run, codes.length - 1)]!;
    this.#hop(pod, `containers exited with code ${code}`);
    const { restartPolicy } = template;
    if (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0)) return this.#backOff(pod);
    this.#enter(pod, Step.ended, -1);
    this.#patch(pod, {
      ...NO_CHANGE,
      phase: code === 0 ? Phase.succeeded : Phase.failed,
      clear: PodBit.ready | PodBit.containersReady,
    });
  }

  /** CrashLoopBackOff: first restart at once, then 10 s doubling to 5 min; forgotten after a run of 10 min. */
  #backOff(pod: number): void {
    const { costs, kernel } = this.#c;
    const { crashBackoffBaseUs, crashBackoffMaxUs, crashBackoffResetUs } = costs.kubelet;
    const ranUs = kernel.now - this.#workers.startedUs[pod]!;
    const first = this.#workers.runs[pod] === 0 || ranUs > crashBackoffResetUs;
    const last = this.#workers.backoffUs[pod]!;
    const wait = first ? 0 : Math.min(crashBackoffMaxUs, last === 0 ? crashBackoffBaseUs : last * 2);
    this.#workers.backoffUs[pod] = wait;
    this.#workers.runs[pod]! += 1;
    if (wait > 0) {
      this.#event(pod, 'Warning', 'BackOff', `Back-off restarting failed container in pod ${this.#c.state.podName(pod)}`);
      this.#patch(pod, { ...NO_CHANGE, clear: PodBit.ready | PodBit.containersReady, reason: this.#crashLoop });
    }
    this.#enter(pod, Step.backoff, wait);
  }

  #restart(pod: number): void {
    this.#nextContainer(pod, this.#c.state.template(pod).initContainers.length);
  }

  #terminate(pod: number, step: Step): void {
    const { state } = this.#c;
    const { pods } = state;
    const template = state.template(pod);
    // Nothing runs before the first container has started, nor while it waits for a restart.
    const running = step >= Step.init && step <= Step.running;
    const graceUs = pods.graceSeconds[pod]! * 1_000_000;
    const stopUs = template.timings.stopDelayUs ?? this.#stop(pods.serial[pod]!, 0);
    this.#hop(pod, running ? 'stops the containers (SIGTERM)' : 'stops before any container ran');
    if (running) this.#event(pod, 'Normal', 'Killing', `Stopping container ${template.containers[0]?.name ?? ''}`);
    this.#enter(pod, Step.stopping, running ? Math.min(stopUs, graceUs) : 0);
  }

  #stopped(pod: number): void {
    const { state } = this.#c;
    const { pods } = state;
    const generation = pods.generation[pod]!;
    const ran = !Number.isNaN(this.#workers.startedUs[pod]!);
    // A restartPolicy of Always stands for a server that ends well on SIGTERM; a job killed by it dies with 143.
    const code = state.template(pod).restartPolicy === 'Always' ? 0 : SIGTERM_EXIT;
    if (ran) {
      this.#patch(pod, {
        ...NO_CHANGE,
        phase: code === 0 ? Phase.succeeded : Phase.failed,
        clear: PodBit.ready | PodBit.containersReady,
      });
    }
    this.#enter(pod, Step.ended, -1);
    this.#client(pods.node[pod]!).deletePod(pod, generation, 0, null);
    this.#hop(pod, 'containers stopped; deletes the pod from the API');
  }

  // Node status.

  #scheduleNodeStatus(node: number, notBeforeUs: number): void {
    if (this.#statusPending[node]) return;
    this.#statusPending[node] = true;
    const { kernel, costs, draw } = this.#c;
    // Each kubelet computes its status on its own phase of the period.
    const period = costs.kubelet.nodeStatusUs;
    const phase = draw.below(draw.purpose('kubelet/node-status'), node, 0, period);
    const at = phase + Math.ceil((notBeforeUs - phase) / period) * period;
    kernel.at(Math.max(at, notBeforeUs), this.#nodeStatusKind, node, 0);
  }

  #nodeStatus(node: number): void {
    this.#statusPending[node] = false;
    const { kernel, state } = this.#c;
    const list = this.#images.list(node, kernel.now);
    const known = state.nodes.images[node]!;
    if (list.length === known.length && list.every((image, i) => image === known[i])) return;
    this.#client(node).patchNodeImages(node, list);
  }

  // Helpers.

  #container(template: PodTemplate, index: number): ContainerTemplate | undefined {
    const inits = template.initContainers.length;
    return index < inits ? template.initContainers[index] : template.containers[index - inits];
  }

  /** Enters a step that ends `delayUs` from now; -1: nothing is scheduled. */
  #enter(pod: number, step: Step, delayUs: number): void {
    const version = this.#workers.enter(pod, step);
    if (delayUs >= 0) this.#c.kernel.after(delayUs, this.#stepKind, pod, version);
  }

  #client(node: number): ApiClient {
    let client = this.#clients[node];
    if (client === undefined) {
      client = this.#c.api.client(`kubelet/${this.#c.state.nodeName(node)}`, this.#c.costs.clients.kubelet);
      this.#clients[node] = client;
    }
    return client;
  }

  #patch(pod: number, change: PodStatusChange): void {
    const { pods } = this.#c.state;
    this.#client(pods.node[pod]!).patchPodStatus(pod, pods.generation[pod]!, change, null);
  }

  #event(pod: number, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.#client(this.#c.state.pods.node[pod]!).podEvent(type, reason, pod, message);
  }

  /** A text about an image, made once: thousands of pods say the same. */
  #imageText(image: number, prefix: string, suffix: string): string {
    const key = prefix + suffix;
    let texts = this.#imageTexts.get(key);
    if (texts === undefined) {
      texts = [];
      this.#imageTexts.set(key, texts);
    }
    return (texts[image] ??= `${prefix}"${this.#c.state.images.text(image)}"${suffix}`);
  }

  #hop(pod: number, what: string): void {
    const { recorder, state } = this.#c;
    if (!recorder.tracer.enabled) return;
    const actor = `kubelet/${state.nodeName(state.pods.node[pod]!)}`;
    recorder.tracer.hop(actor, 'Pod', state.podNamespace(pod), state.podName(pod), what);
  }
}

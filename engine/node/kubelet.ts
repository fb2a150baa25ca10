// The kubelets: from "a pod is bound to my node" to running, ready, ended or stopped, as pkg/kubelet's pod workers and
// kuberuntime_manager do it (v1.36). One object stands for all nodes; its state is columns by pod and by node.
//
// A pod start is a chain of events: sync → sandbox → for each container (init containers one by one, then the others)
// pull, create, start → PLEG → status. Stopping: SIGTERM, exit, status with a terminal phase, DELETE with grace 0.
// A pod's containers end and restart together. Leaves out: node-level admission, volumes, lifecycle hooks, probes that
// fail (docs/model.md).
//
// Promises: a pod's address is taken and given back once; every pod that is being deleted and bound gets exactly one
// final DELETE; an event of an earlier step, or of a row's earlier pod, changes nothing.
import type { ApiReply, PodStatusChange } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind, Sampler } from '../kernel/index.ts';
import { podUid } from '../kinds/ingest/materialise.ts';
import { PodStamp } from '../metrics/recorder.ts';
import { isTerminal, Phase, PodBit, phaseOf } from '../state/index.ts';
import { NodeAddresses } from './addresses.ts';
import { KubeletClients } from './clients.ts';
import { Images } from './images.ts';
import { NodePower, Reach } from './node-power.ts';
import { NodeStatus } from './node-status.ts';
import { containerAt, PodWorkers, runningContainers, runUsOf, Step } from './pod-workers.ts';
import { Processes } from './processes.ts';
import { readyDelayUs, sidecarStartupUs } from './readiness.ts';

const NO_CHANGE: PodStatusChange = { phase: -1, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 };
const SECOND = 1_000_000;
/** Exit code of a container that dies of SIGTERM. */
const SIGTERM_EXIT = 143;
const READY = PodBit.ready | PodBit.containersReady;

/** What can happen to a pod by itself. */
const PodEvent = { step: 0, ready: 1, exit: 2 } as const;
type PodEvent = (typeof PodEvent)[keyof typeof PodEvent];

export class Kubelets {
  readonly #c: RunContext;
  readonly #workers = new PodWorkers();
  readonly #images: Images;
  readonly #addresses: NodeAddresses;
  readonly #clients: KubeletClients;
  readonly #stepKind: EventKind;
  readonly #readyKind: EventKind;
  readonly #exitKind: EventKind;
  readonly #nodeStatus: NodeStatus;
  /** Which nodes are up, and who holds what is to happen on the others. */
  readonly power: NodePower;
  /** What runs in the pods, for those who send requests there. */
  readonly processes: Processes;
  readonly #pullMetric: number;
  readonly #startMetric: number;
  readonly #errImage: number;
  readonly #crashLoop: number;
  readonly #noReason: number;
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
    this.power = new NodePower(context, {
      client: (node) => this.#clients.of(node),
      ran: (pod, version, kind) => this.#event(kind, pod, version),
      returned: (node, rebooted) => this.#returned(node, rebooted),
    });
    this.processes = new Processes(state.pods, this.#workers, this.power);
    this.#clients = new KubeletClients(context, this.power);
    this.#pullMetric = recorder.latency('kubelet.pull');
    this.#startMetric = recorder.latency('kubelet.start');
    this.#errImage = state.texts.id('ErrImageNeverPull');
    this.#crashLoop = state.texts.id('CrashLoopBackOff');
    this.#noReason = state.texts.id('');
    const on = (name: string, kind: PodEvent): EventKind =>
      kernel.on(name, (pod, version) => this.#event(kind, pod, version));
    this.#stepKind = on('kubelet/step', PodEvent.step);
    this.#readyKind = on('kubelet/ready', PodEvent.ready);
    this.#exitKind = on('kubelet/exit', PodEvent.exit);
    this.#nodeStatus = new NodeStatus(context, this.#images, (node) => this.#clients.of(node));
  }

  start(): void {
    const { kernel, api, state } = this.#c;
    if (state.heartbeats.asEvents) this.power.renewAll();
    api.routeBoundPods(kernel.on('kubelet/pod', (pod, generation) => this.#changed(pod, generation)));
  }

  /** A pod that was on its node before the run began: it runs on, or its start begins now. */
  adopt(pod: number): void {
    const { pods } = this.#c.state;
    if (pods.node[pod]! < 0) return;
    if (phaseOf(pods.word[pod]!) !== Phase.running) return this.#changed(pod, pods.generation[pod]!);
    this.#workers.reset(pod);
    this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = this.#c.kernel.now;
    this.#workers.alive[pod] = this.#c.state.template(pod).containers.length;
    this.#addresses.take(pod);
    if (pods.word[pod]! & PodBit.deleting) this.#terminate(pod, Step.running);
  }

  // What the watch says.

  #changed(pod: number, generation: number): void {
    const { pods } = this.#c.state;
    if (pods.generation[pod] !== generation) return this.#c.kernel.countDropped();
    const word = pods.word[pod]!;
    const step = this.#workers.stepOf(pod);
    if (word & PodBit.removed) return this.#forget(pod, step);
    if (this.power.reach(pods.node[pod]!) !== Reach.up) return;
    if (step === Step.none) {
      this.#workers.reset(pod);
      this.#workers.seenUs[pod] = this.#c.kernel.now;
      this.#c.recorder.stamp(pod, PodStamp.seen);
      if (isTerminal(word)) this.#enter(pod, Step.ended, -1);
      else this.#enter(pod, Step.seen, this.#sync(pods.serial[pod]!, 0));
    }
    if (word & PodBit.deleting) this.#deleting(pod, this.#workers.stepOf(pod));
  }

  /** deletionTimestamp is set, or a second DELETE has shortened the grace period. */
  #deleting(pod: number, step: Step): void {
    if (step === Step.ending || step === Step.released) return;
    if (step === Step.ended) return this.#release(pod);
    if (step !== Step.stopping) return this.#terminate(pod, step);
    const { stopFromUs, stopUs } = this.#workers;
    const { now } = this.#c.kernel;
    const { pods } = this.#c.state;
    const due = Math.max(now, stopFromUs[pod]! + pods.graceSeconds[pod]! * SECOND);
    if (due >= stopUs[pod]!) return;
    stopUs[pod] = due;
    this.#enter(pod, Step.stopping, due - now);
  }

  #forget(pod: number, step: Step): void {
    if (step === Step.none) return;
    this.#addresses.release(pod);
    this.#workers.reset(pod);
  }

  // Nodes that were away.

  /** The kubelet speaks again: it learns what it has missed, and tells what nobody has heard. */
  #returned(node: number, rebooted: boolean): void {
    const { pods } = this.#c.state;
    for (let pod = 0; pod < pods.used; pod++) {
      if (pods.node[pod] !== node || pods.word[pod]! & PodBit.removed) continue;
      if (rebooted) this.#boot(pod);
      this.#changed(pod, pods.generation[pod]!);
      const isReady = (pods.word[pod]! & READY) === READY;
      const runs = this.#workers.stepOf(pod) === Step.running;
      if (runs && this.#workers.ready[pod] === 1 && !isReady)
        this.#clients.patch(pod, { ...NO_CHANGE, set: READY });
    }
    this.#nodeStatus.imageAt(node, this.#c.kernel.now);
  }

  /** The machine came up anew: no container of the pod has survived, and its sandbox neither. */
  #boot(pod: number): void {
    const step = this.#workers.stepOf(pod);
    if (step === Step.none || step >= Step.ending) return;
    this.#workers.alive[pod] = 0;
    this.#workers.ready[pod] = 0;
    this.#addresses.release(pod);
    this.processes.stopped(pod, false);
    if (step === Step.stopping) return this.#stopped(pod);
    const began = step === Step.running || step === Step.backoff;
    if (began && this.#c.state.template(pod).restartPolicy === 'Never') return this.#end(pod, false);
    if (began) {
      this.#workers.runs[pod]! += 1;
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY | PodBit.sandbox });
    }
    this.#enter(pod, Step.seen, this.#sync(this.#c.state.pods.serial[pod]!, 0));
  }

  // The way up.

  #event(kind: number, pod: number, version: number): void {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    const node = this.#c.state.pods.node[pod]!;
    if (this.power.reach(node) === Reach.down) return this.power.hold(node, pod, version, kind);
    if (kind === PodEvent.step) this.#next(pod);
    else if (kind === PodEvent.ready) this.#ready(pod);
    else this.#exit(pod);
  }

  #next(pod: number): void {
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
    const template = state.template(pod);
    const { startDelayUs } = template.timings;
    this.#clients.hop(pod, 'syncs the pod');
    if (startDelayUs !== null) {
      // Exact delays were asked for: no sandbox, no pull, no "ContainerCreating" status.
      this.#enter(pod, Step.started, startDelayUs);
      return;
    }
    const set = PodBit.acknowledged | (template.initContainers.length === 0 ? PodBit.initialized : 0);
    this.#clients.patch(pod, { ...NO_CHANGE, set });
    this.#enter(pod, Step.sandbox, this.#sandbox(state.pods.serial[pod]!, 0));
  }

  #sandboxReady(pod: number): void {
    this.#c.recorder.stamp(pod, PodStamp.sandbox);
    this.#clients.hop(pod, 'sandbox and network ready (CRI RunPodSandbox, CNI ADD)');
    this.#nextContainer(pod, 0);
  }

  /** Container `index` of init containers and containers together; past the last one the pod has started. */
  #nextContainer(pod: number, index: number): void {
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
      this.#nodeStatus.imageAt(node, pull.doneUs);
    } else if (container.pullPolicy === 'Never' && !this.#images.present(node, container.image, now)) {
      this.#clients.neverPulled(pod, image);
      this.#clients.patch(pod, { ...NO_CHANGE, reason: this.#errImage });
      this.#enter(pod, Step.pulling, -1);
      return;
    } else {
      this.#clients.imagePresent(pod, container.image);
    }
    this.#enter(pod, Step.pulling, pull.doneUs - now);
  }

  #pulled(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const index = this.#workers.container[pod]!;
    const container = containerAt(state.template(pod), index)!;
    const fromUs = this.#workers.pullFromUs[pod]!;
    if (!Number.isNaN(fromUs)) {
      this.#workers.pullFromUs[pod] = Number.NaN;
      const us = kernel.now - fromUs;
      recorder.observe(this.#pullMetric, us);
      this.#clients.imagePulled(pod, container.image, us, this.#images.bytes(container.image));
    }
    const last = containerAt(state.template(pod), index + 1) === undefined;
    if (last && this.#workers.runs[pod] === 0) recorder.stamp(pod, PodStamp.pulled);
    const serial = state.pods.serial[pod]!;
    const k = index + 1000 * this.#workers.runs[pod]!;
    this.#enter(pod, Step.starting, this.#create(serial, k) + this.#start(serial, k));
  }

  #containerStarted(pod: number): void {
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
      this.#enter(pod, Step.init, this.#initRun(serial, index));
      return;
    }
    this.#workers.alive[pod]! += 1;
    // The next init container, and the others, wait until a sidecar has started by its probe (KEP-753).
    if (init && container.startup !== null) {
      const since = this.#c.kernel.now - this.#workers.seenUs[pod]!;
      this.#enter(pod, Step.init, sidecarStartupUs(container, this.#probe(serial, index), since));
      return;
    }
    this.#nextContainer(pod, index + 1);
  }

  #allStarted(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    if (this.#workers.runs[pod] === 0) {
      recorder.stamp(pod, PodStamp.started);
      recorder.observe(this.#startMetric, kernel.now - this.#workers.seenUs[pod]!);
    }
    this.#enter(pod, Step.started, this.#pleg(state.pods.serial[pod]!, 0));
  }

  /** The PLEG has seen the containers running: one status PATCH. */
  #reportRunning(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const { pods } = state;
    const template = state.template(pod);
    const now = kernel.now;
    const version = this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = now;
    const fresh = this.#workers.runs[pod] === 0;
    const housed = this.#addresses.of(pod) !== 0;
    if (!housed) this.#addresses.take(pod);
    if (template.timings.startDelayUs !== null) {
      this.#workers.alive[pod] = template.containers.length;
      if (fresh) {
        recorder.stamp(pod, PodStamp.started);
        recorder.observe(this.#startMetric, now - this.#workers.seenUs[pod]!);
      }
    }
    this.processes.started(pod);
    const delay = readyDelayUs(template, this.#probe, pods.serial[pod]!, now - this.#workers.seenUs[pod]!);
    const ready = delay === 0;
    this.#workers.ready[pod] = ready ? 1 : 0;
    this.#clients.patch(pod, {
      phase: Phase.running,
      set: PodBit.acknowledged | PodBit.initialized | PodBit.sandbox | (ready ? READY : 0),
      clear: ready ? 0 : READY,
      restarts: this.#workers.runs[pod]!,
      reason: fresh ? -1 : this.#noReason,
      ip: housed ? 0 : this.#addresses.of(pod),
    });
    this.#clients.hop(pod, ready ? 'status: Running, Ready' : 'status: Running');
    if (delay > 0 && delay !== Number.POSITIVE_INFINITY) kernel.after(delay, this.#readyKind, pod, version);
    const runUs = runUsOf(template, pods.runUs[pod]!, this.#workers.runs[pod]!);
    if (runUs !== null) kernel.after(runUs, this.#exitKind, pod, version);
  }

  #ready(pod: number): void {
    this.#workers.ready[pod] = 1;
    this.#clients.patch(pod, { ...NO_CHANGE, set: READY });
    this.#clients.hop(pod, 'status: Ready (readiness probes succeeded)');
  }

  // Ends and restarts.

  #exit(pod: number): void {
    const { state } = this.#c;
    this.#workers.ready[pod] = 0;
    const template = state.template(pod);
    const codes = template.timings.exitCodes;
    const run = this.#workers.runs[pod]!;
    const code = codes.length === 0 ? 0 : codes[Math.min(run, codes.length - 1)]!;
    this.#clients.hop(pod, `containers exited with code ${code}`);
    this.#workers.alive[pod] = 0;
    const { restartPolicy } = template;
    if (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0))
      return this.#backOff(pod);
    this.#end(pod, code === 0);
  }

  /** Terminal phase; the sandbox and its address go. */
  #end(pod: number, succeeded: boolean): void {
    const version = this.#workers.enter(pod, Step.ending);
    this.processes.stopped(pod, false);
    this.#workers.ready[pod] = 0;
    const change = {
      ...NO_CHANGE,
      phase: succeeded ? Phase.succeeded : Phase.failed,
      set: PodBit.acknowledged,
      clear: READY | PodBit.sandbox,
    };
    this.#clients.patch(pod, change, this.#endTold, version);
    this.#addresses.release(pod);
  }

  /** The server knows that the pod has ended. One that is to be deleted may go now, not before. */
  readonly #endTold = ({ target: pod, arg: version }: ApiReply): void => {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    this.#enter(pod, Step.ended, -1);
    if (this.#c.state.pods.word[pod]! & PodBit.deleting) this.#release(pod);
  };

  /** CrashLoopBackOff: first restart at once, then 10 s doubling to 5 min; forgotten after a run of 10 min. */
  #backOff(pod: number): void {
    const { costs, kernel, state } = this.#c;
    const { crashBackoffBaseUs, crashBackoffMaxUs, crashBackoffResetUs } = costs.kubelet;
    const template = state.template(pod);
    const ranUs = kernel.now - this.#workers.startedUs[pod]!;
    const first = this.#workers.runs[pod] === 0 || ranUs > crashBackoffResetUs;
    const last = this.#workers.backoffUs[pod]!;
    const wait = first ? 0 : Math.min(crashBackoffMaxUs, last === 0 ? crashBackoffBaseUs : last * 2);
    this.#workers.backoffUs[pod] = wait;
    this.#workers.runs[pod]! += 1;
    this.processes.stopped(pod, true);
    this.#workers.alive[pod] = template.initContainers.filter((container) => container.sidecar).length;
    if (wait > 0) {
      const who = `${state.podName(pod)}_${state.podNamespace(pod)}(${podUid(state, pod)})`;
      const name = template.containers[0]?.name ?? '';
      this.#clients.event(
        pod,
        'Warning',
        'BackOff',
        `Back-off restarting failed container ${name} in pod ${who}`,
      );
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY, reason: this.#crashLoop });
    } else if (template.timings.startDelayUs === null) {
      // Between the exit and the new container nothing answers. With exact delays one status tells of both.
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY });
    }
    this.#enter(pod, Step.backoff, wait);
  }

  #restart(pod: number): void {
    const template = this.#c.state.template(pod);
    if (template.timings.startDelayUs !== null) return this.#reportRunning(pod);
    this.#nextContainer(pod, template.initContainers.length);
  }

  #terminate(pod: number, step: Step): void {
    const { state, kernel } = this.#c;
    const { stopDelayUs } = state.template(pod).timings;
    // Nothing runs before the first container has started, nor while all wait for a restart. Where an exact delay was
    // asked for it holds from the first start on, as in the recorded control plane.
    const inInit = step === Step.init && this.#workers.alive[pod] === 0;
    const began = step !== Step.ended && !Number.isNaN(this.#workers.startedUs[pod]!);
    const running = this.#workers.alive[pod]! > 0 || inInit || (stopDelayUs !== null && began);
    const stopUs = running ? (stopDelayUs ?? this.#stop(state.pods.serial[pod]!, 0)) : 0;
    this.#clients.hop(pod, running ? 'stops the containers (SIGTERM)' : 'stops before any container ran');
    if (running) this.processes.stopping(pod);
    if (running)
      for (const name of runningContainers(state.template(pod), step, this.#workers.container[pod]!))
        this.#clients.event(pod, 'Normal', 'Killing', `Stopping container ${name}`);
    const wait = Math.min(stopUs, state.pods.graceSeconds[pod]! * SECOND);
    this.#workers.stopFromUs[pod] = kernel.now;
    this.#workers.stopUs[pod] = kernel.now + wait;
    this.#enter(pod, Step.stopping, wait);
  }

  #stopped(pod: number): void {
    const template = this.#c.state.template(pod);
    const { termExitCode } = template.timings;
    // A restartPolicy of Always stands for a server that ends well on SIGTERM; a job killed by it dies with 143. A pod
    // whose containers never ran has failed.
    const began = !Number.isNaN(this.#workers.startedUs[pod]!);
    const code = termExitCode ?? (template.restartPolicy === 'Always' ? 0 : SIGTERM_EXIT);
    this.#end(pod, began && code === 0);
    this.#clients.hop(pod, 'containers stopped');
  }

  /** The last DELETE: the pod's object goes. */
  #release(pod: number): void {
    this.#clients.hop(pod, 'deletes the pod from the API');
    this.#enter(pod, Step.released, -1);
    this.#clients.remove(pod);
  }

  /** Enters a step that ends `delayUs` from now; -1: nothing is scheduled. */
  #enter(pod: number, step: Step, delayUs: number): void {
    const version = this.#workers.enter(pod, step);
    if (delayUs >= 0) this.#c.kernel.after(delayUs, this.#stepKind, pod, version);
  }
}

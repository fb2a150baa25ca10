// The kubelets: from "a pod is bound to my node" to running, ready, ended or stopped, as pkg/kubelet's pod workers and
// kuberuntime_manager do it (v1.36). One object stands for all nodes; its state is columns by pod and by node.
// way-up.ts has the steps up to running containers; container-runs.ts containers that live and die one by one; way-down.ts
// the end of pods; eviction-manager.ts ends those of nodes that run out of something. Here is what the watch says.
//
// Promises: an address is taken and given back once; a pod that is deleted and bound gets exactly one final DELETE; an
// event of an earlier step, or of a row's earlier pod, changes nothing.
import type { ApiClient, ApiReply } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import { type PodVolumes, readyVolumes } from '../contracts/volumes.ts';
import type { EventKind } from '../kernel/index.ts';
import { PodStamp } from '../metrics/recorder.ts';
import { isTerminal, Phase, PodBit, phaseOf } from '../state/index.ts';
import { NodeAddresses } from './addresses.ts';
import { NodeAdmission } from './admission.ts';
import { KubeletClients, NO_CHANGE } from './clients.ts';
import { ContainerRuns, type RunsStatus } from './container-runs.ts';
import { EphemeralContainers } from './ephemeral-containers.ts';
import type { EvictionManager } from './eviction-manager.ts';
import { exitCodeOf, Ordinals, runUsOf } from './exact-delays.ts';
import type { ImageGc } from './image-gc.ts';
import { Images } from './images.ts';
import { NodeLogs } from './log-agent.ts';
import { NodePower, Reach } from './node-power.ts';
import { NodeResources } from './node-resources.ts';
import { NodeStatus } from './node-status.ts';
import { Pleg } from './pleg.ts';
import { containerAt, PodWorkers, Step } from './pod-workers.ts';
import { Processes } from './processes.ts';
import { readyDelayUs } from './readiness.ts';
import { StepTimes } from './step-times.ts';
import { containerStopUs } from './termination.ts';
import { READY, WayDown } from './way-down.ts';
import { WayUp } from './way-up.ts';

const SECOND = 1_000_000;
/** Exit code that the kubelet reports of containers it lost (ContainerStatusUnknown). */
const LOST_EXIT = 137;

/** What can happen to a pod by itself. */
const PodEvent = { step: 0, ready: 1, exit: 2, containers: 3, relist: 4 } as const;
type PodEvent = (typeof PodEvent)[keyof typeof PodEvent];

export class Kubelets {
  readonly #c: RunContext;
  readonly #volumes: PodVolumes;
  readonly #workers = new PodWorkers();
  readonly #ordinals: Ordinals;
  readonly #images: Images;
  readonly #addresses: NodeAddresses;
  readonly #clients: KubeletClients;
  readonly #stepKind: EventKind;
  readonly #readyKind: EventKind;
  readonly #exitKind: EventKind;
  readonly #relistKind: EventKind;
  readonly #pleg: Pleg;
  readonly #nodeStatus: NodeStatus;
  /** Which nodes are up, and who holds what is to happen on the others. */
  readonly power: NodePower;
  /** What runs in the pods, for those who send requests there. */
  readonly processes: Processes;
  readonly #startMetric: number;
  readonly #crashLoop: number;
  readonly #noReason: number;
  readonly #times: StepTimes;
  readonly #admission: NodeAdmission;
  readonly #runs: ContainerRuns;
  readonly #way: WayUp;
  readonly #logs: NodeLogs;
  readonly #down: WayDown;
  readonly #evictions: EvictionManager;
  readonly #imageGc: ImageGc;
  readonly #ephemeral: EphemeralContainers;

  constructor(context: RunContext, volumes: PodVolumes = readyVolumes) {
    this.#c = context;
    this.#volumes = volumes;
    const { kernel, costs, state, recorder } = context;
    this.#times = new StepTimes(context);
    this.#images = new Images(state, costs.kubelet, this.#times);
    this.#admission = new NodeAdmission(state);
    this.#logs = new NodeLogs(context);
    this.#addresses = new NodeAddresses(state);
    this.#ordinals = new Ordinals(state);
    this.power = new NodePower(context, {
      client: (node) => this.#clients.of(node),
      pressures: (node) => this.#evictions.pressures(node),
      ran: (pod, version, kind) => this.#overdue(pod, version, kind),
      returned: (node, rebooted) => this.#returned(node, rebooted),
    });
    this.processes = new Processes(context, this.#workers, this.power);
    this.#clients = new KubeletClients(context, this.power);
    this.#startMetric = recorder.latency('kubelet.start');
    this.#crashLoop = state.texts.id('CrashLoopBackOff');
    this.#noReason = state.texts.id('');
    const on = (name: string, kind: PodEvent): EventKind =>
      kernel.on(name, (pod, version) => this.#event(kind, pod, version));
    this.#stepKind = on('kubelet/step', PodEvent.step);
    this.#readyKind = on('kubelet/ready', PodEvent.ready);
    this.#exitKind = on('kubelet/exit', PodEvent.exit);
    this.#relistKind = on('kubelet/relist', PodEvent.relist);
    this.#pleg = new Pleg(context);
    this.#runs = new ContainerRuns(context, {
      waits: (pod, version) => this.#isHeld(pod, version, PodEvent.containers),
      seenUs: (pod, us) => this.#pleg.seenUs(state.pods.node[pod]!, us),
      died: (pod, alive) => {
        this.#workers.alive[pod] = alive;
        this.processes.alive(pod, alive);
        this.#evictions.changed(pod);
      },
      startUs: (pod, index, run) => this.#way.restartUs(pod, index, run),
      stopUs: (pod, index, seconds) => {
        const container = containerAt(state.template(pod), index)!;
        return containerStopUs(container, this.#times.stop(pod, index), seconds * SECOND);
      },
      answerUs: (pod, index) => this.#times.probe(state.pods.serial[pod]!, index),
      event: (pod, type, reason, message) => this.#clients.event(pod, type, reason, message),
      backOff: (pod, name) => this.#clients.backOff(pod, name),
      changed: (pod, status) => this.#runsChanged(pod, status),
      ended: (pod, code, us) => {
        this.#workers.exitedUs[pod] = us;
        this.#down.end(pod, code);
      },
      own: (pod, restarts) => ({
        us: runUsOf(state, pod, this.#workers, restarts),
        code: exitCodeOf(state.template(pod), pod, this.#workers, restarts),
      }),
    });
    this.#nodeStatus = new NodeStatus(context, this.#images, (node) => this.#clients.of(node));
    this.#way = new WayUp(context, {
      workers: this.#workers,
      times: this.#times,
      images: this.#images,
      clients: this.#clients,
      imageAt: (node, readyUs) => this.#imageAt(node, readyUs),
      volumes,
      seenUs: (pod, us) => this.#pleg.seenUs(state.pods.node[pod]!, us),
      enter: (pod, step, delayUs) => this.#enter(pod, step, delayUs),
      failed: (pod, code) => this.#down.end(pod, code),
    });
    this.#down = new WayDown(context, {
      workers: this.#workers,
      times: this.#times,
      clients: this.#clients,
      volumes,
      processes: this.processes,
      runs: this.#runs,
      enter: (pod, step, delayUs) => this.#enter(pod, step, delayUs),
      leave: (pod) => this.#leave(pod),
    });
    const resources = new NodeResources(context, {
      workers: this.#workers,
      runs: this.#runs,
      images: this.#images,
      admission: this.#admission,
      nodeStatus: this.#nodeStatus,
      client: (node) => this.#clients.of(node),
      isUp: (node) => this.power.reach(node) !== Reach.down,
      evict: (pod, graceSeconds, eviction) => this.#down.evict(pod, graceSeconds, eviction),
    });
    this.#evictions = resources.evictions;
    this.#imageGc = resources.imageGc;
    this.#ephemeral = new EphemeralContainers(context, {
      workers: this.#workers,
      times: this.#times,
      images: this.#images,
      clients: this.#clients,
      imageAt: (node, readyUs) => this.#imageAt(node, readyUs),
      runs: (node) => this.power.reach(node) !== Reach.down,
    });
  }

  #imageAt(node: number, readyUs: number): void {
    this.#nodeStatus.imageAt(node, readyUs);
    this.#evictions.imageComes(node, readyUs);
    this.#imageGc.pulled(node, readyUs);
  }

  start(): void {
    const { kernel, api, state } = this.#c;
    if (state.heartbeats.asEvents) this.power.renewAll();
    api.routeBoundPods(kernel.on('kubelet/pod', (pod, generation) => this.#changed(pod, generation)));
  }

  /** The node's own client. */
  readonly clientOf = (node: number): ApiClient => this.#clients.of(node);

  /** The run is over: what is computed over time is counted. */
  finish(): void {
    this.#logs.finish();
  }

  /** A pod that was on its node before the run began: it runs on, or its start begins now. */
  adopt(pod: number): void {
    const { pods } = this.#c.state;
    if (pods.node[pod]! < 0) return;
    if (phaseOf(pods.word[pod]!) !== Phase.running) return this.#changed(pod, pods.generation[pod]!);
    this.#workers.reset(pod);
    this.#volumes.adopt(pod);
    this.#admission.take(pod);
    this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = this.#c.kernel.now;
    this.#workers.alive[pod] = this.#c.state.template(pod).containers.length;
    this.#logs.started(pod);
    this.#evictions.started(pod);
    this.#addresses.take(pod);
    if (pods.word[pod]! & PodBit.deleting) this.#down.terminate(pod, Step.running, pods.graceSeconds[pod]!);
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
      if (this.#c.state.template(pod).timings.ordinal) this.#workers.ordinal[pod] = this.#ordinals.take(pod);
      this.#c.recorder.stamp(pod, PodStamp.seen);
      if (isTerminal(word)) this.#enter(pod, Step.ended, -1);
      else if (this.#admits(pod)) this.#enter(pod, Step.seen, this.#times.sync(pods.serial[pod]!, 0));
    } else this.#ephemeral.sync(pod);
    if (word & PodBit.deleting) this.#down.deleting(pod, this.#workers.stepOf(pod));
  }

  /** Admission on the node; kubelets that only wait have none. A pod that is refused has failed. */
  #admits(pod: number): boolean {
    if (this.#c.costs.kubelet.exactDelays !== undefined) return true;
    const refusal = this.#evictions.admit(pod) ?? this.#admission.admit(pod);
    if (refusal === null) return true;
    this.#clients.event(pod, 'Warning', refusal.reason, refusal.message);
    this.#clients.hop(pod, `refuses the pod: ${refusal.message}`);
    const told = `Pod was rejected: ${refusal.message}`;
    this.#down.end(pod, -1, this.#c.state.texts.id(refusal.reason), told);
    return false;
  }

  #forget(pod: number, step: Step): void {
    if (step === Step.none) return;
    this.#leave(pod);
    this.#volumes.release(pod, 0, null);
    this.#workers.reset(pod);
  }

  /** What the node held for the pod besides its volumes. */
  #leave(pod: number): void {
    this.#addresses.release(pod);
    this.#logs.stopped(pod);
    this.#admission.release(pod);
    this.#runs.forget(pod);
    this.#way.forget(pod);
    this.#down.forget(pod);
    this.#evictions.stopped(pod);
    this.#imageGc.left(pod);
    this.#ephemeral.forget(pod);
  }

  // Nodes that were away.

  /** The kubelet speaks again: it tells what nobody has heard, also of pods that it is about to stop, and learns. */
  #returned(node: number, rebooted: boolean): void {
    const { pods } = this.#c.state;
    this.#evictions.returned(node, rebooted);
    for (let pod = 0; pod < pods.used; pod++) {
      if (pods.node[pod] !== node || pods.word[pod]! & PodBit.removed) continue;
      if (rebooted) this.#boot(pod);
      const isReady = (pods.word[pod]! & READY) === READY;
      const runs = this.#workers.stepOf(pod) === Step.running;
      if (runs && this.#workers.ready[pod] === 1 && !isReady)
        this.#clients.patch(pod, { ...NO_CHANGE, set: READY });
      this.#changed(pod, pods.generation[pod]!);
    }
    this.#nodeStatus.imageAt(node, this.#c.kernel.now);
  }

  /** The machine came up anew: no container of the pod has survived, and its sandbox neither. */
  #boot(pod: number): void {
    const step = this.#workers.stepOf(pod);
    if (step === Step.none || step >= Step.ending) return;
    this.#workers.alive[pod] = 0;
    this.#workers.exitedUs[pod] = Number.NaN;
    this.#workers.ready[pod] = 0;
    this.#addresses.release(pod);
    this.#workers.runs[pod]! += this.#runs.restarts(pod);
    this.#runs.forget(pod);
    this.processes.stopped(pod, false);
    this.#logs.stopped(pod);
    this.#ephemeral.forget(pod);
    this.#down.forget(pod);
    this.#evictions.stopped(pod);
    if (step === Step.stopping) return this.#down.stopped(pod);
    const began = step === Step.running || step === Step.backoff;
    if (began && this.#c.state.template(pod).restartPolicy === 'Never') return this.#down.end(pod, LOST_EXIT);
    if (began) {
      this.#workers.runs[pod]! += 1;
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY | PodBit.sandbox });
    }
    this.#enter(pod, Step.seen, this.#times.sync(this.#c.state.pods.serial[pod]!, 0));
  }

  // The way up.

  #event(kind: number, pod: number, version: number): void {
    if (kind === PodEvent.containers) return this.#runs.resume(pod, version);
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    if (this.#isHeld(pod, version, kind)) return;
    if (kind === PodEvent.step) this.#next(pod);
    else if (kind === PodEvent.ready) this.#ready(pod);
    else if (kind === PodEvent.exit) this.#exited(pod, version);
    else this.#exit(pod);
  }

  /** A pod that was to be deleted while its machine stood still and never ran is not started any more. */
  #overdue(pod: number, version: number, kind: number): void {
    const { version: current, startedUs } = this.#workers;
    const deleted = (this.#c.state.pods.word[pod]! & (PodBit.deleting | PodBit.removed)) === PodBit.deleting;
    if (deleted && current[pod] === version && Number.isNaN(startedUs[pod]!))
      this.#down.deleting(pod, this.#workers.stepOf(pod));
    this.#event(kind, pod, version);
  }

  /** On a machine that stands still everything waits. */
  #isHeld(pod: number, version: number, kind: number): boolean {
    const node = this.#c.state.pods.node[pod]!;
    if (this.power.reach(node) !== Reach.down) return false;
    this.power.hold(node, pod, version, kind);
    return true;
  }

  #next(pod: number): void {
    switch (this.#workers.step[pod]! as Step) {
      case Step.seen:
        return this.#way.syncPod(pod);
      case Step.sandbox:
        this.#way.sandboxReady(pod);
        return this.#ephemeral.sync(pod);
      case Step.pulling:
        return this.#way.pulled(pod);
      case Step.starting:
        return this.#way.containerStarted(pod);
      case Step.pullFailed:
        return this.#way.pullBacksOff(pod);
      case Step.pullBackOff:
      case Step.initBackOff:
        return this.#way.nextContainer(pod, this.#workers.container[pod]!);
      case Step.hook:
        return this.#way.nextContainer(pod, this.#workers.container[pod]! + 1);
      case Step.init:
        return this.#way.initEnded(pod);
      case Step.started:
        return this.#reportRunning(pod);
      case Step.backoff:
        return this.#restart(pod);
      case Step.stopping:
        return this.#down.stopped(pod);
    }
  }

  /** The PLEG has seen the containers running: one status PATCH. */
  #reportRunning(pod: number): void {
    const { state, recorder, kernel } = this.#c;
    const { pods } = state;
    const template = state.template(pod);
    const now = kernel.now;
    const version = this.#workers.enter(pod, Step.running);
    this.#workers.startedUs[pod] = now;
    this.#logs.started(pod);
    const fresh = this.#workers.runs[pod] === 0;
    const housed = this.#addresses.of(pod) !== 0;
    if (!housed) this.#addresses.take(pod);
    const exact = template.timings.startDelayUs !== null;
    if (exact) {
      this.#workers.alive[pod] = template.containers.length;
      if (fresh) {
        recorder.stamp(pod, PodStamp.started);
        recorder.observe(this.#startMetric, now - this.#workers.seenUs[pod]!);
      }
    }
    this.processes.started(pod);
    this.#evictions.started(pod);
    const since = now - this.#workers.seenUs[pod]!;
    const runs = template.behaves ? this.#runs.begin(pod, this.#workers.seenUs[pod]!) : null;
    const delay = runs === null ? readyDelayUs(template, this.#times.probe, pods.serial[pod]!, since) : -1;
    const ready = runs?.ready ?? delay === 0;
    this.#workers.ready[pod] = ready ? 1 : 0;
    const change = {
      phase: Phase.running,
      set: PodBit.acknowledged | PodBit.initialized | PodBit.sandbox | (ready ? READY : 0),
      clear: ready ? 0 : READY,
      restarts: this.#workers.runs[pod]! + this.#workers.initRuns[pod]!,
      reason: fresh && !this.#way.hasTold(pod) ? -1 : this.#noReason,
      ip: housed ? 0 : this.#addresses.of(pod),
    };
    this.#clients.patch(pod, change, exact && runs === null ? this.#runningTold : null, version);
    this.#clients.hop(pod, ready ? 'status: Running, Ready' : 'status: Running');
    if (!exact && runs === null) this.#runsOn(pod, version, delay);
  }

  /** With exact delays time runs from the answer to the status that says Running. */
  readonly #runningTold = ({ target: pod, arg: version }: ApiReply): void => {
    if (this.#workers.version[pod] !== version) return this.#c.kernel.countDropped();
    this.#runsOn(pod, version, this.#c.state.template(pod).timings.readyDelayUs ?? 0);
  };

  /** The containers run: they will be ready `delayUs` from now (0: they are), and end when their time is over. */
  #runsOn(pod: number, version: number, delayUs: number): void {
    const { kernel, state } = this.#c;
    if (delayUs > 0 && delayUs !== Number.POSITIVE_INFINITY)
      kernel.after(delayUs, this.#readyKind, pod, version);
    const runUs = runUsOf(state, pod, this.#workers);
    if (runUs !== null) kernel.after(runUs, this.#exitKind, pod, version);
  }

  #ready(pod: number): void {
    this.#workers.ready[pod] = 1;
    this.#clients.patch(pod, { ...NO_CHANGE, set: READY });
    this.#clients.hop(pod, 'status: Ready (readiness probes succeeded)');
  }

  // Containers one by one (container-runs.ts).

  #runsChanged(pod: number, { ready, restarts, backOff, alive }: RunsStatus): void {
    this.#workers.ready[pod] = ready ? 1 : 0;
    this.#workers.alive[pod] = alive;
    this.processes.alive(pod, alive);
    this.#evictions.changed(pod);
    const reason = backOff ? this.#crashLoop : this.#noReason;
    this.#clients.patch(pod, {
      ...NO_CHANGE,
      set: ready ? READY : 0,
      clear: ready ? 0 : READY,
      restarts: restarts + this.#workers.runs[pod]! + this.#workers.initRuns[pod]!,
      reason,
    });
  }

  // Ends and restarts.

  /** The containers have ended; the kubelet sees that at its next relist. */
  #exited(pod: number, version: number): void {
    const { kernel, state } = this.#c;
    const exact = state.template(pod).timings.startDelayUs !== null;
    const seenUs = exact ? kernel.now : this.#pleg.seenUs(state.pods.node[pod]!, kernel.now);
    if (seenUs === kernel.now) return this.#exit(pod);
    this.#workers.exitedUs[pod] = kernel.now;
    this.#workers.alive[pod] = 0;
    this.processes.stopped(pod, true);
    this.#evictions.changed(pod);
    kernel.at(seenUs, this.#relistKind, pod, version);
  }

  #exit(pod: number): void {
    const { state } = this.#c;
    this.#workers.ready[pod] = 0;
    const template = state.template(pod);
    const code = exitCodeOf(template, pod, this.#workers);
    this.#clients.hop(pod, `containers exited with code ${code}`);
    this.#workers.alive[pod] = 0;
    const { restartPolicy } = template;
    if (restartPolicy === 'Always' || (restartPolicy === 'OnFailure' && code !== 0))
      return this.#backOff(pod);
    this.#down.end(pod, code);
  }

  /** CrashLoopBackOff: first restart at once, then 10 s doubling to 5 min; forgotten after a run of 10 min. */
  #backOff(pod: number): void {
    const { costs, kernel, state } = this.#c;
    const template = state.template(pod);
    const wait = this.#workers.ranOnce(pod, kernel.now, costs.kubelet);
    // The back-off counts from the end of the containers, not from when that was seen.
    const exitedUs = this.#workers.exitedUs[pod]!;
    this.#workers.exitedUs[pod] = Number.NaN;
    const left = Number.isNaN(exitedUs) ? wait : Math.max(0, exitedUs + wait - kernel.now);
    this.processes.stopped(pod, true);
    this.#workers.alive[pod] = template.initContainers.filter((container) => container.sidecar).length;
    if (wait > 0) {
      this.#clients.backOff(pod, template.containers[0]?.name ?? '');
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY, reason: this.#crashLoop });
    } else if (template.timings.startDelayUs === null) {
      // Between the exit and the new container nothing answers. With exact delays one status tells of both.
      this.#clients.patch(pod, { ...NO_CHANGE, clear: READY });
    }
    this.#enter(pod, Step.backoff, left);
  }

  #restart(pod: number): void {
    const template = this.#c.state.template(pod);
    if (template.timings.startDelayUs !== null) return this.#reportRunning(pod);
    this.#way.nextContainer(pod, template.initContainers.length);
  }

  /** Enters a step that ends `delayUs` from now; -1: nothing is scheduled. */
  #enter(pod: number, step: Step, delayUs: number): void {
    const version = this.#workers.enter(pod, step);
    if (delayUs >= 0) this.#c.kernel.after(delayUs, this.#stepKind, pod, version);
  }
}

// The end of a pod: SIGTERM, exit, a status with a terminal phase, unmounting, DELETE with grace 0 (pod_workers.go
// SyncTerminatingPod and SyncTerminatedPod, v1.36). A pod that its node evicts goes the same way with a shorter grace,
// and has failed whatever its containers say.
import type { ApiReply } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { PodVolumes } from '../contracts/volumes.ts';
import { Phase, PodBit } from '../state/index.ts';
import { type KubeletClients, NO_CHANGE } from './clients.ts';
import type { ContainerRuns } from './container-runs.ts';
import { exitCodeOf, stopCodeOf } from './exact-delays.ts';
import { type PodWorkers, Step } from './pod-workers.ts';
import type { Processes } from './processes.ts';
import type { StepTimes } from './step-times.ts';
import { podStopUs, runningContainers, termAfterUs } from './termination.ts';

const SECOND = 1_000_000;
export const READY = PodBit.ready | PodBit.containersReady;
/** calculateEffectiveGracePeriod never gives less, pod_workers.go. */
const GRACE_MIN_SECONDS = 1;

/** Why a pod fails that its node ends (TerminatePodAbnormallyAndWait). */
export interface Eviction {
  readonly message: string;
  /** It gets the condition DisruptionTarget: its node was under pressure. */
  readonly disrupts: boolean;
}

export interface DownParts {
  readonly workers: PodWorkers;
  readonly times: StepTimes;
  readonly clients: KubeletClients;
  readonly volumes: PodVolumes;
  readonly processes: Processes;
  readonly runs: ContainerRuns;
  /** Enters a step that ends `delayUs` from now; -1: nothing is scheduled. */
  enter(pod: number, step: Step, delayUs: number): void;
  /** What the node held for the pod besides its volumes is given back. */
  leave(pod: number): void;
}

export class WayDown {
  readonly #c: RunContext;
  readonly #p: DownParts;
  readonly #evictions = new Map<number, Eviction>();
  readonly #evicted: number;

  constructor(context: RunContext, parts: DownParts) {
    this.#c = context;
    this.#p = parts;
    this.#evicted = context.state.texts.id('Evicted');
  }

  /** deletionTimestamp is set, or a second DELETE has shortened the grace period. */
  deleting(pod: number, step: Step): void {
    if (step === Step.ending || step === Step.released) return;
    if (step === Step.ended) return this.#release(pod);
    const graceSeconds = this.#c.state.pods.graceSeconds[pod]!;
    if (step !== Step.stopping) this.terminate(pod, step, graceSeconds);
    else this.#shorten(pod, this.#p.workers.stopFromUs[pod]! + graceSeconds * SECOND);
  }

  /** The node ends the pod by itself, with at most so much grace. */
  evict(pod: number, graceSeconds: number, eviction: Eviction): void {
    const { workers } = this.#p;
    const step = workers.stepOf(pod);
    this.#evictions.set(pod, eviction);
    const own = this.#c.state.template(pod).graceSeconds;
    const grace = Math.max(GRACE_MIN_SECONDS, Math.min(own, graceSeconds));
    if (step === Step.stopping) this.#shorten(pod, this.#c.kernel.now + grace * SECOND);
    else this.terminate(pod, step, grace);
  }

  /** The pod is no more. */
  forget(pod: number): void {
    if (this.#evictions.size > 0) this.#evictions.delete(pod);
  }

  terminate(pod: number, step: Step, graceSeconds: number): void {
    const { state, kernel } = this.#c;
    const { workers, clients, times, runs, processes } = this.#p;
    const template = state.template(pod);
    const { stopDelayUs } = template.timings;
    // Nothing runs before the first container has started, nor while all wait for a restart. Where an exact delay was
    // asked for it holds from the first start on, as in the recorded control plane.
    const inInit = step === Step.init && workers.alive[pod] === 0;
    const began = step !== Step.ended && !Number.isNaN(workers.startedUs[pod]!);
    const running = workers.alive[pod]! > 0 || inInit || (stopDelayUs !== null && began);
    const graceUs = graceSeconds * SECOND;
    const stopped = running ? runningContainers(template, step, workers.container[pod]!) : [];
    const stopUs = stopDelayUs ?? podStopUs(stopped, graceUs, (turn) => times.stop(pod, turn));
    runs.forget(pod);
    clients.hop(pod, running ? 'stops the containers (SIGTERM)' : 'stops before any container ran');
    for (const { name } of stopped) clients.event(pod, 'Normal', 'Killing', `Stopping container ${name}`);
    if (running) processes.stopping(pod, stopDelayUs === null ? termAfterUs(stopped, graceUs) : 0);
    const wait = running ? (stopDelayUs === null ? stopUs : Math.min(stopUs, graceUs)) : 0;
    workers.stopFromUs[pod] = kernel.now;
    workers.stopUs[pod] = kernel.now + wait;
    this.#p.enter(pod, Step.stopping, wait);
  }

  stopped(pod: number): void {
    const { workers } = this.#p;
    const began = !Number.isNaN(workers.startedUs[pod]!);
    const template = this.#c.state.template(pod);
    // Containers may have ended by themselves before anybody saw it.
    const hasExited = !Number.isNaN(workers.exitedUs[pod]!);
    const code = hasExited ? exitCodeOf(template, pod, workers) : stopCodeOf(template);
    this.end(pod, began ? code : -1);
    this.#p.clients.hop(pod, 'containers stopped');
  }

  /** Terminal phase; the sandbox and its address go. `code` -1: no container has run. */
  end(pod: number, code: number, reason = -1, message?: string): void {
    const { workers, processes, runs, clients, volumes } = this.#p;
    const version = workers.enter(pod, Step.ending);
    workers.ready[pod] = 0;
    processes.stopped(pod, false);
    const eviction = this.#evictions.size === 0 ? undefined : this.#evictions.get(pod);
    const exact = this.#c.state.template(pod).timings.startDelayUs !== null;
    const told = eviction?.message ?? message;
    const exitedUs = workers.exitedUs[pod]!;
    const change = {
      ...NO_CHANGE,
      phase: code === 0 && eviction === undefined ? Phase.succeeded : Phase.failed,
      exitCode: code,
      // A fake kubelet counts the restart that a stopped pod was waiting for.
      restarts: exact && !runs.has(pod) ? workers.runs[pod]! : -1,
      finishedUs: Number.isNaN(exitedUs) ? this.#c.kernel.now : exitedUs,
      set: PodBit.acknowledged | (eviction?.disrupts ? PodBit.pressed : 0),
      clear: READY | PodBit.sandbox,
      reason: eviction === undefined ? reason : this.#evicted,
      ...(told === undefined ? {} : { message: told }),
    };
    workers.awaited[pod] = 2;
    clients.patch(pod, change, this.#endTold, version);
    this.#p.leave(pod);
    volumes.release(pod, version, this.#endAnswered);
  }

  readonly #endTold = ({ target: pod, arg: version }: ApiReply): void => this.#endAnswered(pod, version);

  /** The server knows that the pod has ended, or its volumes are unmounted. With both it may be deleted, not before. */
  readonly #endAnswered = (pod: number, version: number): void => {
    const { workers } = this.#p;
    if (workers.version[pod] !== version) return this.#c.kernel.countDropped();
    workers.awaited[pod]! -= 1;
    if (workers.awaited[pod]! > 0) return;
    this.#p.enter(pod, Step.ended, -1);
    if (this.#c.state.pods.word[pod]! & PodBit.deleting) this.#release(pod);
  };

  /** The pod stops already; its containers are killed at that time if they have not ended before. */
  #shorten(pod: number, untilUs: number): void {
    const { stopUs } = this.#p.workers;
    const { now } = this.#c.kernel;
    const due = Math.max(now, untilUs);
    if (due >= stopUs[pod]!) return;
    stopUs[pod] = due;
    this.#p.enter(pod, Step.stopping, due - now);
  }

  /** The last DELETE: the pod's object goes. */
  #release(pod: number): void {
    this.#p.clients.hop(pod, 'deletes the pod from the API');
    this.#p.enter(pod, Step.released, -1);
    this.#p.clients.remove(pod);
  }
}

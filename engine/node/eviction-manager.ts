// The kubelets' eviction managers: each looks every 10 s at what its node has left, and when a threshold is met it says
// so by a condition of the node, frees what it can, and ends one pod a look (pkg/kubelet/eviction/eviction_manager.go,
// v1.36). Pods that exceed limits of their own on disk are ended whatever the node has left.
//
// Only nodes with pods that say what they use are looked at, and only when something can have changed: amounts are ramps,
// so the first look that could meet a threshold is computed, and the looks before it have no event.
import type { ApiClient } from '../contracts/api.ts';
import type { RunContext } from '../contracts/run-context.ts';
import type { EventKind } from '../kernel/index.ts';
import { evictionThresholds, SIGNAL_FACTS, type Threshold } from '../kinds/eviction-thresholds.ts';
import { tolerates } from '../state/index.ts';
import type { NodeAdmission, Refusal } from './admission.ts';
import {
  type Candidate,
  evictionMessage,
  localStorageExcess,
  type Observation,
  type Observations,
  rankedForEviction,
  secondsToExcess,
  thresholdToReclaim,
} from './eviction-ranking.ts';
import { EvictionSignals, isMet, usToMeet } from './eviction-signals.ts';
import type { Images } from './images.ts';
import type { PodStats, PodUsage } from './pod-usage.ts';
import { type PodWorkers, Step } from './pod-workers.ts';
import { UseCeilings } from './use-ceilings.ts';
import { isCalm, NONE, newlyWatched, type Order, type Watched } from './watched-node.ts';
import type { Eviction } from './way-down.ts';

const SECOND = 1_000_000;
/** evictionMonitoringPeriod, pkg/kubelet/kubelet.go. */
const MONITORING_US = 10 * SECOND;
/** evictionPressureTransitionPeriod, apis/config/v1beta1/defaults.go. */
const TRANSITION_US = 300 * SECOND;
/** immediateEvictionGracePeriodSeconds, podCleanupPollFreq, podCleanupTimeout: eviction_manager.go. */
const IMMEDIATE_GRACE_SECONDS = 1;
const CLEANUP_POLL_US = SECOND;
const CLEANUP_TIMEOUT_US = 30 * SECOND;
/** scheduling.SystemCriticalPriority. */
const SYSTEM_CRITICAL = 2_000_000_000;
const MIRROR = 'kubernetes.io/config.mirror';
const MEMORY_TAINT = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule' };

export interface EvictionHost {
  readonly workers: PodWorkers;
  readonly usage: PodUsage;
  readonly images: Images;
  readonly admission: NodeAdmission;
  client(node: number): ApiClient;
  /** The machine runs. */
  runs(node: number): boolean;
  /** Its conditions of pressure have changed: the next status says so. */
  pressed(node: number, pressures: readonly string[]): void;
  evict(pod: number, graceSeconds: number, eviction: Eviction): void;
  /** With so much of a disk left images are of no concern, bytes. */
  spareDisk(capacity: number): number;
  /** Removes images that nobody uses: the bytes freed. */
  freeImages(node: number): number;
  /** What is left on the node's disk has been observed. */
  diskSeen(node: number, disk: Observation | undefined): void;
}

export class EvictionManager {
  readonly #c: RunContext;
  readonly #host: EvictionHost;
  readonly #thresholds: readonly Threshold[];
  readonly #signals: EvictionSignals;
  readonly #ceilings: UseCeilings;
  /** By row of the pod table: when the containers of a watched pod first ran, µs; NaN: it is none. */
  #sinceUs = new Float64Array(0);
  /** By node; undefined: its pods say of nothing that they use it. */
  readonly #nodes: (Watched | undefined)[] = [];
  readonly #kind: EventKind;
  readonly #phase: number;
  readonly #ties: number;
  readonly #isOn: boolean;

  constructor(context: RunContext, host: EvictionHost) {
    this.#c = context;
    this.#host = host;
    const { kernel, draw, costs, state } = context;
    this.#thresholds = evictionThresholds(costs.kubelet);
    this.#signals = new EvictionSignals(context, host.images, this.#thresholds);
    this.#ceilings = new UseCeilings(state, this.#signals, (capacity) => host.spareDisk(capacity));
    // Kubelets that only wait have nothing to run out of.
    this.#isOn = costs.kubelet.exactDelays === undefined;
    this.#phase = draw.purpose('kubelet/eviction');
    this.#ties = draw.purpose('kubelet/eviction-order');
    this.#kind = kernel.on('kubelet/eviction', (node, version) => this.#due(node, version));
    if (this.#isOn) state.usage.onChange(() => this.#useChanged());
  }

  // What happens to pods.

  /** The pod's containers run (again). */
  started(pod: number): void {
    const { state, kernel } = this.#c;
    if (!this.#isOn) return;
    if (state.template(pod).use === null && !this.#host.usage.isSet(pod)) return;
    const node = state.pods.node[pod]!;
    const watched = this.#of(node);
    if (pod >= this.#sinceUs.length) this.#grow(pod + 1);
    if (Number.isNaN(this.#sinceUs[pod]!)) {
      this.#sinceUs[pod] = kernel.now;
      watched.pods.push(pod);
    }
    this.#ceilings.enter(node, pod);
    this.#soon(watched);
  }

  /** The pod's use may have changed: a container has ended, or runs again. */
  changed(pod: number): void {
    if (this.#nodes.length === 0) return;
    if (this.#isWatched(pod)) this.#soon(this.#nodes[this.#c.state.pods.node[pod]!]!);
  }

  /** Nothing of the pod runs any more. */
  stopped(pod: number): void {
    if (this.#nodes.length === 0) return;
    const node = this.#c.state.pods.node[pod]!;
    const watched = this.#nodes[node];
    if (watched === undefined) return;
    if (this.#isWatched(pod)) {
      this.#sinceUs[pod] = Number.NaN;
      watched.pods.splice(watched.pods.indexOf(pod), 1);
      this.#ceilings.leave(node, pod);
      this.#soon(watched);
    }
    if (watched.left[0]?.pod === pod) {
      watched.gone.push(watched.left.shift()!);
      this.#continue(watched);
    }
  }

  /** Why a node under pressure refuses the pod, or null (Admit). */
  admit(pod: number): Refusal | null {
    if (this.#nodes.length === 0) return null;
    const { state } = this.#c;
    const conditions = this.pressures(state.pods.node[pod]!);
    if (conditions.length === 0 || this.#isCritical(pod)) return null;
    if (conditions.length === 1 && conditions[0] === 'MemoryPressure') {
      const { qosClass, spec } = state.template(pod);
      if (qosClass !== 'BestEffort') return null;
      for (const toleration of spec.tolerations ?? []) if (tolerates(toleration, MEMORY_TAINT)) return null;
    }
    return { reason: 'Evicted', message: `The node had condition: [${conditions.join(' ')}]. ` };
  }

  /** The node's disk will be nearly full then, whatever its pods say. */
  lookAt(node: number, us: number): void {
    if (!this.#isOn) return;
    const watched = this.#of(node);
    watched.held = false;
    const isBusy = watched.left.length > 0 || watched.gone.length > 0;
    if (!isBusy) this.#at(watched, this.#tick(watched, us - this.#c.kernel.now), false);
  }

  /** An image will be on the node at that time: unless there is room for all that comes, a look is made then. */
  imageComes(node: number, doneUs: number): void {
    const watched = this.#nodes[node];
    if (watched === undefined || (watched.held && this.#ceilings.holdWithImages(node))) return;
    this.lookAt(node, doneUs);
  }

  /** The disk has room for all that the node's pods can write and its images: nobody needs to look. */
  hasRoom(node: number): boolean {
    return this.#nodes[node]?.held ?? false;
  }

  /** Pods on the node say that they use something. */
  watches(node: number): boolean {
    return this.#nodes[node] !== undefined;
  }

  /** What is left on the node's disk. */
  disk(node: number): Observation | undefined {
    return this.#signals.observe(node, this.#measure(this.#nodes[node])).get('imagefs.available');
  }

  pressures(node: number): readonly string[] {
    return this.#nodes[node]?.conditions ?? NONE;
  }

  /** The machine or its connection is back; after a boot the kubelet knows nothing of before. */
  returned(node: number, rebooted: boolean): void {
    const watched = this.#nodes[node];
    if (watched === undefined) return;
    if (rebooted) {
      watched.firstUs.clear();
      watched.met = [];
      watched.lastUs.clear();
      watched.conditions = NONE;
      watched.pressed = NONE;
      watched.left = [];
      watched.gone = [];
    }
    const { now } = this.#c.kernel;
    watched.calm = isCalm(watched);
    watched.anchorUs = now;
    this.#cancel(watched);
    if (watched.gone.length === 0) this.#soon(watched);
    else if (watched.left.length === 0) this.#at(watched, now + CLEANUP_POLL_US, false);
  }

  #useChanged(): void {
    const { pods } = this.#c.state;
    for (let pod = 0; pod < pods.used; pod++)
      if (this.#host.workers.stepOf(pod) === Step.running) this.started(pod);
  }

  #isWatched(pod: number): boolean {
    return !Number.isNaN(this.#sinceUs[pod] ?? Number.NaN);
  }

  #grow(needed: number): void {
    const grown = new Float64Array(Math.max(needed, 2 * this.#sinceUs.length)).fill(Number.NaN);
    grown.set(this.#sinceUs);
    this.#sinceUs = grown;
  }

  #measure(watched: Watched | undefined): PodStats[] {
    return (watched?.pods ?? []).map((pod) => this.#host.usage.measure(pod, this.#sinceUs[pod]!));
  }

  // Looks.

  #of(node: number): Watched {
    let watched = this.#nodes[node];
    if (watched === undefined) {
      const { draw } = this.#c;
      watched = newlyWatched(node, draw.below(this.#phase, node, 0, this.#periodUs));
      this.#nodes[node] = watched;
    }
    return watched;
  }

  get #periodUs(): number {
    return this.#c.costs.kubelet.evictionMonitoringPeriodUs ?? MONITORING_US;
  }

  /** The next look after now, if it can find anything. */
  #soon(watched: Watched): void {
    if (!watched.calm && (watched.left.length > 0 || watched.gone.length > 0)) return;
    watched.held = watched.calm && this.#ceilings.hold(watched.node);
    if (!watched.held) this.#at(watched, this.#tick(watched, 0), false);
  }

  /** The first look that is so long after now, µs, and not now. */
  #tick({ anchorUs }: Watched, us: number): number {
    const { now } = this.#c.kernel;
    const period = this.#periodUs;
    const from = Math.max(now + us, now + 1);
    return anchorUs + Math.ceil((from - anchorUs) / period) * period;
  }

  /** A look at that time, unless one comes before it. */
  #at(watched: Watched, us: number, idle: boolean): void {
    if (watched.lookUs < us || (watched.lookUs === us && (idle || !watched.idle))) return;
    const { kernel, periodic } = this.#c;
    this.#cancel(watched);
    watched.lookUs = us;
    watched.idle = idle;
    if (idle) periodic.arm();
    kernel.at(us, this.#kind, watched.node, watched.version);
  }

  #cancel(watched: Watched): void {
    if (watched.idle) this.#c.periodic.disarm();
    watched.idle = false;
    watched.lookUs = Number.POSITIVE_INFINITY;
    watched.version += 1;
  }

  #due(node: number, version: number): void {
    const watched = this.#nodes[node]!;
    const { kernel, periodic, state } = this.#c;
    if (watched.version !== version) return kernel.countDropped();
    const { idle } = watched;
    watched.idle = false;
    watched.lookUs = Number.POSITIVE_INFINITY;
    if (idle && periodic.fired()) return;
    if (state.nodes.removed[node] === 1) return this.#forget(watched);
    // A machine that stands still looks when it is back.
    if (!this.#host.runs(node)) return;
    if (watched.gone.length > 0) {
      const isClean = watched.gone.every((order) => this.#isGone(order));
      if (!isClean && kernel.now < watched.cleanupUntilUs)
        return this.#at(watched, kernel.now + CLEANUP_POLL_US, false);
      watched.gone = [];
      watched.anchorUs = kernel.now;
    } else {
      // Use does not fall between two looks without one in between: what was met then was met at all that were skipped.
      const skippedUs = kernel.now - this.#periodUs;
      for (const type of watched.pressed)
        watched.lastUs.set(type, Math.max(watched.lastUs.get(type)!, skippedUs));
    }
    this.#look(watched);
  }

  #forget({ node, pods }: Watched): void {
    for (const pod of pods) {
      this.#sinceUs[pod] = Number.NaN;
      this.#ceilings.leave(node, pod);
    }
    this.#nodes[node] = undefined;
  }

  #isGone({ pod, generation }: Order): boolean {
    const step = this.#host.workers.stepOf(pod);
    return this.#c.state.pods.generation[pod] !== generation || step >= Step.ended || step === Step.none;
  }

  /** `synchronize`. */
  #look(watched: Watched): void {
    const { kernel, costs } = this.#c;
    const { now } = kernel;
    watched.calm = false;
    const stats = this.#measure(watched);
    const observations = this.#signals.observe(watched.node, stats);
    this.#host.diskSeen(watched.node, observations.get('imagefs.available'));
    const met = this.#thresholds.filter((threshold) => isMet(threshold, observations, false));
    for (const threshold of watched.met)
      if (!met.includes(threshold) && isMet(threshold, observations, true)) met.push(threshold);
    watched.firstUs = new Map(met.map((threshold) => [threshold, watched.firstUs.get(threshold) ?? now]));
    watched.pressed = met.map(({ signal }) => SIGNAL_FACTS[signal].pressure);
    for (const type of watched.pressed) watched.lastUs.set(type, now);
    const transitionUs = costs.kubelet.evictionPressureTransitionPeriodUs || TRANSITION_US;
    const conditions = PRESSURES.filter(
      (type) => now - (watched.lastUs.get(type) ?? -Infinity) < transitionUs,
    );
    if (String(conditions) !== String(watched.conditions)) this.#host.pressed(watched.node, conditions);
    watched.conditions = conditions;
    const due = met.filter((threshold) => now - watched.firstUs.get(threshold)! >= threshold.graceUs);
    watched.met = due;
    watched.left = this.#overLimits(stats);
    if (watched.left.length === 0 && due.length > 0)
      watched.left = this.#reclaim(watched, stats, due, observations);
    if (watched.left.length > 0) return this.#continue(watched);
    watched.calm = isCalm(watched);
    // What else will happen, and when: the next look that could see it.
    let nextUs = Number.POSITIVE_INFINITY;
    for (const threshold of this.#thresholds) {
      const firstUs = watched.firstUs.get(threshold);
      if (firstUs === undefined) nextUs = Math.min(nextUs, usToMeet(threshold, observations));
      else if (!due.includes(threshold)) nextUs = Math.min(nextUs, firstUs + threshold.graceUs - now);
    }
    for (const each of stats) nextUs = Math.min(nextUs, secondsToExcess(each) * SECOND);
    if (observations.has('imagefs.available'))
      nextUs = Math.min(nextUs, this.#host.images.nextReadyUs(watched.node, now) - now);
    for (const type of conditions)
      if (!met.some(({ signal }) => SIGNAL_FACTS[signal].pressure === type))
        nextUs = Math.min(nextUs, watched.lastUs.get(type)! + transitionUs - now);
    // A threshold is met and nobody can be evicted: it tries again, and nothing may ever come of it.
    if (due.length > 0) this.#at(watched, this.#tick(watched, 0), nextUs === Number.POSITIVE_INFINITY);
    else if (nextUs < Number.POSITIVE_INFINITY) this.#at(watched, this.#tick(watched, nextUs), false);
  }

  // Pods that go.

  #overLimits(stats: readonly PodStats[]): Order[] {
    return stats.flatMap((each): Order[] => {
      const message = localStorageExcess(each);
      if (message === null || this.#isCritical(each.pod)) return [];
      return [this.#order(each.pod, IMMEDIATE_GRACE_SECONDS, message, false)];
    });
  }

  #order(pod: number, graceSeconds: number, message: string, disrupts: boolean): Order {
    const generation = this.#c.state.pods.generation[pod]!;
    return { pod, generation, graceSeconds, eviction: { message, disrupts } };
  }

  /** The one pod that is to go because of these thresholds; none where images made room enough, or nobody can go. */
  #reclaim(
    watched: Watched,
    stats: readonly PodStats[],
    due: readonly Threshold[],
    observations: Observations,
  ): Order[] {
    const { state, draw, costs, recorder } = this.#c;
    const { node } = watched;
    // By the time, so that looks which found nothing change no draw.
    const second = Math.floor(this.#c.kernel.now / SECOND);
    const chosen = thresholdToReclaim(due, (count) => draw.below(this.#ties, node, second, count));
    const { signal } = chosen;
    const { resource, pressure } = SIGNAL_FACTS[signal];
    const name = state.nodeName(node);
    const said = `Attempting to reclaim ${resource}`;
    this.#host.client(node).event('Warning', 'EvictionThresholdMet', 'Node', '', name, said);
    if (pressure === 'DiskPressure' && this.#host.freeImages(node) > 0) {
      const after = this.#signals.observe(watched.node, stats);
      if (!this.#thresholds.some((threshold) => isMet(threshold, after, true))) return [];
    }
    const byPod = new Map(stats.map((each) => [each.pod, each]));
    const candidates = this.#host.admission.podsOn(node).map((pod): Candidate => {
      const template = state.template(pod);
      const runs = this.#host.workers.stepOf(pod) > Step.sandbox;
      return {
        pod,
        priority: state.pods.priority[pod]!,
        memoryBytes: template.memoryBytes,
        ephemeralBytes: template.ephemeralBytes,
        stats: byPod.get(pod) ?? (runs ? this.#host.usage.measure(pod, this.#c.kernel.now) : null),
        draw: draw.below(this.#ties, state.pods.serial[pod]!, second, 2 ** 31),
      };
    });
    const victim = rankedForEviction(candidates, signal).find(({ pod }) => !this.#isCritical(pod));
    if (victim === undefined) return [];
    const grace =
      chosen.graceUs === 0 ? IMMEDIATE_GRACE_SECONDS : (costs.kubelet.evictionMaxPodGracePeriod ?? 0);
    recorder.count(recorder.counter(`kubelet.evictions.${signal}`), 1);
    return [this.#order(victim.pod, grace, evictionMessage(signal, victim.stats, due, observations), true)];
  }

  /** The next pod is ended; after the last one the node waits until they are cleaned up. */
  #continue(watched: Watched): void {
    const { state, kernel, recorder } = this.#c;
    for (let order = watched.left[0]; order !== undefined; order = watched.left[0]) {
      const { pod, graceSeconds, eviction } = order;
      if (!this.#isGone(order) && this.#host.workers.stepOf(pod) !== Step.ending) {
        this.#host.client(watched.node).podEvent('Warning', 'Evicted', pod, eviction.message);
        recorder.count(recorder.counter('kubelet.evictions'), 1);
        const { tracer } = recorder;
        if (tracer.enabled) {
          const actor = `kubelet/${state.nodeName(watched.node)}`;
          tracer.hop(
            actor,
            'Pod',
            state.podNamespace(pod),
            state.podName(pod),
            `evicts the pod: ${eviction.message}`,
          );
        }
        return this.#host.evict(pod, graceSeconds, eviction);
      }
      watched.gone.push(watched.left.shift()!);
    }
    watched.cleanupUntilUs = kernel.now + CLEANUP_TIMEOUT_US;
    this.#cancel(watched);
    this.#at(watched, kernel.now + CLEANUP_POLL_US, false);
  }

  #isCritical(pod: number): boolean {
    const { state } = this.#c;
    return (
      state.pods.priority[pod]! >= SYSTEM_CRITICAL || state.template(pod).annotations[MIRROR] !== undefined
    );
  }
}

const PRESSURES = ['MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

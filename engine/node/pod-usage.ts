// What the pods of a node use at a moment, as the kubelet's summary tells its eviction manager: working set, disk,
// inodes, processes, by pod and container (pkg/kubelet/server/stats, v1.36). Amounts are ramps from the start of their
// container, so that what comes is known as well: how fast each amount grows now.
//
// Leaves out: stats are those of the moment, where upstream's disk figures are up to a minute old.
import type { RunContext } from '../contracts/run-context.ts';
import { type ContainerUse, type PodUse, podUse } from '../kinds/pod-use.ts';
import { type Ramp, rampAt, rampRate } from '../kinds/ramp.ts';
import type { ContainerRuns } from './container-runs.ts';
import { type PodWorkers, Step } from './pod-workers.ts';

/** Bytes or a number, and growth a second. */
export interface Flow {
  amount: number;
  rate: number;
}

export interface ContainerStats {
  readonly use: ContainerUse;
  readonly memory: Flow;
  /** Its own files and its logs. */
  readonly disk: Flow;
}

export interface PodStats {
  readonly pod: number;
  readonly use: PodUse;
  readonly containers: readonly ContainerStats[];
  readonly memory: Flow;
  /** Containers and volumes on disk. */
  readonly disk: Flow;
  readonly inodes: Flow;
  readonly pids: Flow;
  /** By position in `use.volumes`. */
  readonly volumes: readonly Flow[];
}

const flow = (): Flow => ({ amount: 0, rate: 0 });

/** Memory and files come in pages and blocks. */
const PAGE = 4096;
const paged = (bytes: number): number => Math.floor(bytes / PAGE) * PAGE;

function addBytes(to: Flow, ramp: Ramp, us: number): void {
  to.amount += paged(rampAt(ramp, us));
  to.rate += rampRate(ramp, us);
}

function add(to: Flow, ramp: Ramp, us: number): void {
  to.amount += rampAt(ramp, us);
  to.rate += rampRate(ramp, us);
}

function join(to: Flow, { amount, rate }: Flow): void {
  to.amount += amount;
  to.rate += rate;
}

export class PodUsage {
  readonly #c: RunContext;
  readonly #workers: PodWorkers;
  readonly #runs: ContainerRuns;
  /** Of templates that say nothing themselves, but whose pods a step has given a use. */
  readonly #silent = new Map<number, PodUse>();

  constructor(context: RunContext, workers: PodWorkers, runs: ContainerRuns) {
    this.#c = context;
    this.#workers = workers;
    this.#runs = runs;
  }

  /** `sinceUs`: when its containers first ran; its volumes fill from then on. */
  measure(pod: number, sinceUs: number): PodStats {
    const { now } = this.#c.kernel;
    const use = this.#use(pod);
    const [memory, disk, inodes, pids] = [flow(), flow(), flow(), flow()];
    const set = this.#memorySet(pod);
    const containers = use.containers.map((container): ContainerStats => {
      const stats: ContainerStats = { use: container, memory: flow(), disk: flow() };
      const startedUs = this.#startedUs(pod, container.index);
      if (Number.isNaN(startedUs)) return stats;
      const us = now - startedUs;
      if (container.memory !== null) addBytes(stats.memory, container.memory, us);
      else stats.memory.amount = paged(set ?? use.memoryBytes);
      addBytes(stats.disk, container.disk, us);
      addBytes(stats.disk, container.logs, us);
      add(inodes, container.inodes, us);
      add(pids, container.pids, us);
      join(memory, stats.memory);
      join(disk, stats.disk);
      return stats;
    });
    const volumes = use.volumes.map((volume): Flow => {
      const used = flow();
      addBytes(used, volume.bytes, now - sinceUs);
      join(volume.inMemory ? memory : disk, used);
      return used;
    });
    for (const each of [inodes, pids]) each.amount = Math.floor(each.amount);
    return { pod, use, containers, memory, disk, inodes, pids, volumes };
  }

  /** Whether a step has said what memory the pod's containers use. */
  isSet(pod: number): boolean {
    return this.#memorySet(pod) !== null;
  }

  #memorySet(pod: number): number | null {
    const { state, kernel } = this.#c;
    if (state.usage.changedUs === Number.NEGATIVE_INFINITY) return null;
    const labels = state.labels.get(state.pods.labelSet[pod]!);
    const milli = state.usage.at(kernel.now, 'memory', state.podNamespace(pod), labels, Number.NaN);
    return Number.isNaN(milli) ? null : milli / 1000;
  }

  #use(pod: number): PodUse {
    const template = this.#c.state.template(pod);
    if (template.use !== null) return template.use;
    let use = this.#silent.get(template.id);
    if (use === undefined) {
      use = podUse(template.spec, template.annotations, true)!;
      this.#silent.set(template.id, use);
    }
    return use;
  }

  #startedUs(pod: number, index: number): number {
    if (this.#runs.has(pod)) return this.#runs.startedUs(pod, index);
    const step = this.#workers.stepOf(pod);
    const runs = (step === Step.running || step === Step.stopping) && this.#workers.alive[pod]! > 0;
    return runs ? this.#workers.startedUs[pod]! : Number.NaN;
  }
}

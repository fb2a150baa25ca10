// What a node has left, signal by signal, as its kubelet's eviction manager observes it (makeSignalObservations of
// pkg/kubelet/eviction/helpers.go, v1.36). One disk holds images, logs, containers and emptyDir volumes.
import type { RunContext } from '../contracts/run-context.ts';
import { amountOf, type Signal, type Threshold } from '../kinds/eviction-thresholds.ts';
import { quantityValue, tryQuantity } from '../kinds/quantity.ts';
import type { Observation, Observations } from './eviction-ranking.ts';
import type { Images } from './images.ts';
import type { PodStats } from './pod-usage.ts';

const SECOND = 1_000_000;
/** One inode for so many bytes: mke2fs.conf, inode_ratio. */
const BYTES_PER_INODE = 16_384;
/** kernel.pid_max of systemd on 64 bits, and threads-max: an eighth of the memory in stacks of 16 KiB (kernel/fork.c). */
const PID_MAX = 4_194_304;
const BYTES_PER_THREAD = 8 * 16_384;

/** What pods use: one, or several together. */
export type Amounts = Pick<PodStats, 'memory' | 'disk' | 'inodes' | 'pids'>;

export class EvictionSignals {
  readonly #c: RunContext;
  readonly #images: Images;
  readonly #thresholds: readonly Threshold[];
  /** By text: nodes have few different capacities, and are looked at often. */
  readonly #amounts = new Map<string, number>();

  constructor(context: RunContext, images: Images, thresholds: readonly Threshold[]) {
    this.#c = context;
    this.#images = images;
    this.#thresholds = thresholds;
  }

  /** `stats`: of the pods on the node that use anything. */
  observe(node: number, stats: readonly Amounts[]): Observations {
    const { state } = this.#c;
    const { nodes } = state;
    const sum = (
      of: (stats: Amounts) => { amount: number; rate: number },
    ): { amount: number; rate: number } => {
      const total = { amount: 0, rate: 0 };
      for (const each of stats) {
        total.amount += of(each).amount;
        total.rate += of(each).rate;
      }
      return total;
    };
    const observations = new Map<Signal, Observation>();
    const see = (signal: Signal, capacity: number, used: number, rate: number): void => {
      if (capacity > 0)
        observations.set(signal, { available: Math.max(0, capacity - Math.floor(used)), capacity, rate });
    };
    const system = (resource: string): number =>
      this.#amount(nodes.object[node]!.metadata.annotations?.[`kubetick.io/${resource}`]);
    const capacity: Record<string, unknown> = nodes.object[node]!['status']?.capacity ?? {};
    const memory = sum((each) => each.memory);
    const allocatable = nodes.memoryBytes[node]!;
    const memoryCapacity = Math.max(this.#amount(capacity['memory']), allocatable);
    see('memory.available', memoryCapacity, memory.amount + system('memory'), memory.rate);
    // The cgroup of all pods is what the kubelet does not reserve; the hard threshold is part of what allocatable leaves out.
    const hard = this.#thresholds.find(
      ({ signal, graceUs }) => signal === 'memory.available' && graceUs === 0,
    );
    const held = hard === undefined ? 0 : amountOf(hard.amount, memoryCapacity);
    see(
      'allocatableMemory.available',
      Math.min(memoryCapacity, allocatable + held),
      memory.amount,
      memory.rate,
    );
    const disk = sum((each) => each.disk);
    const diskCapacity = Math.max(this.#amount(capacity['ephemeral-storage']), nodes.ephemeralBytes[node]!);
    const onDisk = disk.amount + system('ephemeral-storage') + this.#images.bytesOn(node, this.#c.kernel.now);
    see('nodefs.available', diskCapacity, onDisk, disk.rate);
    see('imagefs.available', diskCapacity, onDisk, disk.rate);
    const inodes = sum((each) => each.inodes);
    const inodeCapacity = Math.floor(diskCapacity / BYTES_PER_INODE);
    see('nodefs.inodesFree', inodeCapacity, inodes.amount, inodes.rate);
    see('imagefs.inodesFree', inodeCapacity, inodes.amount, inodes.rate);
    const pids = sum((each) => each.pids);
    const pidCapacity = Math.min(PID_MAX, Math.floor(memoryCapacity / BYTES_PER_THREAD));
    see('pid.available', pidCapacity, pids.amount + system('pids'), pids.rate);
    return observations;
  }

  #amount(quantity: unknown): number {
    if (quantity === undefined) return 0;
    const text = String(quantity);
    let amount = this.#amounts.get(text);
    if (amount === undefined) {
      amount = tryQuantity(quantity) === undefined ? 0 : quantityValue(text);
      this.#amounts.set(text, amount);
    }
    return amount;
  }
}

/** What would have to be left; `reclaim`: and as much more as the minimum reclaim asks for. */
function needed({ amount: least, minReclaim }: Threshold, capacity: number, reclaim: boolean): number {
  const more = reclaim && minReclaim !== null ? amountOf(minReclaim, capacity) : 0;
  return amountOf(least, capacity) + more;
}

export function isMet(threshold: Threshold, observations: Observations, reclaim: boolean): boolean {
  const observed = observations.get(threshold.signal);
  return observed !== undefined && needed(threshold, observed.capacity, reclaim) > observed.available;
}

/** µs until a threshold is met if all goes on like this; Infinity: never. */
export function usToMeet(threshold: Threshold, observations: Observations): number {
  const observed = observations.get(threshold.signal);
  if (observed === undefined || observed.rate <= 0) return Number.POSITIVE_INFINITY;
  const left = observed.available - needed(threshold, observed.capacity, false);
  return (Math.max(0, left) / observed.rate) * SECOND;
}

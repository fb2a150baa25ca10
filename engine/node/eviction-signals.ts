// What a node has left, signal by signal, as its kubelet's eviction manager observes it (makeSignalObservations of
// pkg/kubelet/eviction/helpers.go, v1.36). One disk holds images, logs, containers and emptyDir volumes.
import type { RunContext } from '../contracts/run-context.ts';
import { amountOf, SIGNALS, type Signal, type Threshold } from '../kinds/eviction-thresholds.ts';
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

/** What there is on a node for pods and system, 0: not known; and what the system uses of it. */
interface Capacities {
  /** The version of the node that says so. */
  readonly version: object;
  readonly memory: number;
  /** What the cgroup of all pods may use. */
  readonly podsMemory: number;
  readonly disk: number;
  readonly inodes: number;
  readonly pids: number;
  readonly systemMemory: number;
  readonly systemDisk: number;
  readonly systemPids: number;
}

/** Bytes and numbers; Infinity: no threshold watches it. */
export interface Rooms {
  memory: number;
  disk: number;
  inodes: number;
  pids: number;
}

/** What each signal is about: which of the pods' amounts, of how much, and what the system uses of it. */
const ROOMS: Readonly<
  Record<Signal, (has: Capacities) => readonly [of: keyof Rooms, capacity: number, system: number]>
> = {
  'memory.available': (has) => ['memory', has.memory, has.systemMemory],
  'allocatableMemory.available': (has) => ['memory', has.podsMemory, 0],
  'nodefs.available': (has) => ['disk', has.disk, has.systemDisk],
  'imagefs.available': (has) => ['disk', has.disk, has.systemDisk],
  'nodefs.inodesFree': (has) => ['inodes', has.inodes, 0],
  'imagefs.inodesFree': (has) => ['inodes', has.inodes, 0],
  'pid.available': (has) => ['pids', has.pids, has.systemPids],
};

export class EvictionSignals {
  readonly #c: RunContext;
  readonly #images: Images;
  readonly #thresholds: readonly Threshold[];
  /** By text: nodes have few different capacities. */
  readonly #amounts = new Map<string, number>();
  /** By node. */
  readonly #capacities: (Capacities | undefined)[] = [];

  constructor(context: RunContext, images: Images, thresholds: readonly Threshold[]) {
    this.#c = context;
    this.#images = images;
    this.#thresholds = thresholds;
  }

  /** Bytes of the images on the node, and of those that are on their way. */
  imageBytes(node: number): number {
    return this.#images.bytesOn(node, Number.POSITIVE_INFINITY);
  }

  /** `stats`: of the pods on the node that use anything. */
  observe(node: number, stats: readonly Amounts[]): Observations {
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
    const used = {
      memory: sum((each) => each.memory),
      disk: sum((each) => each.disk),
      inodes: sum((each) => each.inodes),
      pids: sum((each) => each.pids),
    };
    used.disk.amount += this.#images.bytesOn(node, this.#c.kernel.now);
    const has = this.#capacitiesOf(node);
    for (const signal of SIGNALS) {
      const [resource, capacity, system] = ROOMS[signal](has);
      const { amount, rate } = used[resource];
      const available = Math.max(0, capacity - Math.floor(amount + system));
      if (capacity > 0) observations.set(signal, { available, capacity, rate });
    }
    return observations;
  }

  /**
   * How much pods may use of a node without a threshold being met; images count as disk, of which `spare` is to be left
   * in any case. Negative: it is met.
   */
  rooms(node: number, spare: (capacity: number) => number): Rooms {
    const has = this.#capacitiesOf(node);
    const disk = has.disk === 0 ? Infinity : has.disk - spare(has.disk) - has.systemDisk;
    const rooms: Rooms = { memory: Infinity, disk, inodes: Infinity, pids: Infinity };
    for (const threshold of this.#thresholds) {
      const [resource, capacity, system] = ROOMS[threshold.signal](has);
      const least = needed(threshold, capacity, false);
      if (capacity > 0 && least > 0) rooms[resource] = Math.min(rooms[resource], capacity - least - system);
    }
    return rooms;
  }

  #capacitiesOf(node: number): Capacities {
    const { nodes } = this.#c.state;
    const object = nodes.object[node]!;
    const known = this.#capacities[node];
    if (known?.version === object) return known;
    const system = (resource: string): number =>
      this.#amount(object.metadata.annotations?.[`kubetick.io/${resource}`]);
    const capacity: Record<string, unknown> = object['status']?.capacity ?? {};
    const allocatable = nodes.memoryBytes[node]!;
    const memory = Math.max(this.#amount(capacity['memory']), allocatable);
    // The cgroup of all pods is what the kubelet does not reserve; the hard threshold is part of what allocatable leaves out.
    const hard = this.#thresholds.find(
      ({ signal, graceUs }) => signal === 'memory.available' && graceUs === 0,
    );
    const held = hard === undefined ? 0 : amountOf(hard.amount, memory);
    const disk = Math.max(this.#amount(capacity['ephemeral-storage']), nodes.ephemeralBytes[node]!);
    const found: Capacities = {
      version: object,
      memory,
      podsMemory: Math.min(memory, allocatable + held),
      disk,
      inodes: Math.floor(disk / BYTES_PER_INODE),
      pids: Math.min(PID_MAX, Math.floor(memory / BYTES_PER_THREAD)),
      systemMemory: system('memory'),
      systemDisk: system('ephemeral-storage'),
      systemPids: system('pids'),
    };
    this.#capacities[node] = found;
    return found;
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

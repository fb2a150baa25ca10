// What pods can use at most, whatever happens to them: where even that meets no threshold of their node and no limit of
// their own, nobody needs to look. Amounts are ramps, so the most is known from the template; the sum over a node follows
// its pods as they come and go, where a look measures every container.
//
// Says nothing of pods that grow without end, and of runs in which a step has set what pods use: there a look finds out.

import type { PodUse } from '../kinds/pod-use.ts';
import type { Ramp } from '../kinds/ramp.ts';
import type { ClusterState } from '../state/index.ts';
import type { EvictionSignals, Rooms } from './eviction-signals.ts';

/** Bytes and numbers. */
interface Ceiling {
  readonly memory: number;
  readonly disk: number;
  readonly inodes: number;
  readonly pids: number;
  /** 1: the pod may exceed a limit of its own, or nobody knows how much it can use. */
  readonly open: 0 | 1;
}

/** Whole, so that sums are exact in any order. */
const most = ({ start, perSecond, max }: Ramp): number =>
  Math.ceil(perSecond > 0 ? max : Math.min(start, max));

export function ceilingOf(use: PodUse): Ceiling {
  const sum = { memory: 0, disk: 0, inodes: 0, pids: 0 };
  let exceeds = false;
  const limited = (bytes: number, limitBytes: number): void => {
    exceeds ||= limitBytes > 0 && bytes > limitBytes;
  };
  for (const container of use.containers) {
    const disk = most(container.disk) + most(container.logs);
    limited(disk, container.limitBytes);
    sum.memory += container.memory === null ? Math.ceil(use.memoryBytes) : most(container.memory);
    sum.disk += disk;
    sum.inodes += most(container.inodes);
    sum.pids += most(container.pids);
  }
  for (const volume of use.volumes) {
    const bytes = most(volume.bytes);
    limited(bytes, volume.limitBytes);
    if (volume.inMemory) sum.memory += bytes;
    else sum.disk += bytes;
  }
  limited(sum.disk, use.limitBytes);
  // Without end, or beyond what sums are exact of.
  const isKnown = Object.values(sum).every((amount) => amount <= 2 ** 50);
  return isKnown ? { ...sum, open: exceeds ? 1 : 0 } : UNKNOWN;
}

const NO_ROOM: Rooms = Object.freeze({ memory: 0, disk: 0, inodes: 0, pids: 0 });
const UNKNOWN: Ceiling = Object.freeze({ memory: 0, disk: 0, inodes: 0, pids: 0, open: 1 });

/** Of the pods of a node. */
interface NodeSum {
  memory: number;
  disk: number;
  inodes: number;
  pids: number;
  open: number;
  /** Bytes of the images on the node, or more: those that have gone since may count. */
  images: number;
  /** What there is room for, by the version of the node that was asked. */
  version: object | null;
  room: Rooms;
}

export class UseCeilings {
  readonly #state: ClusterState;
  readonly #signals: EvictionSignals;
  readonly #spareDisk: (capacity: number) => number;
  readonly #known = new WeakMap<PodUse, Ceiling>();
  /** By row of the pod table: what the sum of its node has of it. */
  readonly #counted: (Ceiling | undefined)[] = [];
  /** By node. */
  readonly #sums: (NodeSum | undefined)[] = [];

  /** `spareDisk`: how much of a disk is to be left in any case, bytes. */
  constructor(state: ClusterState, signals: EvictionSignals, spareDisk: (capacity: number) => number) {
    this.#state = state;
    this.#signals = signals;
    this.#spareDisk = spareDisk;
  }

  /** The pod's containers run (again). */
  enter(node: number, pod: number): void {
    const { use } = this.#state.template(pod);
    const ceiling = use === null ? UNKNOWN : this.#of(use);
    const before = this.#counted[pod];
    if (before === ceiling) return;
    if (before !== undefined) this.leave(node, pod);
    this.#counted[pod] = ceiling;
    this.#add(node, ceiling, 1);
  }

  /** Nothing of the pod runs any more. */
  leave(node: number, pod: number): void {
    const ceiling = this.#counted[pod];
    if (ceiling === undefined) return;
    this.#counted[pod] = undefined;
    this.#add(node, ceiling, -1);
  }

  /** Whether the pods of the node, with all images that it has, can never meet a threshold or a limit. */
  hold(node: number): boolean {
    const sum = this.#sums[node];
    if (sum === undefined || sum.open > 0) return false;
    if (this.#state.usage.changedUs !== Number.NEGATIVE_INFINITY) return false;
    const version = this.#state.nodes.object[node]!;
    if (sum.version !== version) {
      sum.version = version;
      sum.room = this.#signals.rooms(node, this.#spareDisk);
    }
    const { room } = sum;
    if (sum.memory > room.memory || sum.inodes > room.inodes || sum.pids > room.pids) return false;
    return sum.disk + sum.images <= room.disk || sum.disk + this.#imagesOn(node, sum) <= room.disk;
  }

  /** The same when an image is to come. */
  holdWithImages(node: number): boolean {
    const sum = this.#sums[node];
    if (sum !== undefined) this.#imagesOn(node, sum);
    return this.hold(node);
  }

  #imagesOn(node: number, sum: NodeSum): number {
    sum.images = this.#signals.imageBytes(node);
    return sum.images;
  }

  #of(use: PodUse): Ceiling {
    let ceiling = this.#known.get(use);
    if (ceiling === undefined) {
      ceiling = ceilingOf(use);
      this.#known.set(use, ceiling);
    }
    return ceiling;
  }

  #add(node: number, { memory, disk, inodes, pids, open }: Ceiling, sign: 1 | -1): void {
    const sum = (this.#sums[node] ??= {
      memory: 0,
      disk: 0,
      inodes: 0,
      pids: 0,
      open: 0,
      images: this.#signals.imageBytes(node),
      version: null,
      room: NO_ROOM,
    });
    sum.memory += sign * memory;
    sum.disk += sign * disk;
    sum.inodes += sign * inodes;
    sum.pids += sign * pids;
    sum.open += sign * open;
  }
}

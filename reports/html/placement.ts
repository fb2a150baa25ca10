// How full nodes are over time, in a grid whose size does not depend on the run: nodes next to each other (by zone, then by
// time of joining) share a cell when there are many, time is cut into frames. Each cell is requests of the pods bound
// there over what the nodes can allocate, both as means over the frame: pods that come and go within a frame count.
import { encodeShares } from './codec.ts';

/** Zones with a block of their own; with more, nodes are not grouped by zone. */
const ZONES_MAX = 12;
const TRACE = 1e-6;

export const LAYERS = ['cpu', 'memory', 'pods'] as const;
export type Layer = (typeof LAYERS)[number];

export interface PlacementCell {
  /** `node-7`, or `node-1 … node-13`. */
  readonly name: string;
  readonly nodes: number;
  readonly zone: string;
}

export interface PlacementGrid {
  readonly frames: number;
  readonly frameSeconds: number;
  readonly cells: readonly PlacementCell[];
  /** By layer: shares of all cells of the first frame, then of the second, … as codec.ts writes them. */
  readonly shares: Readonly<Record<Layer, string>>;
  /** By layer: share of the whole cluster, a frame each; NaN without nodes. */
  readonly totals: Readonly<Record<Layer, readonly number[]>>;
  /** Bound pods and nodes that exist, means of each frame. */
  readonly pods: readonly number[];
  readonly nodes: readonly number[];
}

export interface PlacedNode {
  readonly name: string;
  readonly zone: string;
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly podsMax: number;
  readonly fromUs: number;
  /** NaN: it is still there. */
  readonly toUs: number;
}

/** A quantity by cell and frame, as integrals over time (µs × unit). */
class Field {
  readonly #values: Float64Array;
  readonly #frames: number;
  readonly #frameUs: number;

  constructor(cells: number, frames: number, frameUs: number) {
    this.#values = new Float64Array(cells * (frames + 1));
    this.#frames = frames;
    this.#frameUs = frameUs;
  }

  /** Adds `amount` to a cell from one time to another. Whole frames between are noted by their ends alone. */
  add(cell: number, fromUs: number, toUs: number, amount: number): void {
    const frames = this.#frames;
    const frameUs = this.#frameUs;
    const first = Math.min(frames - 1, Math.floor(fromUs / frameUs));
    const last = Math.min(frames - 1, Math.floor(toUs / frameUs));
    if (first === last) {
      // The sum that follows carries it on: the next frame takes it back.
      this.#step(cell, first, (toUs - fromUs) * amount);
      this.#step(cell, first + 1, -(toUs - fromUs) * amount);
      return;
    }
    const head = ((first + 1) * frameUs - fromUs) * amount;
    const tail = (toUs - last * frameUs) * amount;
    this.#step(cell, first, head);
    this.#step(cell, first + 1, frameUs * amount - head);
    this.#step(cell, last, tail - frameUs * amount);
    this.#step(cell, last + 1, -tail);
  }

  /** Frame by frame of a cell. */
  *of(cell: number): Generator<number> {
    let sum = 0;
    for (let frame = 0; frame < this.#frames; frame++) {
      sum += this.#values[cell * (this.#frames + 1) + frame]!;
      yield sum;
    }
  }

  #step(cell: number, frame: number, by: number): void {
    if (frame > this.#frames) return;
    const at = cell * (this.#frames + 1) + frame;
    this.#values[at] = this.#values[at]! + by;
  }
}

export class Placement {
  readonly #cells: PlacementCell[] = [];
  readonly #cellOf = new Map<string, number>();
  readonly #frames: number;
  readonly #frameUs: number;
  readonly #endUs: number;
  readonly #used: Readonly<Record<Layer, Field>>;
  readonly #room: Readonly<Record<Layer, Field>>;
  readonly #there: Field;

  /** @param cellsMax about so many cells; a zone more may need one more each */
  constructor(nodes: readonly PlacedNode[], endUs: number, cellsMax: number, frames: number) {
    this.#frames = frames;
    this.#endUs = Math.max(1, endUs);
    this.#frameUs = this.#endUs / frames;
    this.#group(nodes, cellsMax);
    const field = (): Field => new Field(this.#cells.length, frames, this.#frameUs);
    this.#used = { cpu: field(), memory: field(), pods: field() };
    this.#room = { cpu: field(), memory: field(), pods: field() };
    this.#there = field();
    for (const node of nodes) {
      const cell = this.#cellOf.get(node.name)!;
      const from = this.#within(node.fromUs);
      const to = this.#within(Number.isNaN(node.toUs) ? this.#endUs : node.toUs);
      if (to <= from) continue;
      this.#room.cpu.add(cell, from, to, node.cpuMilli);
      this.#room.memory.add(cell, from, to, node.memoryBytes);
      this.#room.pods.add(cell, from, to, node.podsMax);
      this.#there.add(cell, from, to, 1);
    }
  }

  /** A pod that holds its requests on a node from `boundUs` until `endUs` (NaN: still). */
  add(node: string, boundUs: number, endUs: number, cpuMilli: number, memoryBytes: number): void {
    const cell = this.#cellOf.get(node);
    if (cell === undefined) return;
    const from = this.#within(boundUs);
    const to = this.#within(Number.isNaN(endUs) ? this.#endUs : endUs);
    if (to <= from) return;
    this.#used.cpu.add(cell, from, to, cpuMilli);
    this.#used.memory.add(cell, from, to, memoryBytes);
    this.#used.pods.add(cell, from, to, 1);
  }

  grid(): PlacementGrid {
    const cells = this.#cells.length;
    const frames = this.#frames;
    const shares: Record<string, string> = {};
    const totals: Record<string, number[]> = {};
    for (const layer of LAYERS) {
      const grid = new Float64Array(cells * frames);
      const used = new Float64Array(frames);
      const room = new Float64Array(frames);
      for (let cell = 0; cell < cells; cell++) {
        const capacity = [...this.#room[layer].of(cell)];
        let frame = 0;
        for (const use of this.#used[layer].of(cell)) {
          const can = capacity[frame]!;
          // What sums that cancel leave behind is far below any pod's share.
          grid[frame * cells + cell] = can < 1 ? Number.NaN : use / can < TRACE ? 0 : use / can;
          used[frame] = used[frame]! + use;
          room[frame] = room[frame]! + can;
          frame++;
        }
      }
      shares[layer] = encodeShares(grid);
      totals[layer] = Array.from(used, (use, i) => (room[i]! < 1 ? Number.NaN : Math.max(0, use / room[i]!)));
    }
    return {
      frames,
      frameSeconds: this.#frameUs / 1e6,
      cells: this.#cells,
      shares: shares as Record<Layer, string>,
      totals: totals as Record<Layer, number[]>,
      pods: this.#sums(this.#used.pods),
      nodes: this.#sums(this.#there),
    };
  }

  #sums(field: Field): number[] {
    const sums = new Array<number>(this.#frames).fill(0);
    for (let cell = 0; cell < this.#cells.length; cell++) {
      let frame = 0;
      for (const value of field.of(cell)) sums[frame++]! += value;
    }
    return sums.map((sum) => Math.max(0, sum / this.#frameUs));
  }

  #within(us: number): number {
    return Math.min(this.#endUs, Math.max(0, us));
  }

  #group(nodes: readonly PlacedNode[], cellsMax: number): void {
    const byZone = new Map<string, string[]>();
    const zones = new Set(nodes.map(({ zone }) => zone));
    const known = new Set<string>();
    for (const { name, zone } of nodes) {
      if (known.has(name)) continue;
      known.add(name);
      const key = zones.size > ZONES_MAX ? '' : zone;
      const names = byZone.get(key);
      if (names === undefined) byZone.set(key, [name]);
      else names.push(name);
    }
    const perCell = Math.max(1, Math.ceil(known.size / cellsMax));
    for (const [zone, names] of [...byZone].sort(([a], [b]) => (a < b ? -1 : 1))) {
      for (let i = 0; i < names.length; i += perCell) {
        const group = names.slice(i, i + perCell);
        for (const name of group) this.#cellOf.set(name, this.#cells.length);
        const name = group.length === 1 ? group[0]! : `${group[0]} … ${group.at(-1)}`;
        this.#cells.push({ name, nodes: group.length, zone });
      }
    }
  }
}

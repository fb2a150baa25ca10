// What became of each volume in a run: the rows of volumes.csv. A volume is the same as long as its PersistentVolume
// exists, whatever pods and nodes it serves; who makes, attaches and mounts it tells.
import type { Cell } from '../contracts/tables.ts';

interface VolumeRow {
  readonly volume: string;
  claim: string;
  backend: string;
  provisionedUs: number;
  mountedUs: number;
  attaches: number;
  detaches: number;
  mounts: number;
  expansions: number;
  /** Nodes it was mounted on, in order; one that it came back to stands again. */
  readonly nodes: string[];
}

export class VolumeLog {
  readonly #rows = new Map<string, VolumeRow>();

  get isEmpty(): boolean {
    return this.#rows.size === 0;
  }

  provisioned(volume: string, claim: string, backend: string, us: number): void {
    const row = this.#row(volume);
    row.claim = claim;
    row.backend = backend;
    row.provisionedUs = us;
  }

  attached(volume: string): void {
    this.#row(volume).attaches += 1;
  }

  detached(volume: string): void {
    this.#row(volume).detaches += 1;
  }

  expanded(volume: string): void {
    this.#row(volume).expansions += 1;
  }

  mounted(volume: string, claim: string, backend: string, node: string, us: number): void {
    const row = this.#row(volume);
    row.claim = claim;
    row.backend = backend;
    row.mounts += 1;
    if (Number.isNaN(row.mountedUs)) row.mountedUs = us;
    if (row.nodes.at(-1) !== node) row.nodes.push(node);
  }

  /** Without the run labels, in the order in which volumes were first heard of. */
  *rows(): Generator<Cell[]> {
    for (const row of this.#rows.values()) {
      const { volume, claim, backend, provisionedUs, mountedUs, attaches, detaches, mounts } = row;
      const { nodes, expansions } = row;
      const counts = [attaches, detaches, mounts];
      yield [volume, claim, backend, provisionedUs, mountedUs, ...counts, nodes.join(' '), expansions];
    }
  }

  #row(volume: string): VolumeRow {
    let row = this.#rows.get(volume);
    if (row === undefined) {
      row = {
        volume,
        claim: '',
        backend: '',
        provisionedUs: Number.NaN,
        mountedUs: Number.NaN,
        attaches: 0,
        detaches: 0,
        mounts: 0,
        expansions: 0,
        nodes: [],
      };
      this.#rows.set(volume, row);
    }
    return row;
  }
}

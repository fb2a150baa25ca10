// What nodes were asked for, over time: per node for nodes.csv, over the whole cluster for the summary. A change
// costs O(1), however many nodes there are.

import type { Cell } from '../contracts/tables.ts';
import { assert } from '../kernel/assert.ts';
import { TimeWeighted } from './time-weighted.ts';

export interface NodeRow {
  readonly name: string;
  readonly zone: string;
  /** Allocatable: millicores, bytes, pods. */
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly podsMax: number;
  /** status.nodeInfo.containerRuntimeVersion; absent: not said. */
  readonly runtime?: string;
}

interface NodeRecord {
  readonly row: NodeRow;
  readonly addedUs: number;
  removedUs: number;
  podsTotal: number;
}

/** Rows of the cluster-wide sums. */
const Sum = { cpu: 0, cpuAllocatable: 1, memory: 2, memoryAllocatable: 3, pods: 4, nodes: 5 } as const;
const SUMS = 6;

export class NodeUsage {
  private readonly nodes: (NodeRecord | undefined)[] = [];
  /** Node indices in order of joining. */
  private readonly order: number[] = [];
  /** Rows 3k, 3k+1, 3k+2: requested CPU, memory and pods of the node that joined k-th. */
  private readonly usage: TimeWeighted;
  private readonly place: number[] = [];
  private readonly sums: TimeWeighted;

  constructor(warmUpUs: number) {
    this.usage = new TimeWeighted(warmUpUs);
    this.sums = new TimeWeighted(warmUpUs);
    for (let i = 0; i < SUMS; i++) this.sums.add(0, 0);
  }

  get count(): number {
    return this.sums.value(Sum.nodes);
  }

  get peak(): number {
    return this.sums.peak(Sum.nodes);
  }

  /** Bound pods that have not ended, cluster-wide, now. */
  get pods(): number {
    return this.sums.value(Sum.pods);
  }

  /** Requested over allocatable CPU now, 0 without nodes. */
  get cpuShare(): number {
    return share(this.sums.value(Sum.cpu), this.sums.value(Sum.cpuAllocatable));
  }

  get memoryShare(): number {
    return share(this.sums.value(Sum.memory), this.sums.value(Sum.memoryAllocatable));
  }

  added(node: number, row: NodeRow, nowUs: number): void {
    assert(this.nodes[node] === undefined, () => `node index ${node} is used twice`);
    this.nodes[node] = { row, addedUs: nowUs, removedUs: Number.NaN, podsTotal: 0 };
    this.place[node] = this.order.length;
    this.order.push(node);
    for (let i = 0; i < 3; i++) this.usage.add(0, nowUs);
    this.change(Sum.cpuAllocatable, row.cpuMilli, nowUs);
    this.change(Sum.memoryAllocatable, row.memoryBytes, nowUs);
    this.change(Sum.nodes, 1, nowUs);
  }

  /** Its pods still bound go with it as far as the sums are concerned. */
  removed(node: number, nowUs: number): void {
    const record = this.living(node);
    this.usageIs(node, 0, 0, 0, 0, nowUs);
    record.removedUs = nowUs;
    this.change(Sum.cpuAllocatable, -record.row.cpuMilli, nowUs);
    this.change(Sum.memoryAllocatable, -record.row.memoryBytes, nowUs);
    this.change(Sum.nodes, -1, nowUs);
  }

  /** New sums over the node's bound pods that have not ended; `bound` says whether a pod was bound just now. */
  usageIs(
    node: number,
    cpuMilli: number,
    memoryBytes: number,
    pods: number,
    bound: number,
    nowUs: number,
  ): void {
    const record = this.nodes[node];
    assert(record !== undefined, () => `usage of node index ${node}, which was never added`);
    record.podsTotal += bound;
    // Pods of a node that is gone are no load on the cluster any more.
    if (!Number.isNaN(record.removedUs)) return;
    const row = this.place[node]! * 3;
    this.change(Sum.cpu, cpuMilli - this.usage.value(row), nowUs);
    this.change(Sum.memory, memoryBytes - this.usage.value(row + 1), nowUs);
    this.change(Sum.pods, pods - this.usage.value(row + 2), nowUs);
    this.usage.set(row, cpuMilli, nowUs);
    this.usage.set(row + 1, memoryBytes, nowUs);
    this.usage.set(row + 2, pods, nowUs);
  }

  /** Requested CPU and memory over allocatable: ratio of the integrals after warm-up, so a cluster that grew counts
   * for what it had when it had it. Without any measured time: the shares now. */
  utilisation(nowUs: number): { cpu: number; memory: number } {
    const integral = (sum: number) => this.sums.integral(sum, nowUs);
    const measured = integral(Sum.nodes) > 0;
    return {
      cpu: measured ? share(integral(Sum.cpu), integral(Sum.cpuAllocatable)) : this.cpuShare,
      memory: measured ? share(integral(Sum.memory), integral(Sum.memoryAllocatable)) : this.memoryShare,
    };
  }

  /** Rows of nodes.csv without the run labels, in order of joining. */
  *rows(nowUs: number): Generator<Cell[]> {
    for (const node of this.order) {
      const { row, addedUs, removedUs, podsTotal } = this.nodes[node]!;
      const at = this.place[node]! * 3;
      const endUs = Number.isNaN(removedUs) ? nowUs : removedUs;
      const mean = (column: number) => this.usage.mean(at + column, addedUs, endUs);
      yield [
        row.name,
        row.zone,
        row.cpuMilli,
        row.memoryBytes,
        row.podsMax,
        addedUs,
        removedUs,
        rounded(share(mean(0), row.cpuMilli)),
        rounded(share(mean(1), row.memoryBytes)),
        rounded(mean(2)),
        this.usage.peak(at + 2),
        podsTotal,
        row.runtime ?? '',
      ];
    }
  }

  private living(node: number): NodeRecord {
    const record = this.nodes[node];
    assert(
      record !== undefined && Number.isNaN(record.removedUs),
      () => `node index ${node} is removed, but it does not exist`,
    );
    return record;
  }

  private change(sum: number, delta: number, nowUs: number): void {
    if (delta === 0) return;
    const value = this.sums.value(sum) + delta;
    assert(value >= 0, () => `a cluster-wide sum of requests fell to ${value}`);
    this.sums.set(sum, value, nowUs);
  }
}

function share(part: number, whole: number): number {
  return whole > 0 ? part / whole : 0;
}

/** Nine decimals: enough for a share, and free of the last bits of a division. */
export function rounded(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

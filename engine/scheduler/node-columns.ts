// What the scheduler's cache knows of each node, one typed array a field, indexed by node. Rows are the rows of the
// node table, which are never reused.

import { type NodeColumnsView, NodeUsage } from '../contracts/scheduler.ts';
import { grownFloat64, grownInt32 } from '../kernel/index.ts';

const ROWS_MIN = 64;

export class NodeColumns implements NodeColumnsView {
  cpuAllocatable = new Float64Array(ROWS_MIN);
  memoryAllocatable = new Float64Array(ROWS_MIN);
  ephemeralAllocatable = new Float64Array(ROWS_MIN);
  podsAllocatable = new Float64Array(ROWS_MIN);
  cpuRequested = new Float64Array(ROWS_MIN);
  memoryRequested = new Float64Array(ROWS_MIN);
  ephemeralRequested = new Float64Array(ROWS_MIN);
  nonZeroCpu = new Float64Array(ROWS_MIN);
  nonZeroMemory = new Float64Array(ROWS_MIN);
  podCount = new Int32Array(ROWS_MIN);
  usage = new Float64Array(ROWS_MIN * NodeUsage.count);
  taintSet = new Int32Array(ROWS_MIN);
  labelSet = new Int32Array(ROWS_MIN);
  hostnameLabel = new Uint8Array(ROWS_MIN);
  unschedulable = new Uint8Array(ROWS_MIN);
  /** The node is in the cluster, as far as the scheduler has seen. */
  present = new Uint8Array(ROWS_MIN);

  get rows(): number {
    return this.podCount.length;
  }

  /** Makes room for a row; true if arrays were replaced. */
  reserve(row: number): boolean {
    let rows = this.rows;
    if (row < rows) return false;
    while (row >= rows) rows *= 2;
    this.cpuAllocatable = grownFloat64(this.cpuAllocatable, rows);
    this.memoryAllocatable = grownFloat64(this.memoryAllocatable, rows);
    this.ephemeralAllocatable = grownFloat64(this.ephemeralAllocatable, rows);
    this.podsAllocatable = grownFloat64(this.podsAllocatable, rows);
    this.cpuRequested = grownFloat64(this.cpuRequested, rows);
    this.memoryRequested = grownFloat64(this.memoryRequested, rows);
    this.ephemeralRequested = grownFloat64(this.ephemeralRequested, rows);
    this.nonZeroCpu = grownFloat64(this.nonZeroCpu, rows);
    this.nonZeroMemory = grownFloat64(this.nonZeroMemory, rows);
    this.podCount = grownInt32(this.podCount, rows);
    this.usage = grownFloat64(this.usage, rows * NodeUsage.count);
    this.taintSet = grownInt32(this.taintSet, rows);
    this.labelSet = grownInt32(this.labelSet, rows);
    this.hostnameLabel = grownUint8(this.hostnameLabel, rows);
    this.unschedulable = grownUint8(this.unschedulable, rows);
    this.present = grownUint8(this.present, rows);
    return true;
  }
}

/** Repeats in `usage` what other columns say of a node. */
export function repeatUsage(columns: NodeColumns, node: number): void {
  const { usage } = columns;
  const at = node * NodeUsage.count;
  usage[at + NodeUsage.cpuAllocatable] = columns.cpuAllocatable[node]!;
  usage[at + NodeUsage.memoryAllocatable] = columns.memoryAllocatable[node]!;
  usage[at + NodeUsage.cpuRequested] = columns.cpuRequested[node]!;
  usage[at + NodeUsage.memoryRequested] = columns.memoryRequested[node]!;
  usage[at + NodeUsage.nonZeroCpu] = columns.nonZeroCpu[node]!;
  usage[at + NodeUsage.nonZeroMemory] = columns.nonZeroMemory[node]!;
  usage[at + NodeUsage.podCount] = columns.podCount[node]!;
  usage[at + NodeUsage.podsAllocatable] = columns.podsAllocatable[node]!;
}

function grownUint8(array: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const longer = new Uint8Array(length);
  longer.set(array);
  return longer;
}

/** One extended resource: what nodes have of it and what their pods ask. */
export class ScalarColumn {
  allocatable: Float64Array<ArrayBuffer>;
  requested: Float64Array<ArrayBuffer>;

  constructor(rows: number) {
    this.allocatable = new Float64Array(rows);
    this.requested = new Float64Array(rows);
  }

  reserve(rows: number): void {
    if (rows <= this.allocatable.length) return;
    this.allocatable = grownFloat64(this.allocatable, rows);
    this.requested = grownFloat64(this.requested, rows);
  }
}

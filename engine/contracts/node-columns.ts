// Nodes as batch forms of plug-ins read them: columns, by node.

/** Places of numbers in NodeColumnsView.usage: node * count + place. With count 8 they fill one line of a CPU's cache. */
export const NodeUsage = {
  cpuAllocatable: 0,
  memoryAllocatable: 1,
  cpuRequested: 2,
  memoryRequested: 3,
  nonZeroCpu: 4,
  nonZeroMemory: 5,
  podCount: 6,
  podsAllocatable: 7,
  count: 8,
} as const;

/** What NodeView says, for batch forms: one typed array a field, indexed by node. Arrays are replaced on growth: do not keep. */
export interface NodeColumnsView {
  readonly cpuAllocatable: Float64Array;
  readonly memoryAllocatable: Float64Array;
  readonly ephemeralAllocatable: Float64Array;
  readonly podsAllocatable: Float64Array;
  readonly cpuRequested: Float64Array;
  readonly memoryRequested: Float64Array;
  readonly ephemeralRequested: Float64Array;
  readonly nonZeroCpu: Float64Array;
  readonly nonZeroMemory: Float64Array;
  readonly podCount: Int32Array;
  /** What resource plug-ins read of a node in one place: NodeUsage.count numbers a node, each as in its own array. */
  readonly usage: Float64Array;
  readonly taintSet: Int32Array;
  readonly labelSet: Int32Array;
  readonly hostnameLabel: Uint8Array;
  readonly unschedulable: Uint8Array;
}

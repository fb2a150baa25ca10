// A profile of one's own for bin packing: TightestFit scores, Headroom keeps a reserve on every node. The profile in
// profiles/bin-packing.yaml puts them in the place of all default scores.
import { Code, filterPlugin, NodeField, type NodeView, type PodView, scorePlugin, z } from 'kubetick';

/** The fuller of CPU and memory on the node with the pod there, 0..1 (more: it does not fit). */
function fullest(pod: PodView, node: NodeView): number {
  const { cpuMilli, memoryBytes } = pod.template;
  const cpu = (node.cpuRequested + cpuMilli) / Math.max(1, node.cpuAllocatable);
  const memory = (node.memoryRequested + memoryBytes) / Math.max(1, node.memoryAllocatable);
  return Math.max(cpu, memory);
}

const sign = (pod: PodView): string => `${pod.template.cpuMilli}/${pod.template.memoryBytes}`;

const tightestFit = scorePlugin('TightestFit', {
  about: 'Prefers the node that the pod fills up most.',
  locality: 'node',
  reads: NodeField.allocatable | NodeField.requested,
  sign,
  create: () => ({ score: (pod, node) => Math.min(100, Math.floor(100 * fullest(pod, node))) }),
});

const headroom = filterPlugin('Headroom', {
  about: 'Rejects nodes that the pod would fill beyond a share.',
  args: z.strictObject({ percent: z.number().min(1).max(100).default(100) }),
  locality: 'node',
  reads: NodeField.allocatable | NodeField.requested,
  sign,
  create({ percent }, handle) {
    // Evicting a pod helps: the code says so, and preemption tries.
    const full = handle.verdict(Code.unschedulable, 'node(s) had no headroom left');
    return { filter: (pod, node) => (100 * fullest(pod, node) <= percent ? 0 : full) };
  },
});

export default [tightestFit, headroom];

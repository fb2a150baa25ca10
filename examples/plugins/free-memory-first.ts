// FreeMemoryFirst, a score: prefers the node with the largest share of memory free once the pod is there.
import { NodeField, scorePlugin, z } from 'kubetick';

export default scorePlugin('FreeMemoryFirst', {
  about: 'Prefers nodes with the largest share of memory free.',
  args: z.strictObject({
    /** Kept free on every node: counts as used. */
    reserveBytes: z.number().int().nonnegative().default(0),
  }),
  locality: 'node',
  reads: NodeField.allocatable | NodeField.requested,
  create: ({ reserveBytes }) => ({
    // The score depends on what the pod asks for, so that is its signature.
    sign: (pod) => String(pod.template.memoryBytes),
    score(pod, node) {
      const free = node.memoryAllocatable - node.memoryRequested - pod.template.memoryBytes - reserveBytes;
      if (free <= 0 || node.memoryAllocatable === 0) return 0;
      // Integers, as upstream: divide last and cut off.
      return Math.floor((100 * free) / node.memoryAllocatable);
    },
  }),
});

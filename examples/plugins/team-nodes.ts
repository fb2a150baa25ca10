// TeamNodes, a filter: a pod with the label `team` runs on nodes with the same label only; pods without it run anywhere
// but on nodes that belong to a team.
import { ClusterEvent, Code, filterPlugin, NodeField, z } from 'kubetick';

export default filterPlugin('TeamNodes', {
  about: 'Keeps pods of a team on the nodes of that team.',
  args: z.strictObject({ label: z.string().default('team') }),
  // The answer for a node depends on that node alone, and of it on the labels only.
  locality: 'node',
  reads: NodeField.labels,
  // A pod that was rejected is looked at again when a node comes or its labels change.
  events: [{ events: ClusterEvent.nodeAdd | ClusterEvent.nodeLabel }],
  create({ label }, handle) {
    // Registered once: rejecting a node then costs nothing. No eviction helps, so preemption need not try.
    const other = handle.verdict(Code.unschedulableAndUnresolvable, 'node(s) belonged to another team');
    return {
      // Of a pod it reads that label and nothing else.
      sign: (pod) => pod.labels[label] ?? '',
      filter: (pod, node) => (pod.labels[label] === node.label(label) ? 0 : other),
    };
  },
});

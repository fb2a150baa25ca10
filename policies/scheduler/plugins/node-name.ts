// NodeName: a pod that names its node may go nowhere else (plugins/nodename, v1.36).
import { ClusterEvent, Code, definePlugin, NodeField, PASS } from '../../../engine/index.ts';

const REASON = "node(s) didn't match the requested node name";

export const nodeName = definePlugin({
  name: 'NodeName',
  about: 'Keeps a pod that names its node off all others.',
  points: ['filter'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON);
    return {
      locality: 'node',
      reads: NodeField.name,
      sign: (pod) => pod.template.nodeName,
      events: [{ events: ClusterEvent.nodeAdd }],
      filter(pod, node) {
        const wanted = pod.template.nodeName;
        return wanted === '' || wanted === node.name ? PASS : rejected;
      },
      filterBatch(pod, cluster, nodes, from, to, _state, verdicts) {
        const wanted = pod.template.nodeName;
        if (wanted === '') return to;
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          if (cluster.nodeName(node) === wanted) nodes[kept++] = node;
          else verdicts[node] = rejected;
        }
        return kept;
      },
    };
  },
});

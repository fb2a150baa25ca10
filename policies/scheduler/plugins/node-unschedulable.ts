// NodeUnschedulable: cordoned nodes take only pods that tolerate it (plugins/nodeunschedulable, v1.36).
import { ClusterEvent, Code, definePlugin, NodeField, PASS, type Taint } from '../../../engine/index.ts';
import { perTemplate } from './support.ts';
import { isTolerated, tolerationsOf } from './tolerations.ts';

const REASON = 'node(s) were unschedulable';
/** What a cordoned node counts as having. */
const CORDON: Taint = { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' };

export const nodeUnschedulable = definePlugin({
  name: 'NodeUnschedulable',
  about: 'Keeps pods off cordoned nodes.',
  points: ['filter'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON);
    const tolerated = perTemplate((template) => isTolerated(CORDON, tolerationsOf(template)));
    return {
      locality: 'node',
      reads: NodeField.unschedulable,
      sign: (pod) => (tolerated(pod.template) ? '1' : ''),
      events: [
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeTaint,
          hint: (_pod, { node, before }, cluster) =>
            cluster.columns.unschedulable[node] === 0 && (before === null || before.unschedulable),
        },
        { events: ClusterEvent.ownUpdate, hint: (pod) => tolerated(pod.template) },
      ],
      filter(pod, node) {
        return node.unschedulable && !tolerated(pod.template) ? rejected : PASS;
      },
      filterBatch(pod, cluster, nodes, from, to, _state, verdicts) {
        if (cluster.cordoned === 0 || tolerated(pod.template)) return to;
        const { unschedulable } = cluster.columns;
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          if (unschedulable[node] === 0) nodes[kept++] = node;
          else verdicts[node] = rejected;
        }
        return kept;
      },
    };
  },
});

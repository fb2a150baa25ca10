// TaintToleration: taints that a pod does not tolerate keep it away (NoSchedule, NoExecute) or cost score
// (PreferNoSchedule) (plugins/tainttoleration, v1.36).
import { ClusterEvent, Code, definePlugin, NodeField, PASS } from '../../../engine/index.ts';
import { normalizeByMaximum } from './support.ts';
import { hasUntolerated, isTolerated, tolerationClasses, tolerationsOf } from './tolerations.ts';

const REASON = 'node(s) had untolerated taint(s)';

export const taintToleration = definePlugin({
  name: 'TaintToleration',
  about: 'Keeps pods off nodes with taints they do not tolerate, prefers nodes without soft taints.',
  points: ['filter', 'preScore', 'score'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulableAndUnresolvable, REASON);
    const classOf = tolerationClasses();
    return {
      locality: 'node',
      reads: NodeField.taints,
      sign: (pod) => classOf(pod.template).text,
      events: [
        {
          events: ClusterEvent.nodeAdd | ClusterEvent.nodeTaint,
          hint(pod, { node, before }, cluster) {
            const tolerations = tolerationsOf(pod.template);
            const blockedBefore = before === null || hasUntolerated(before.taints, tolerations);
            return (
              blockedBefore && !hasUntolerated(cluster.taints(cluster.columns.taintSet[node]!), tolerations)
            );
          },
        },
        { events: ClusterEvent.ownUpdate },
      ],
      filter(pod, node) {
        return hasUntolerated(node.taints, tolerationsOf(pod.template)) ? rejected : PASS;
      },
      filterBatch(pod, cluster, nodes, from, to, _state, verdicts) {
        if (cluster.hardTainted === 0) return to;
        const { taintSet } = cluster.columns;
        const own = classOf(pod.template);
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          const set = taintSet[node]!;
          if (set === 0 || !own.blocked(set, cluster.taints(set))) nodes[kept++] = node;
          else verdicts[node] = rejected;
        }
        return kept;
      },
      preScore() {},
      score(pod, node) {
        const tolerations = tolerationsOf(pod.template);
        let disliked = 0;
        for (const taint of node.taints) {
          if (taint.effect === 'PreferNoSchedule' && !isTolerated(taint, tolerations)) disliked += 1;
        }
        return disliked;
      },
      scoreBatch(pod, cluster, nodes, count, _state, out) {
        if (cluster.softTainted === 0) {
          out.fill(0, 0, count);
          return;
        }
        const { taintSet } = cluster.columns;
        const own = classOf(pod.template);
        for (let i = 0; i < count; i++) {
          const set = taintSet[nodes[i]!]!;
          out[i] = set === 0 ? 0 : own.disliked(set, cluster.taints(set));
        }
      },
      uniform: (_pod, cluster) => (cluster.softTainted === 0 ? 0 : null),
      normalize: (scores, count) => normalizeByMaximum(scores, count, true),
    };
  },
});

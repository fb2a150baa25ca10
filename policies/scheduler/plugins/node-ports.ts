// NodePorts: two pods cannot hold one host port of a node (plugins/nodeports, v1.36).
import {
  ClusterEvent,
  Code,
  definePlugin,
  type HostPort,
  NodeField,
  PASS,
  SKIP,
} from '../../../engine/index.ts';

const REASON = "node(s) didn't have free ports for the requested pod ports";

function collide(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || (a.protocol || 'TCP') !== (b.protocol || 'TCP')) return false;
  const any = (port: HostPort): boolean => port.ip === '' || port.ip === '0.0.0.0';
  return any(a) || any(b) || a.ip === b.ip;
}

export const nodePorts = definePlugin({
  name: 'NodePorts',
  about: 'Keeps pods off nodes where a host port they want is taken.',
  points: ['preFilter', 'filter'],
  create(_args, handle) {
    const rejected = handle.verdict(Code.unschedulable, REASON);
    return {
      locality: 'node',
      reads: NodeField.ports,
      sign: (pod) => JSON.stringify(pod.template.hostPorts),
      events: [
        {
          events: ClusterEvent.assignedPodDelete,
          // Only a pod that held one of these ports made room by leaving.
          hint: (pod, { template }) =>
            (template?.hostPorts ?? []).some((held) =>
              pod.template.hostPorts.some((port) => collide(held, port)),
            ),
        },
        { events: ClusterEvent.nodeAdd },
      ],
      preFilter: (pod) => (pod.template.hostPorts.length === 0 ? SKIP : undefined),
      filter: (pod, node) =>
        handle.cluster.portsConflict(node.id, pod.template.hostPorts) ? rejected : PASS,
      filterBatch(pod, cluster, nodes, from, to, _state, verdicts) {
        if (!cluster.anyPorts) return to;
        const { hostPorts } = pod.template;
        let kept = from;
        for (let i = from; i < to; i++) {
          const node = nodes[i]!;
          if (cluster.portsConflict(node, hostPorts)) verdicts[node] = rejected;
          else nodes[kept++] = node;
        }
        return kept;
      },
    };
  },
});

// A scheduler extender: floating licences of a solver. A node needs nothing for one; the licence server of the site
// knows how many are free, and answers the scheduler as the extender that manages the resource example.com/licence.
// What a real one would keep in its books is read off the cluster: the licences of pods that have a node are taken.
import { type ClusterView, extender, type PodView } from 'kubetick';

const LICENCES = 6;
const RESOURCE = 'example.com/licence';

/** Resources are numbers in templates and columns; -1: no pod has asked for one yet. */
const licence = (cluster: ClusterView): number => cluster.resources.find(RESOURCE);

function asked(pod: PodView, cluster: ClusterView): number {
  const id = licence(cluster);
  return pod.template.scalars.find(([resource]) => resource === id)?.[1] ?? 0;
}

function taken(cluster: ClusterView): number {
  let sum = 0;
  for (const amount of cluster.scalarRequested(licence(cluster)) ?? []) sum += amount;
  return sum;
}

// The host name in the urlPrefix of the KubeSchedulerConfiguration.
export default extender('licences.kube-system.svc', {
  about: 'Hands out six floating licences, first to nodes near the licence server.',
  // The server answers within 2 ms, seldom later; binding writes to its journal.
  latency: {
    filter: { dist: 'lognormal', p50: 2_000, p99: 8_000, max: 100_000 },
    prioritize: 500,
    bind: 5_000,
  },
  filter(pod, nodes, cluster) {
    if (taken(cluster) + asked(pod, cluster) <= LICENCES) return {};
    // No pod on a node holds what is missing there, so preemption need not try.
    return {
      failedAndUnresolvable: Object.fromEntries(nodes.map(({ name }) => [name, 'no licence is free'])),
    };
  },
  prioritize: (_pod, nodes) =>
    Object.fromEntries(nodes.map((node) => [node.name, node.label('licences') === 'near' ? 10 : 0])),
  // Nothing to return: the binding is sent to the API server.
  bind() {},
});

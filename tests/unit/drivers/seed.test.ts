// What exists when a run begins: node groups, system namespaces, and the objects and bound pods of a dump.
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Kubelets } from '../../../engine/node/kubelet.ts';
import { Phase, PodBit, phaseOf } from '../../../engine/state/index.ts';
import { cluster, nodeObject, podObject } from '../apiserver/cluster.ts';

const sourced = (object: KubeObject) => ({ source: 'dump.yaml', object });

describe('node groups', () => {
  it('number their nodes from `first`, deal zones in turn and label the host name', () => {
    const { seeder, state } = cluster();
    seeder.nodeGroups([
      { prefix: 'w-', first: 3, count: 4, object: nodeObject(), zones: ['a', 'b', 'c'] },
      { prefix: '', first: 1, count: 0, names: ['x', 'y'], object: nodeObject('8', '20'), zones: [] },
    ]);
    const { nodes } = state;
    const told = Array.from(
      { length: nodes.used },
      (_, n) => `${nodes.name[n]} ${nodes.zone(n)} ${nodes.cpuMilli[n]}`,
    );
    expect(told).toEqual(['w-3 a 4000', 'w-4 b 4000', 'w-5 c 4000', 'w-6 a 4000', 'x  8000', 'y  8000']);
    expect(nodes.labels(0)).toMatchObject({
      'kubernetes.io/hostname': 'w-3',
      'topology.kubernetes.io/zone': 'a',
    });
    expect(nodes.live).toBe(6);
  });
});

describe('namespaces', () => {
  it('of the system and those asked for exist once each', () => {
    const { seeder, state } = cluster();
    seeder.namespaces(['shop', 'default', 'shop']);
    expect([...state.objects.kind('Namespace').ids.keys()]).toEqual([
      'default',
      'kube-system',
      'kube-public',
      'kube-node-lease',
      'shop',
    ]);
  });
});

describe('a dump', () => {
  const node: KubeObject = { ...nodeObject(), metadata: { name: 'n1', labels: { disk: 'ssd' } } };
  const requests = {
    containers: [{ name: 'c', image: 'a', resources: { requests: { cpu: '500m', memory: '1Gi' } } }],
  };
  const pod = (name: string, phase: string, spec: object = {}, status: object = {}): KubeObject => ({
    ...podObject(name, { ...requests, nodeName: 'n1', ...spec }),
    status: { phase, ...status },
  });
  const ready = { conditions: [{ type: 'Ready', status: 'True' }] };

  it('gives nodes as they are, and counts bound pods that have not ended', () => {
    const { seeder, state } = cluster();
    const running = seeder.existing([
      sourced(node),
      sourced(pod('a', 'Running', {}, ready)),
      sourced(pod('b', 'Running')),
      sourced(pod('done', 'Succeeded')),
      sourced(pod('failed', 'Failed')),
    ]);
    const { nodes, pods } = state;
    expect([nodes.podCount[0], nodes.cpuRequested[0], nodes.memoryRequested[0]]).toEqual([
      2,
      1000,
      2 * 2 ** 30,
    ]);
    expect(nodes.labels(0)).toEqual({ disk: 'ssd' });
    expect(running.map((row) => state.podName(row))).toEqual(['a', 'b']);
    expect(running.map((row) => (pods.word[row]! & PodBit.ready) !== 0)).toEqual([true, false]);
  });

  it('keeps who owns whom', () => {
    const { seeder, state } = cluster();
    const metadata = { name: 'web', namespace: 'default', uid: 'u-1' };
    const owner: KubeObject = { apiVersion: 'apps/v1', kind: 'ReplicaSet', metadata, spec: { replicas: 1 } };
    const owned = pod('web-x', 'Running');
    owned.metadata.ownerReferences = [
      { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u-1', controller: true },
    ];
    // The pod stands first, as `kubectl get -A` may print it.
    const [row] = seeder.existing([sourced(owned), sourced(node), sourced(owner)]);
    expect(state.pods.owner[row!]).toBe(state.objects.find('ReplicaSet', 'default', 'web'));
  });

  it('goes on: pods that run stop when deleted, pods that were being made start now', () => {
    const c = cluster();
    const existing = c.seeder.existing([
      sourced(node),
      sourced(pod('a', 'Running', {}, ready)),
      sourced(pod('b', 'Pending')),
    ]);
    const kubelets = new Kubelets(c.context);
    kubelets.start();
    for (const row of existing) kubelets.adopt(row);
    const { pods } = c.state;
    const client = c.server.client('test', { qps: 0, burst: 0 });
    c.server.watch('pods', () => {});
    c.kernel.run(1000);
    expect(existing.map((row) => phaseOf(pods.word[row]!))).toEqual([Phase.running, Phase.running]);
    client.deletePod(existing[0]!, pods.generation[existing[0]!]!, -1, null);
    c.kernel.run();
    expect(pods.livePods().map((row) => c.state.podName(row))).toEqual(['b']);
    expect(c.state.nodes.podCount[0]).toBe(1);
  });
});

// What the API server does with requests: conflicts, deletion, addresses, watches.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ApiReply } from '../../../engine/contracts/api.ts';
import { materialisePod } from '../../../engine/kinds/ingest/materialise.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Phase, PodBit, Verb } from '../../../engine/state/index.ts';
import { costPresets } from '../../../policies/costs/index.ts';
import { cluster, nodeObject, podObject } from './cluster.ts';

const service = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: { type: 'ClusterIP', ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }], ...spec },
  status: { loadBalancer: {} },
});

function setup(costs?: Parameters<typeof cluster>[0]) {
  const c = cluster(costs);
  const client = c.server.client('test', { qps: 0, burst: 0 });
  const replies: { code: number; reason: string; message: string; id: number; object: KubeObject | null }[] =
    [];
  const reply = (r: ApiReply): void => {
    replies.push({ code: r.code, reason: r.reason, message: r.message, id: r.id, object: r.object });
  };
  const settle = () => {
    c.kernel.run();
    return replies.at(-1)!;
  };
  return { ...c, client, replies, reply, settle };
}

describe('creating objects', () => {
  it('stores uid, creation time and a cluster IP outside the static band', () => {
    const { client, reply, settle } = setup();
    client.create(service('web'), reply);
    const { code, object } = settle();
    expect(code).toBe(201);
    expect(object!.metadata.uid).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(object!.metadata.creationTimestamp).toBe('2026-01-01T00:00:00Z');
    const parts = object!['spec'].clusterIP.split('.').map(Number);
    expect(parts.slice(0, 2)).toEqual([10, 96]);
    // 10.96.1.0 is address 256: the first after the static band.
    expect(parts[2]! * 256 + parts[3]!).toBeGreaterThanOrEqual(256);
    expect(object!['spec'].clusterIPs).toEqual([object!['spec'].clusterIP]);
  });

  it.each([
    ['a name that exists', 'default', 409, 'AlreadyExists', 'services "web" already exists'],
    ['a namespace that does not', 'nowhere', 404, 'NotFound', 'namespaces "nowhere" not found'],
  ])('refuses %s', (_name, namespace, code, reason, message) => {
    const { client, reply, settle } = setup();
    client.create(service('web'), null);
    client.create({ ...service('web'), metadata: { name: 'web', namespace } }, reply);
    expect(settle()).toMatchObject({ code, reason, message });
  });

  it('refuses a cluster IP that is taken and gives it again when its Service is gone', () => {
    const { client, reply, settle } = setup();
    client.create(service('a', { clusterIP: '10.96.0.10' }), reply);
    const { id } = settle();
    client.create(service('b', { clusterIP: '10.96.0.10' }), reply);
    expect(settle()).toMatchObject({ code: 422, reason: 'Invalid' });
    client.delete(id, null);
    client.create(service('b', { clusterIP: '10.96.0.10' }), reply);
    expect(settle().code).toBe(201);
  });

  it('gives node ports in 30000-32767, each once', () => {
    const { client, reply, kernel, replies } = setup();
    for (let i = 0; i < 50; i++) client.create(service(`s${i}`, { type: 'NodePort' }), reply);
    kernel.run();
    const ports = replies.map((r) => r.object!['spec'].ports[0].nodePort);
    expect(new Set(ports).size).toBe(50);
    expect(ports.every((port) => port >= 30000 && port <= 32767)).toBe(true);
  });
});

describe('writing objects', () => {
  it('answers 409 to a write from an old revision and counts generation by spec', () => {
    const { client, reply, settle, state } = setup();
    const rs = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', namespace: 'default' },
      spec: { replicas: 1 },
    };
    client.create(rs, reply);
    const { id, object } = settle();
    const old = state.objects.revision(id);
    client.updateStatus(id, { ...object!, status: { replicas: 1 } }, old, reply);
    expect(settle().object!.metadata.generation).toBe(1);
    client.update(id, { ...object!, spec: { replicas: 2 } }, old, reply);
    expect(settle()).toMatchObject({ code: 409, reason: 'Conflict' });
    client.update(id, { ...object!, spec: { replicas: 2 } }, 0, reply);
    const updated = settle().object!;
    expect(updated.metadata.generation).toBe(2);
    // A PUT of the object keeps the status that the subresource wrote.
    expect(updated['status']).toEqual({ replicas: 1 });
  });

  it('keeps an object with finalizers until they are gone', () => {
    const { client, reply, settle, state } = setup();
    const rs = {
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name: 'r', namespace: 'default', finalizers: ['x/y'] },
      spec: {},
    };
    client.create(rs, reply);
    const { id } = settle();
    client.delete(id, reply);
    settle();
    const marked = state.objects.get(id)!;
    expect(marked.metadata.deletionTimestamp).toBeDefined();
    client.update(id, { ...marked, metadata: { ...marked.metadata, finalizers: [] } }, 0, reply);
    settle();
    expect(state.objects.get(id)).toBeNull();
  });

  it('refuses new content in a namespace that is being deleted', () => {
    const { client, reply, settle, state } = setup();
    client.delete(state.objects.find('Namespace', '', 'default'), null);
    client.create(service('late'), reply);
    expect(settle()).toMatchObject({ code: 403, reason: 'Forbidden' });
    expect(settle().message).toContain('because it is being terminated');
  });
});

describe('pods', () => {
  const made = () => {
    const s = setup();
    const node = s.seeder.node(nodeObject(), { name: 'n1', zone: '', hostname: true });
    s.client.create(
      podObject('p', {
        containers: [{ name: 'c', image: 'a', resources: { requests: { cpu: '500m', memory: '1Gi' } } }],
      }),
      s.reply,
    );
    const pod = s.settle().id;
    return { ...s, node, pod };
  };

  it('are bound once; the node counts what they request until they end', () => {
    const { client, reply, settle, state, node, pod } = made();
    client.bindPod(pod, 0, node, reply);
    expect(settle().code).toBe(201);
    expect([
      state.nodes.podCount[node],
      state.nodes.cpuRequested[node],
      state.nodes.memoryRequested[node],
    ]).toEqual([1, 500, 2 ** 30]);
    client.bindPod(pod, 0, node, reply);
    expect(settle()).toMatchObject({ code: 409, message: 'pod p is already assigned to node "n1"' });
    client.patchPodStatus(
      pod,
      0,
      { phase: Phase.succeeded, set: 0, clear: 0, restarts: -1, reason: -1, ip: 0 },
      reply,
    );
    settle();
    expect([state.nodes.podCount[node], state.nodes.cpuRequested[node]]).toEqual([0, 0]);
    expect(materialisePod(state, pod)['status'].phase).toBe('Succeeded');
  });

  it('leave at once when unbound, and only after their grace when bound', () => {
    const { client, reply, settle, state, node, pod } = made();
    client.create(podObject('q'), reply);
    const unbound = settle().id;
    client.deletePod(unbound, 0, -1, reply);
    settle();
    expect(state.pods.live).toBe(1);
    client.bindPod(pod, 0, node, null);
    client.deletePod(pod, 0, -1, reply);
    settle();
    expect(state.pods.word[pod]! & PodBit.deleting).not.toBe(0);
    expect(state.pods.live).toBe(1);
    client.deletePod(pod, 0, 0, reply);
    settle();
    expect(state.pods.live).toBe(0);
    expect(state.nodes.podCount[node]).toBe(0);
  });

  it('answer 404 to a handle of another generation', () => {
    const { client, reply, settle, pod } = made();
    client.deletePod(pod, 1, 0, reply);
    expect(settle().code).toBe(404);
  });
});

describe('watches', () => {
  it('bring every watcher the same changes in the same order as a plain broadcast, each after its own delay', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ gapUs: fc.nat(8000), burst: fc.integer({ min: 1, max: 5 }) }), {
          maxLength: 40,
        }),
        fc.array(fc.nat(20_000), { minLength: 1, maxLength: 4 }),
        (program, delays) => {
          const { server, kernel, state } = cluster(costPresets['k8s-medium']!);
          const client = server.client('test', { qps: 0, burst: 0 });
          const seen = delays.map(() => [] as { revision: number; at: number; committed: number }[]);
          delays.forEach((extraDelayUs, i) => {
            server.watch(
              'Service',
              (log, from, to) => {
                for (let p = from; p < to; p++)
                  seen[i]!.push({ revision: log.revision(p), at: kernel.now, committed: log.time(p) });
              },
              { extraDelayUs },
            );
          });
          let n = 0;
          const send = kernel.on('test/send', (burst) => {
            for (let i = 0; i < burst; i++) client.create(service(`s${n++}`), null);
          });
          let at = 0;
          for (const { gapUs, burst } of program) kernel.at((at += gapUs), send, burst, 0);
          kernel.run();
          delays.forEach((extra, i) => {
            expect(seen[i]!.map((s) => s.revision)).toEqual(seen[0]!.map((s) => s.revision));
            expect(seen[i]!.length).toBe(n);
            const watchUs = costPresets['k8s-medium']!.apiserver.watchUs;
            for (const s of seen[i]!) expect(s.at).toBe(s.committed + watchUs + extra);
          });
          expect(state.objects.kind('Service').log.tail).toBe(state.objects.kind('Service').log.head);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('free the row of a pod that is gone once all of them have passed its deletion, not before', () => {
    const { server, kernel, state } = cluster(costPresets['k8s-medium']!);
    const client = server.client('test', { qps: 0, burst: 0 });
    const verbs: [number, number][] = [];
    server.watch('pods', () => {});
    server.watch(
      'pods',
      (log, from, to) => {
        for (let p = from; p < to; p++) verbs.push([log.verb(p), state.pods.generation[log.id(p)]!]);
      },
      { extraDelayUs: 5_000_000 },
    );
    client.create(podObject('a'), (r) => client.deletePod(r.id, 0, 0, null));
    kernel.run();
    // Both entries were read while the row still was that pod's.
    expect(verbs).toEqual([
      [Verb.added, 0],
      [Verb.modified, 0],
      [Verb.deleted, 0],
    ]);
    expect(state.pods.generation[0]).toBe(1);
  });
});

describe('an overloaded server', () => {
  it('refuses with 429 what would wait too long; clients try again after a second', () => {
    const medium = costPresets['k8s-medium']!;
    const { client, kernel, replies, reply, state } = setup({
      ...medium,
      // One worker that takes 1 s a request, and 2.5 s of patience: of five requests at once the first three wait 0, 1
      // and 2 s; the others are sent again until they fit.
      apiserver: {
        ...medium.apiserver,
        concurrency: 1,
        handlerUs: { '*': 1_000_000 },
        queueWaitMaxUs: 2_500_000,
      },
    });
    for (let i = 0; i < 5; i++) client.create(service(`s${i}`), reply);
    kernel.run(1_500_000);
    expect(replies.length).toBe(1);
    kernel.run();
    expect(replies.map((r) => r.code)).toEqual([201, 201, 201, 201, 201]);
    expect(state.objects.kind('Service').ids.size).toBe(5);
  });

  it('answers 429 after ten tries', () => {
    const medium = costPresets['k8s-medium']!;
    const { client, kernel, replies, reply } = setup({
      ...medium,
      apiserver: {
        ...medium.apiserver,
        concurrency: 1,
        handlerUs: { '*': 60_000_000 },
        queueWaitMaxUs: 1_000_000,
      },
    });
    for (let i = 0; i < 2; i++) client.create(service(`s${i}`), reply);
    kernel.run();
    expect(replies.map((r) => [r.code, r.reason])).toEqual([
      [429, 'TooManyRequests'],
      [201, ''],
    ]);
  });
});

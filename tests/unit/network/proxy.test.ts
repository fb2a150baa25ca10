// kube-proxy: when rules follow a change, what coalesces, what the rules say, and which Services have none. The API
// server takes no time here, so that all times are the proxies' own: 20 ms a sync, 1 ms a changed service, 0.1 ms an
// endpoint of it, 1 s between the end of a sync and the next.
import { describe, expect, it } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { TraceHop } from '../../../engine/contracts/result.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { Proxies } from '../../../engine/network/proxy.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { cluster, nodeObject } from '../apiserver/cluster.ts';

const MS = 1000;
const proxy = { minSyncUs: 1000 * MS, syncUs: 20 * MS, syncPerServiceUs: MS, syncPerEndpointUs: 100 };

function proxies(nodes = 1, costs: Partial<CostPreset['proxy']> = {}) {
  const hops: TraceHop[] = [];
  const trace = { object: 'service/web', emit: (hop: TraceHop) => void hops.push({ ...hop }) };
  const c = cluster({ ...zero, proxy: { ...proxy, ...costs } }, { trace });
  for (let i = 1; i <= nodes; i++) c.seeder.node(nodeObject(), { name: `n${i}`, zone: '', hostname: true });
  new Proxies(c.context).start();
  const client = c.server.client('test', { qps: 0, burst: 0 });
  const ids = new Map<string, number>();
  const actions: (() => void)[] = [];
  const kind = c.kernel.on('test/action', (index) => actions[index]!());
  const at = (ms: number, what: () => void): void => {
    actions.push(what);
    c.kernel.at(ms * MS, kind, actions.length - 1, 0);
  };
  const put = (ms: number, object: KubeObject): void =>
    at(ms, () => {
      const key = `${object.kind}/${object.metadata.name}`;
      const id = ids.get(key);
      if (id === undefined) client.create(object, (reply) => void ids.set(key, reply.id));
      else client.update(id, object, 0, null);
    });
  const remove = (ms: number, key: string): void => at(ms, () => client.delete(ids.get(key)!, null));
  /** `ms text` of what the proxies of a node told. */
  const rules = (node = 'n1'): string[] =>
    hops.filter((hop) => hop.actor === `kube-proxy/${node}`).map((hop) => `${hop.timeUs / MS} ${hop.what}`);
  const latency = () =>
    c.recorder.finish({
      livePods: [],
      virtualUs: c.kernel.now,
      eventsRun: 0,
      endReason: 'idle',
      ingredients: {},
      fingerprint: '',
      unschedulable: 0,
      expect: [],
    }).summary.latency['service.programming'];
  return { ...c, at, put, remove, rules, latency, hops };
}

const service = (name: string, spec: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default' },
  spec: {
    type: 'ClusterIP',
    clusterIP: '10.96.0.10',
    ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }],
    ...spec,
  },
  status: { loadBalancer: {} },
});

const slice = (
  name: string,
  of: string,
  addresses: readonly string[],
  ready: readonly boolean[] = [],
): KubeObject => ({
  apiVersion: 'discovery.k8s.io/v1',
  kind: 'EndpointSlice',
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': of } },
  endpoints: addresses.map((ip, i) => ({ addresses: [ip], conditions: { ready: ready[i] ?? true } })),
});

describe('when rules change', () => {
  it('the first change syncs at once', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.kernel.run();
    // 20 + 1 service
    expect(k.rules()).toEqual(['21 rules programmed: 10.96.0.10:80 -> REJECT (no endpoints)']);
  });

  it('a change during a sync waits for the minimum period after its end', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(10, slice('web-1', 'web', ['10.244.0.2']));
    k.kernel.run();
    // The first sync ends at 21; the second begins at 1021 and takes 20 + 1 + 0.1.
    expect(k.rules()).toEqual([
      '21 rules programmed: 10.96.0.10:80 -> REJECT (no endpoints)',
      '1042.1 rules programmed: 10.96.0.10:80 -> 10.244.0.2:8080',
    ]);
  });

  it('changes that come meanwhile are made into one sync', () => {
    const k = proxies();
    k.put(0, service('web'));
    for (let i = 0; i < 5; i++) k.put(100 + i, slice(`web-${i}`, 'web', [`10.244.0.${2 + i}`]));
    k.kernel.run();
    // One service changed, which has five endpoints by then: 1021 + 20 + 1 + 0.5.
    expect(k.rules()).toHaveLength(2);
    expect(k.rules()[1]).toMatch(/^1042\.5 .* 10\.244\.0\.2:8080, .*10\.244\.0\.6:8080$/);
  });

  it('after a quiet period the next change syncs at once', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(5000, slice('web-1', 'web', ['10.244.0.2', '10.244.0.3']));
    k.kernel.run();
    // 5000 + 20 + 1 + 0.2
    expect(k.rules()[1]).toMatch(/^5021\.2 /);
  });

  it('the latency of each change is counted to the end of the sync that contains it', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(121, slice('web-1', 'web', ['10.244.0.2']));
    k.put(521, slice('web-2', 'web', ['10.244.0.3']));
    k.kernel.run();
    // 21; the second sync ends at 1021 + 20 + 1 + 0.2 = 1042.2: 921.2 and 521.2 ms.
    const latency = k.latency()!;
    expect(latency).toMatchObject({ count: 3, min: 0.021, max: 0.9212 });
    expect(latency.mean).toBeCloseTo((0.021 + 0.9212 + 0.5212) / 3, 9);
  });

  it('members of the cohort differ by the place in the line in which the server sends to them, 5 µs each', () => {
    const k = proxies(1000);
    for (let i = 0; i < 200; i++) k.put(i * 5000, slice('web-1', 'web', [`10.244.0.${i + 2}`]));
    k.put(0, service('web'));
    k.kernel.run();
    const { min, max } = k.latency()!;
    // 21.1 ms and 0 to 999 × 5 µs, sampled 200 times.
    expect(min).toBeGreaterThanOrEqual(0.0211);
    expect(max).toBeLessThanOrEqual(0.0211 + 0.004995);
    expect(max - min).toBeGreaterThan(0.004);
  });
});

describe('what grows with the cluster', () => {
  it('each sync pays for every Service and endpoint, changed or not, where the mode says so', () => {
    const k = proxies(1, { syncPerAnyServiceNs: 3e6, syncPerAnyEndpointNs: 1e6 });
    k.put(0, service('other', { clusterIP: '10.96.0.11' }));
    k.put(0, slice('other-1', 'other', ['10.244.1.2', '10.244.1.3']));
    k.put(5000, service('web'));
    k.kernel.run();
    // 20 + 1 service, and for two Services 3 each, for two endpoints 1 each.
    expect(k.rules()).toEqual(['5029 rules programmed: 10.96.0.10:80 -> REJECT (no endpoints)']);
  });

  it('a change that meets the full sync waits for its end and the minimum period', () => {
    const k = proxies(1, {
      fullSyncEveryUs: 60_000 * MS,
      fullPerServiceUs: 4000 * MS,
      fullPerEndpointUs: 500 * MS,
    });
    k.put(0, service('web'));
    k.put(2000, slice('web-1', 'web', ['10.244.0.2', '10.244.0.3']));
    // The first sync began at 0: the full one is from 60 s to 60 + 4 + 2 × 0.5 s; then 1 s, and 20 + 1 + 0.3 ms.
    k.put(61_000, slice('web-2', 'web', ['10.244.0.4']));
    // Long after it, nothing is to be waited for.
    k.put(100_000, slice('web-3', 'web', ['10.244.0.5']));
    k.kernel.run();
    expect(k.rules().map((line) => Number(line.split(' ')[0]))).toEqual([21, 2021.2, 66_521.3, 100_021.4]);
  });
});

describe('what the rules say', () => {
  it('only ready endpoints are sent to', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(2000, slice('web-1', 'web', ['10.244.0.2', '10.244.0.3', '10.244.0.4'], [true, false, true]));
    k.kernel.run();
    expect(k.rules()[1]).toContain('10.96.0.10:80 -> 10.244.0.2:8080, 10.244.0.4:8080');
  });

  it('every port has its rule; a named target stands as the port itself', () => {
    const k = proxies();
    const ports = [
      { name: 'a', port: 80, targetPort: 8080 },
      { name: 'b', port: 443, targetPort: 'https' },
    ];
    k.put(0, slice('web-1', 'web', ['10.244.0.2']));
    k.put(10, service('web', { ports }));
    k.kernel.run();
    expect(k.rules()[0]).toContain('10.96.0.10:80 -> 10.244.0.2:8080; 10.96.0.10:443 -> 10.244.0.2:443');
  });

  it('a removed slice takes its endpoints, a removed Service its rules', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(0, slice('web-1', 'web', ['10.244.0.2']));
    k.remove(3000, 'EndpointSlice/web-1');
    k.remove(6000, 'Service/web');
    k.kernel.run();
    expect(k.rules().map((line) => line.replace(/^\S+ /, ''))).toEqual([
      'rules programmed: 10.96.0.10:80 -> 10.244.0.2:8080',
      'rules programmed: 10.96.0.10:80 -> REJECT (no endpoints)',
      'rules removed',
    ]);
  });

  it('are the same on every node; the trace names five of them and counts the others', () => {
    const k = proxies(8);
    k.put(0, service('web'));
    k.kernel.run();
    const told = k.hops.filter((hop) => hop.actor.startsWith('kube-proxy/'));
    expect(told.map((hop) => hop.actor)).toEqual(
      ['n1', 'n2', 'n3', 'n4', 'n5', '*'].map((n) => `kube-proxy/${n}`),
    );
    expect(told.at(-1)!.what).toBe('the same on 3 more nodes');
  });
});

describe('Services without rules', () => {
  it.each([
    { name: 'headless', spec: { clusterIP: 'None' } },
    {
      name: 'ExternalName',
      spec: { type: 'ExternalName', externalName: 'example.com', clusterIP: undefined },
    },
  ])('$name: neither the Service nor its endpoints are programmed', ({ spec }) => {
    const k = proxies();
    k.put(0, service('web', spec));
    k.put(2000, slice('web-1', 'web', ['10.244.0.2']));
    k.kernel.run();
    expect(k.rules()).toEqual([]);
    expect(k.latency()).toBeUndefined();
  });

  it('one that becomes ExternalName loses its rules', () => {
    const k = proxies();
    k.put(0, service('web'));
    k.put(3000, service('web', { type: 'ExternalName', externalName: 'example.com', clusterIP: '' }));
    k.kernel.run();
    expect(k.rules().at(-1)).toBe('3021 rules removed');
  });

  it('slices without a Service wait for it', () => {
    const k = proxies();
    k.put(0, slice('web-1', 'web', ['10.244.0.2']));
    k.put(4000, service('web'));
    k.kernel.run();
    expect(k.rules()).toEqual(['4021.1 rules programmed: 10.96.0.10:80 -> 10.244.0.2:8080']);
  });
});

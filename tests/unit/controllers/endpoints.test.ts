// Endpoints and EndpointSlices with the real API server: two controllers that tell the same of a Service's pods.
import { describe, expect, it } from 'vitest';
import { AddressList } from '../../../engine/controllers/address-list.ts';
import { resolvePorts } from '../../../engine/controllers/endpoint-parts.ts';
import { controllers } from '../../../engine/controllers/index.ts';
import { placeEndpoints, type Slice } from '../../../engine/controllers/slice-placement.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { exactTimestampText, type PodTemplate } from '../../../engine/state/index.ts';
import { Harness, MS, replicaSet, SECOND, service } from './harness.ts';

const slices = (h: Harness): Json[] => h.all('EndpointSlice');
const endpoints = (h: Harness): Json[] => slices(h).flatMap((slice) => slice.endpoints ?? []);
const ready = (h: Harness): number => endpoints(h).filter((endpoint) => endpoint.conditions.ready).length;
const addresses = (h: Harness, name = 'web'): { ready: number; notReady: number } => {
  const subsets: Json[] = h.get('Endpoints', name).subsets ?? [];
  const sum = (field: string): number =>
    subsets.reduce((total, subset) => total + (subset[field] ?? []).length, 0);
  return { ready: sum('addresses'), notReady: sum('notReadyAddresses') };
};

const pod = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'app:v1' }] },
});

describe('a Service', () => {
  it('gets empty Endpoints and one empty slice before it has pods', () => {
    const h = new Harness();
    h.create(service('web'));
    h.run(SECOND);
    const { metadata, ...rest } = h.get('Endpoints', 'web');
    expect(rest).toEqual({ apiVersion: 'v1', kind: 'Endpoints' });
    expect(metadata.labels).toEqual({ 'endpoints.kubernetes.io/managed-by': 'endpoint-controller' });
    expect(slices(h)).toHaveLength(1);
    expect(slices(h)[0]).toMatchObject({ addressType: 'IPv4', endpoints: null, ports: null });
    expect(slices(h)[0].metadata).toMatchObject({
      generateName: 'web-',
      labels: {
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        'kubernetes.io/service-name': 'web',
      },
      ownerReferences: [{ kind: 'Service', name: 'web', controller: true }],
    });
  });

  it('tells ready, serving and terminating of its pods; those that leave go from Endpoints at once', () => {
    const h = new Harness({ stopUs: 2 * SECOND });
    h.create(service('web'));
    h.create(replicaSet('web', 2));
    h.run(3 * SECOND);
    expect(slices(h)[0].ports).toEqual([{ name: '', port: 8080, protocol: 'TCP' }]);
    expect(endpoints(h).map((e) => e.conditions)).toEqual([
      { ready: true, serving: true, terminating: false },
      { ready: true, serving: true, terminating: false },
    ]);
    expect(addresses(h)).toEqual({ ready: 2, notReady: 0 });
    const [pod] = h.pods();
    const ip = endpoints(h)[0].addresses[0];
    h.deletePod(pod!);
    h.run(100 * MS);
    const leaving = endpoints(h).find((e) => e.addresses[0] === ip);
    expect(leaving.conditions).toEqual({ ready: false, serving: true, terminating: true });
    expect(addresses(h)).toEqual({ ready: 1, notReady: 0 });
    h.run(4 * SECOND);
    expect(endpoints(h).some((e) => e.addresses[0] === ip)).toBe(false);
    expect(addresses(h)).toEqual({ ready: 2, notReady: 0 });
  });

  it('lists pods that are not ready apart, unless it publishes them', () => {
    const h = new Harness({ readyUs: () => Number.NaN });
    h.create(service('web'));
    h.create({ ...service('open', { selector: { app: 'web' }, publishNotReadyAddresses: true }) });
    h.create(replicaSet('web', 2));
    h.run(3 * SECOND);
    expect(addresses(h)).toEqual({ ready: 0, notReady: 2 });
    expect(addresses(h, 'open')).toEqual({ ready: 2, notReady: 0 });
    const byService = (name: string): Json[] =>
      slices(h).find((slice) => slice.metadata.labels['kubernetes.io/service-name'] === name).endpoints;
    expect(byService('web')[0].conditions).toEqual({ ready: false, serving: false, terminating: false });
    expect(byService('open')[0].conditions).toEqual({ ready: true, serving: false, terminating: false });
  });

  it('follows readiness that comes and goes', () => {
    const h = new Harness();
    h.create(service('web'));
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    h.setReady(h.pods()[1]!, false);
    h.run(3 * SECOND);
    expect(ready(h)).toBe(2);
    expect(addresses(h)).toEqual({ ready: 2, notReady: 1 });
    h.setReady(h.pods()[1]!, true);
    h.run(3 * SECOND);
    expect(ready(h)).toBe(3);
  });

  it('that is created after its pods finds them; a new selector changes them', () => {
    const h = new Harness();
    h.create(replicaSet('web', 3));
    h.create(replicaSet('api', 2));
    h.run(3 * SECOND);
    h.create(service('web'));
    h.run(SECOND);
    expect(ready(h)).toBe(3);
    h.patch('Service', 'web', (o) => ({ ...o, spec: { ...o.spec, selector: { app: 'api' } } }));
    h.run(3 * SECOND);
    expect(ready(h)).toBe(2);
    expect(addresses(h)).toEqual({ ready: 2, notReady: 0 });
    expect(endpoints(h).every((e) => e.targetRef.name.startsWith('api-'))).toBe(true);
  });

  it('keeps at most 100 endpoints a slice: 250 pods are 3 slices, and Endpoints list them all', () => {
    const h = new Harness({
      costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps: 0, burst: 0 } } }),
    });
    h.create(replicaSet('web', 250));
    h.run(20 * SECOND);
    h.create(service('web'));
    h.run(SECOND);
    expect(ready(h)).toBe(250);
    expect(
      slices(h)
        .map((slice) => slice.endpoints.length)
        .sort((a, b) => b - a),
    ).toEqual([100, 100, 50]);
    expect(addresses(h)).toEqual({ ready: 250, notReady: 0 });
  });

  it('does not move endpoints together: pods that come one by one may leave slices unfilled', () => {
    const h = new Harness({
      costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps: 0, burst: 0 } } }),
    });
    h.create(service('web'));
    h.create(replicaSet('web', 250));
    h.run(20 * SECOND);
    expect(ready(h)).toBe(250);
    const sizes = slices(h).map((slice) => slice.endpoints.length);
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(250);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
  });

  it('that is headless is marked so, and without ports lists pods without ports', () => {
    const h = new Harness();
    h.create(service('web', { clusterIP: 'None', ports: undefined }));
    h.create(replicaSet('web', 1));
    h.run(3 * SECOND);
    expect(h.get('Endpoints', 'web').metadata.labels['service.kubernetes.io/headless']).toBe('');
    expect(h.get('Endpoints', 'web').subsets[0].ports).toBeUndefined();
    expect(slices(h)[0].metadata.labels['service.kubernetes.io/headless']).toBe('');
    expect(slices(h)[0].ports).toBeNull();
    expect(ready(h)).toBe(1);
  });

  it('takes its Endpoints and slices with it when it is deleted', () => {
    const h = new Harness();
    h.create(service('web'));
    h.run(SECOND);
    h.delete('Service', 'web');
    h.run(3 * SECOND);
    expect(h.all('Endpoints')).toEqual([]);
    expect(h.all('EndpointSlice')).toEqual([]);
  });

  it('gets a slice back that somebody deleted', () => {
    const h = new Harness();
    h.create(service('web'));
    h.create(replicaSet('web', 2));
    h.run(3 * SECOND);
    h.delete('EndpointSlice', slices(h)[0].metadata.name);
    h.run(3 * SECOND);
    expect(ready(h)).toBe(2);
  });

  it('of type ExternalName or without selector is left alone', () => {
    const h = new Harness();
    h.create(service('outside', { type: 'ExternalName', externalName: 'example.org', ports: undefined }));
    h.create(service('manual', { selector: undefined }));
    h.run(SECOND);
    expect(h.all('Endpoints')).toEqual([]);
    expect(h.all('EndpointSlice')).toEqual([]);
  });
});

// k8s.io/endpointslice reconciler.go, reconcileByAddressType: a pod whose node is not found is left out, and the sync
// fails, so that it is tried again; publishNotReadyAddresses keeps it.
describe('pods of a node that is gone', () => {
  const errors = (h: Harness): string[] =>
    h.events.filter(({ reason }) => reason === 'FailedToUpdateEndpointSlices').map(({ message }) => message);

  it('stay in their slice until the next sync, which leaves them out and comes again', () => {
    const h = new Harness();
    h.create(service('web'));
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    const [lost, other] = [...h.pods()];
    const node = h.state.nodes.name[h.state.pods.node[lost!]!]!;
    const before = endpoints(h).find((e) => e.targetRef.name === h.state.podName(lost!));
    h.removeNode(node);
    h.run(3 * SECOND);
    expect([endpoints(h).length, errors(h)]).toEqual([3, []]);
    h.setReady(other!, false);
    h.run(500 * MS);
    expect(endpoints(h)).not.toContainEqual(before);
    const text = `skipping Pod ${h.state.podName(lost!)} for Service default/web: Node ${node} Not Found`;
    expect(errors(h)).toEqual([`Error updating Endpoint Slices for Service default/web: ${text}`]);
    // The queue's back-off begins with 1 s: again after 1, 3 and 7 s.
    h.run(4 * SECOND);
    expect(errors(h)).toHaveLength(3);
    // Endpoints do not look for nodes.
    expect(addresses(h)).toEqual({ ready: 2, notReady: 1 });
    h.addNode(node);
    h.run(5 * SECOND);
    expect([endpoints(h).length, errors(h).length]).toEqual([3, 3]);
  });

  it('are left out of a Service that comes later, too', () => {
    const h = new Harness();
    h.create(service('first'));
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    h.removeNode(h.state.nodes.name[h.state.pods.node[h.pods()[0]!]!]!);
    h.run(SECOND);
    h.create(service('late', { selector: { app: 'web' } }));
    h.run(500 * MS);
    expect(errors(h)).toHaveLength(1);
    expect(errors(h)[0]).toContain(`skipping Pod ${h.state.podName(h.pods()[0]!)} for Service default/late`);
  });

  it('stay where addresses are published that are not ready', () => {
    const h = new Harness();
    h.create(service('web', { publishNotReadyAddresses: true }));
    h.create(replicaSet('web', 3));
    h.run(3 * SECOND);
    h.removeNode(h.state.nodes.name[h.state.pods.node[h.pods()[0]!]!]!);
    h.setReady(h.pods()[1]!, false);
    h.run(3 * SECOND);
    expect([endpoints(h).length, errors(h)]).toEqual([3, []]);
  });
});

// podEndpointsChanged of k8s.io/endpointslice/util: readiness, address and deletion set off a sync, a phase does not.
it('a pod that was never ready and ends stays an endpoint until something else sets off a sync', () => {
  const telling = controllers.filter(({ name }) => name === 'endpoint' || name === 'endpointslice');
  const h = new Harness({ readyUs: () => Number.NaN, controllers: telling });
  h.create(service('web'));
  for (const name of ['a', 'b']) h.create(pod(name));
  h.run(3 * SECOND);
  const [ended, other] = [...h.pods()];
  h.endPod(ended!, 'Failed');
  h.run(20 * MS);
  expect(addresses(h).notReady).toBe(2);
  h.setReady(other!, true);
  h.run(20 * MS);
  expect(addresses(h)).toEqual({ ready: 1, notReady: 0 });
});

// k8s.io/endpointslice/trafficdist ReconcileHints: slices are rewritten for their hints alone.
describe('hints by trafficDistribution', () => {
  it.each<[string, Json, Json, Json]>([
    ['of the same zone', 'PreferSameZone', undefined, { forZones: [{ name: 'z1' }] }],
    ['of the same zone, by the older name', 'PreferClose', undefined, { forZones: [{ name: 'z1' }] }],
    [
      'of the same node',
      'PreferSameNode',
      undefined,
      { forZones: [{ name: 'z1' }], forNodes: [{ name: 'N' }] },
    ],
    [
      'none where topology-mode is on',
      'PreferClose',
      { 'service.kubernetes.io/topology-mode': 'Auto' },
      undefined,
    ],
    [
      'where topology-mode is off',
      'PreferClose',
      { 'service.kubernetes.io/topology-mode': 'x' },
      { forZones: [{ name: 'z1' }] },
    ],
  ])('%s come and go with the field', (_name, trafficDistribution, annotations, wanted) => {
    const h = new Harness({ nodes: 1 });
    h.create(service('web'));
    h.create(replicaSet('web', 1));
    h.run(3 * SECOND);
    const set = (value: Json): void =>
      h.patch('Service', 'web', (o) => ({
        ...o,
        metadata: { ...o.metadata, ...(annotations === undefined ? {} : { annotations }) },
        spec: { ...o.spec, trafficDistribution: value },
      }));
    set(trafficDistribution);
    h.run(SECOND);
    const hints = (): Json => endpoints(h)[0].hints;
    expect(hints()).toEqual(JSON.parse(JSON.stringify(wanted ?? null).replace('"N"', '"n1"')) ?? undefined);
    set(undefined);
    h.run(SECOND);
    expect(hints()).toBeUndefined();
  });
});

describe('ports of a pod', () => {
  const template = {
    spec: {
      containers: [
        { name: 'a', ports: [{ name: 'http', containerPort: 8080 }] },
        { name: 'b', ports: [{ name: 'dns', containerPort: 53, protocol: 'UDP' }] },
      ],
    },
  } as unknown as PodTemplate;
  it.each([
    ['a number', { port: 80, targetPort: 9000 }, [9000]],
    ['a name', { port: 80, targetPort: 'http' }, [8080]],
    ['a name of another protocol', { port: 80, targetPort: 'dns' }, []],
    ['a name with its protocol', { port: 53, targetPort: 'dns', protocol: 'UDP' }, [53]],
    ['a name that no container has', { port: 80, targetPort: 'metrics' }, []],
  ])('by %s', (_name, port, expected) => {
    const owner = { spec: { ports: [port] } } as unknown as KubeObject;
    expect(resolvePorts(owner, template).map((resolved) => resolved.port)).toEqual(expected);
  });
});

describe('placement into slices', () => {
  const endpoint = (serial: number, isReady = true): Json => ({
    addresses: [`10.0.0.${serial}`],
    conditions: { ready: isReady, serving: isReady, terminating: false },
    targetRef: { uid: `${serial}` },
  });
  const slice = (id: number, ...serials: number[]): Slice => ({
    id,
    portsKey: 'p',
    serials,
    endpoints: serials.map((serial) => endpoint(serial)),
  });
  const place = (known: Slice[], changed: [number, Json | null][], max = 4) => {
    const of = (serial: number): Slice | undefined => known.find((s) => s.serials.includes(serial));
    return placeEndpoints(known, of, new Map(changed), max, 'p');
  };
  const add = (...serials: number[]): [number, Json][] => serials.map((serial) => [serial, endpoint(serial)]);

  it('makes new slices for what does not fit: 6 of 4 are 4 and 2', () => {
    const plan = place([], add(1, 2, 3, 4, 5, 6));
    expect(plan.create.map((s) => s.serials)).toEqual([
      [1, 2, 3, 4],
      [5, 6],
    ]);
  });

  it('puts what is left into the one unchanged slice that it fills best', () => {
    const known = [slice(1, 1), slice(2, 2, 3), slice(3, 4, 5, 6)];
    // Two more: the slice of 2 becomes full; that of 3 has no room for both, that of 1 would keep a gap.
    expect(place(known, add(7, 8)).update.map((s) => s.id)).toEqual([2]);
    expect(known[1]!.serials).toEqual([2, 3, 7, 8]);
  });

  it('fills slices that must be written anyway first, the fullest first', () => {
    const known = [slice(1, 1, 2), slice(2, 3, 4, 5), slice(3, 6)];
    // 1 and 3 change, so slices 1 and 2 are written: slice 2 (3 endpoints) takes one, slice 1 two.
    const plan = place(known, [...add(7, 8, 9), [1, endpoint(1, false)], [3, endpoint(3, false)]]);
    expect(plan.update.map((s) => s.id)).toEqual([1, 2]);
    expect(known.map((s) => s.serials.length)).toEqual([4, 4, 1]);
    expect(plan.create).toEqual([]);
  });

  it('removes slices that become empty and leaves half empty ones alone', () => {
    const known = [slice(1, 1), slice(2, 2, 3), slice(3, 4)];
    const plan = place(known, [
      [1, null],
      [2, null],
    ]);
    expect(plan.remove.map((s) => s.id)).toEqual([1]);
    expect(plan.update.map((s) => s.id)).toEqual([2]);
    expect(known[2]!.serials).toEqual([4]);
  });

  it('writes nothing where an endpoint is as it was', () => {
    expect(place([slice(1, 1, 2)], [[1, endpoint(1)]])).toEqual({
      create: [],
      update: [],
      remove: [],
      placed: [],
    });
  });
});

describe('addresses of Endpoints beyond the limit', () => {
  const list = (readyCount: number, notReadyCount: number): AddressList => {
    const made = new AddressList();
    for (let i = 0; i < readyCount + notReadyCount; i++) {
      const ip = String(i).padStart(5, '0');
      made.set(
        { serial: i, order: i, json: { ip, targetRef: { uid: '' } }, ready: i < readyCount, portsKey: '' },
        [],
      );
    }
    return made;
  };
  it.each([
    // All fit.
    [6, 3, 10, 6, 3, false],
    // 8 ready leave room for 2 of the 5 others.
    [8, 5, 10, 8, 2, true],
    // Not even the ready ones fit: no others.
    [12, 5, 10, 10, 0, true],
  ])(
    '%i ready and %i not, at most %i: %i and %i',
    (readyCount, notReady, max, expectReady, expectNot, cut) => {
      const { subsets, truncated } = list(readyCount, notReady).subsets(max);
      expect((subsets[0].addresses ?? []).length).toBe(expectReady);
      expect((subsets[0].notReadyAddresses ?? []).length).toBe(expectNot);
      expect(truncated).toBe(cut);
    },
  );
});

describe('what set a change off', () => {
  const LAST_CHANGE = 'endpoints.kubernetes.io/last-change-trigger-time';
  const told = (h: Harness): (string | undefined)[] =>
    ['EndpointSlice', 'Endpoints'].map((kind) => h.all(kind)[0]!.metadata.annotations?.[LAST_CHANGE]);

  it('is told by both kinds: the creation of the Service, then the earliest new readiness, then nothing', () => {
    const h = new Harness({ readyUs: (n) => (n + 1) * SECOND });
    h.create(service('web'));
    h.run(100 * MS);
    // 0.25 ms on the way, 2 ms of work and 1 ms of etcd after the time 0.
    expect(told(h)).toEqual(['2026-01-01T00:00:00.00325Z', '2026-01-01T00:00:00.00325Z']);
    h.create(replicaSet('web', 2));
    for (const n of [0, 1]) {
      h.run(SECOND + 50 * MS);
      const readyUs = h.state.pods.readyUs[h.pods()[n]!]!;
      expect(readyUs).toBeGreaterThan(n * SECOND);
      expect(told(h)).toEqual([exactTimestampText(readyUs), exactTimestampText(readyUs)]);
    }
    // A pod that is told to stop is ready still: no readiness has changed.
    const [first] = h.pods();
    h.server
      .client('user', { qps: 0, burst: 0 })
      .deletePod(first!, h.state.pods.generation[first!]!, -1, null);
    h.run(20 * MS);
    expect(told(h)).toEqual([undefined, undefined]);
  });
});

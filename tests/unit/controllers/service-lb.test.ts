// The service controller: finalizer, provider, address, Events, nodes, and the way back. The provider takes 10 s to make
// a load balancer, 2 s to change one and 4 s to delete it; a request takes 3.5 ms and is seen 1 ms later.
import { describe, expect, it } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import { Verb } from '../../../engine/state/index.ts';
import { type EventLine, Harness, MS, SECOND, service } from './harness.ts';

const FINALIZER = 'service.kubernetes.io/load-balancer-cleanup';

const withCloud = (costs: CostPreset): CostPreset => ({
  ...costs,
  loadBalancer: {
    ensureUs: 10 * SECOND,
    updateUs: 2 * SECOND,
    deleteUs: 4 * SECOND,
    healthIntervalUs: 8 * SECOND,
    healthyThreshold: 1,
    unhealthyThreshold: 3,
  },
});

const cluster = (nodes = 3): Harness => new Harness({ nodes, costs: withCloud });
const reasons = (events: readonly EventLine[]): string[] =>
  events.filter((event) => event.object === 'Service/web').map((event) => event.reason);
const ingressOf = (h: Harness) => h.get('Service', 'web')?.status?.loadBalancer?.ingress;

describe('a Service of type LoadBalancer', () => {
  it('has its finalizer before the provider is asked, and its address when the provider is done', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(9 * SECOND);
    expect(h.get('Service', 'web').metadata.finalizers).toEqual([FINALIZER]);
    expect(ingressOf(h)).toBeUndefined();
    h.run(2 * SECOND);
    expect(ingressOf(h)).toEqual([{ ip: '198.18.0.1', ipMode: 'VIP' }]);
    expect(reasons(h.events)).toEqual(['EnsuringLoadBalancer', 'EnsuredLoadBalancer']);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([0, 1, 2]);
  });

  it('one worker: the second waits until the first is served', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.create(service('api', { type: 'LoadBalancer' }));
    h.run(15 * SECOND);
    expect(h.state.loadBalancers.size).toBe(1);
    h.run(6 * SECOND);
    expect(h.state.loadBalancers.get('default/api')?.address).toBe('198.18.0.2');
  });

  it('its own writes do not start it again', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(60 * SECOND);
    expect(reasons(h.events)).toHaveLength(2);
  });

  it('goes when it is deleted, but not before the provider has taken the load balancer back', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(11 * SECOND);
    h.delete('Service', 'web');
    h.run(3 * SECOND);
    expect(h.get('Service', 'web').metadata.deletionTimestamp).toBeDefined();
    h.run(2 * SECOND);
    expect(h.get('Service', 'web')).toBeNull();
    expect(h.state.loadBalancers.size).toBe(0);
    expect(reasons(h.events).slice(2)).toEqual(['DeletingLoadBalancer', 'DeletedLoadBalancer']);
  });

  it('that becomes ClusterIP loses address, finalizer and load balancer', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(11 * SECOND);
    h.patch('Service', 'web', (object) => ({ ...object, spec: { ...object.spec, type: 'ClusterIP' } }));
    h.run(6 * SECOND);
    const { metadata, status } = h.get('Service', 'web');
    expect(metadata.finalizers).toBeUndefined();
    expect(status.loadBalancer).toEqual({});
    // Changes themselves are no Events since v1.32.
    expect(reasons(h.events).slice(2)).toEqual(['DeletingLoadBalancer', 'DeletedLoadBalancer']);
  });

  it('a changed port is brought to the provider: 2 s instead of 10 s', () => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(20 * SECOND);
    const from = h.now;
    h.patch('Service', 'web', (object) => ({
      ...object,
      spec: { ...object.spec, ports: [{ ...object.spec.ports[0], targetPort: 9090 }] },
    }));
    h.run(5 * SECOND);
    const ensured = h.events.filter((event) => event.reason === 'EnsuredLoadBalancer');
    expect(ensured).toHaveLength(2);
    expect(ensured[1]!.timeUs - from).toBeGreaterThanOrEqual(2 * SECOND);
    expect(ensured[1]!.timeUs - from).toBeLessThan(2 * SECOND + 50 * MS);
  });
});

describe('who gets no load balancer', () => {
  it.each([
    { name: 'ClusterIP', spec: {} },
    { name: 'NodePort', spec: { type: 'NodePort' } },
    { name: 'another class', spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/own' } },
  ])('$name', ({ spec }) => {
    const h = cluster();
    h.create(service('web', spec));
    h.run(30 * SECOND);
    expect(reasons(h.events)).toEqual([]);
    expect(h.state.loadBalancers.size).toBe(0);
  });

  it('a cluster without a provider: nothing is written', () => {
    const h = new Harness({ costs: ({ loadBalancer: _, ...costs }) => costs });
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(300 * SECOND);
    expect(h.get('Service', 'web').metadata.finalizers).toBeUndefined();
    expect(
      h.versions.filter(({ verb, object }) => object.kind === 'Service' && verb === Verb.modified),
    ).toEqual([]);
  });
});

describe('nodes of a load balancer', () => {
  const ready = (): Harness => {
    const h = cluster();
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(20 * SECOND);
    return h;
  };

  it('one that joins is added, one that leaves is taken out, after the provider has done it', () => {
    const h = ready();
    h.addNode('n4');
    h.run(SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([0, 1, 2]);
    h.run(2 * SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([0, 1, 2, 3]);
    h.removeNode('n1');
    h.run(3 * SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([1, 2, 3]);
    expect(reasons(h.events).slice(2)).toEqual(['UpdatedLoadBalancer', 'UpdatedLoadBalancer']);
  });

  // nodeIncludedPredicate: strconv.ParseBool of the label's value; what it cannot read excludes.
  it.each<[string, number[]]>([
    ['', [0, 2]],
    ['true', [0, 2]],
    ['no', [0, 2]],
    ['false', [0, 1, 2]],
    ['0', [0, 1, 2]],
  ])('one labelled "%s" to be excluded leaves %j', (value, left) => {
    const h = ready();
    h.changeNode('n2', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': value } });
    h.run(3 * SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual(left);
  });

  // shouldSyncUpdatedNode: the taint alone sets no sync off.
  it('one tainted by the cluster autoscaler stays until something else changes the nodes', () => {
    const h = ready();
    h.changeNode('n2', {
      taints: [{ key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' }],
    });
    h.run(3 * SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([0, 1, 2]);
    h.addNode('n4');
    h.run(3 * SECOND);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([0, 2, 3]);
  });

  it('another taint changes nothing', () => {
    const h = ready();
    h.changeNode('n2', { taints: [{ key: 'node.kubernetes.io/not-ready', value: '', effect: 'NoExecute' }] });
    h.run(5 * SECOND);
    expect(reasons(h.events)).toHaveLength(2);
  });

  it('none at all: a warning, and a load balancer that leads nowhere', () => {
    const h = cluster(1);
    h.changeNode('n1', { labels: { 'node.kubernetes.io/exclude-from-external-load-balancers': '' } });
    h.run(SECOND);
    h.create(service('web', { type: 'LoadBalancer' }));
    h.run(11 * SECOND);
    expect(reasons(h.events)).toEqual([
      'EnsuringLoadBalancer',
      'UnAvailableLoadBalancer',
      'EnsuredLoadBalancer',
    ]);
    expect(h.state.loadBalancers.get('default/web')?.nodes).toEqual([]);
  });
});

// Requests to Services in whole runs: where they go, what they wait for, and how they fail while pods come and go. Nothing
// takes time but what a case names; pods start and stop when annotations say.
import { describe, expect, it } from 'vitest';
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { change, create, MS, SECOND, service, workload } from '../../property/simulation/scenario.ts';
import { requestRun } from './run.ts';

const web = (replicas: number, annotations: Json = {}, spec: Json = {}): KubeObject =>
  workload('Deployment', 'web', replicas, '10m', { annotations, ...spec });
const withSpec = (object: KubeObject, spec: Json): KubeObject => ({
  ...object,
  spec: { ...object['spec'], ...spec },
});
const timings = (name: 'start' | 'stop', us: number): Json => ({
  [`kubetick.io/${name}-delay-ms`]: `${us / MS}`,
});
/** 100 a second at equal distances from 5 s on, each 1 ms of work. */
const even = { service: 'web', rate: [{ at: '5s', rate: 100 }], arrivals: 'even', serviceTime: '1ms' };
const lateProxy = (minSyncMs: number): Partial<CostPreset> => ({
  proxy: { ...zero.proxy, minSyncUs: minSyncMs * MS, syncUs: 10 * MS },
});

describe('a Service with pods that stay', () => {
  it('every request is answered, after its work and nothing else', () => {
    const { summary, count } = requestRun({
      steps: [create(0, web(3), service('web'))],
      requests: [even],
      untilUs: 15 * SECOND - 1,
    });
    // 100/s over 10 s; the first at 5 s sharp.
    expect(count('sent')).toBe(1000);
    expect(count('failed')).toBe(0);
    const latency = summary.latency['request.latency.web']!;
    expect(latency).toMatchObject({ min: 0.001 });
    // Even at 10 ms distance with 1 ms of work nobody waits.
    expect(latency.max).toBe(0.001);
  });

  it('a row a second: sent, answered, percentiles', () => {
    const { rows } = requestRun({
      steps: [create(0, web(1), service('web'))],
      requests: [even],
      untilUs: 8 * SECOND - 1,
    });
    expect(rows.map(({ t_s, sent, answered, p50_s }) => [t_s, sent, answered, p50_s])).toEqual([
      [5 * SECOND, 100, 100, 1000],
      [6 * SECOND, 100, 100, 1000],
      [7 * SECOND, 100, 100, 1000],
    ]);
  });

  it('distance: two round trips to pods of the same node, of the zone, of another zone', () => {
    const network = {
      sameNodeUs: 10,
      sameZoneUs: 100,
      otherZoneUs: 1000,
      outsideUs: 0,
      dnsUs: 0,
      dnsTtlUs: 0,
    };
    const { summary } = requestRun({
      steps: [create(0, web(1), service('web'))],
      nodes: [{ count: 4, zones: ['a', 'b'] }],
      requests: [even],
      costs: { network },
      untilUs: 30 * SECOND,
    });
    const { min, max, mean } = summary.latency['request.latency.web']!;
    // 1 ms + 4 ways; a quarter of the clients on the pod's node, a quarter in its zone, half in the other.
    expect(min).toBe(0.00104);
    expect(max).toBe(0.005);
    expect(mean).toBeGreaterThan(0.001 + 4 * (0.25 * 10 + 0.25 * 100 + 0.5 * 1000) * 0.9e-6);
    expect(mean).toBeLessThan(0.001 + 4 * (0.25 * 10 + 0.25 * 100 + 0.5 * 1000) * 1.1e-6);
  });

  it('names are looked up once per node and TTL', () => {
    const network = {
      sameNodeUs: 0,
      sameZoneUs: 0,
      otherZoneUs: 0,
      outsideUs: 0,
      dnsUs: 7 * MS,
      dnsTtlUs: 2 * SECOND,
    };
    const { summary, rows } = requestRun({
      steps: [create(0, web(1), service('web'))],
      nodes: [{ count: 1 }],
      requests: [even],
      costs: { network },
      untilUs: 9 * SECOND - 1,
    });
    expect(summary.latency['request.latency.web']!.max).toBe(0.008);
    // At 5 s and 7 s the first request asks.
    expect(rows.map(({ max_s }) => max_s)).toEqual([8 * MS, MS, 8 * MS, MS]);
  });
});

describe('load', () => {
  it('more than a pod can do: the line fills, then connections are refused', () => {
    // 100/s against 1 pod with one place and 50 ms of work: 20/s are done, 10 wait, the rest is refused.
    const { count } = requestRun({
      steps: [create(0, web(1), service('web'))],
      requests: [{ ...even, serviceTime: '50ms', concurrency: 1, queue: 10, timeout: '1h' }],
      untilUs: 15 * SECOND - 1,
    });
    expect(count('answered') + count('failed.overload')).toBeGreaterThanOrEqual(1000 - 11);
    expect(count('answered')).toBe(199);
    expect(count('failed.overload')).toBe(1000 - 199 - 11);
  });

  it('a client that gives up earlier than its turn comes: timeout', () => {
    const { count } = requestRun({
      steps: [create(0, web(1), service('web'))],
      requests: [{ ...even, serviceTime: '50ms', concurrency: 1, timeout: '200ms' }],
      untilUs: 15 * SECOND - 1,
    });
    // The n-th of 10 ms distance is done at 50 n: 40 n + 10 behind its sending; up to 200 ms for n = 1 … 4.
    expect(count('answered')).toBe(4);
    expect(count('failed.timeout')).toBeGreaterThanOrEqual(996 - 20);
  });

  it('rates in steps and in straight lines', () => {
    const sent = (rate: unknown): number[] =>
      requestRun({
        steps: [create(0, web(3), service('web'))],
        requests: [{ ...even, rate }],
        untilUs: 9 * SECOND - 1,
      }).rows.map((row) => row['sent'] as number);
    expect(
      sent([
        { at: '5s', rate: 10 },
        { at: '7s', rate: 40 },
      ]),
    ).toEqual([10, 10, 40, 40]);
    // From 0 to 40 in 4 s the n-th of 0, 1, 2, … is at sqrt(n / 5) s: up to 5, 20, 45 and 80, those of the full seconds in
    // the second that begins there.
    const ramp = [
      { at: '5s', rate: 0 },
      { at: '9s', rate: 40 },
    ];
    expect(sent({ ramp })).toEqual([5, 15, 25, 35]);
  });
});

describe('pods that go', () => {
  const scaledDown = (requests: Json, costs: Partial<CostPreset> = {}, stopUs = 2 * SECOND) =>
    requestRun({
      steps: [
        create(0, web(2, timings('stop', stopUs)), service('web')),
        change(10_000, 'scale', 'Deployment', 'web', 1),
      ],
      requests: [{ ...even, ...requests }],
      costs,
      untilUs: 20 * SECOND - 1,
    });

  it('rules that follow at once: only what the pod was working on is lost', () => {
    // 50/s come to the pod, each 100 ms of work: 5 under way when it is told to stop.
    const { count } = scaledDown({ serviceTime: '100ms' });
    expect(count('failed.refused')).toBe(0);
    expect(count('failed.reset')).toBeGreaterThanOrEqual(1);
    expect(count('failed.reset')).toBeLessThanOrEqual(12);
  });

  it('one that drains loses nothing', () => {
    expect(scaledDown({ serviceTime: '100ms', shutdown: 'drain' }).count('failed')).toBe(0);
  });

  it('one that drains longer than it has: what is left when it is killed is reset', () => {
    const { count } = scaledDown({ serviceTime: '100ms', shutdown: 'drain' }, {}, 10 * MS);
    expect(count('failed.reset')).toBeGreaterThanOrEqual(1);
  });

  it('rules that follow a second late: half of a second’s requests are refused', () => {
    // The sync of the scaling comes with the minimum period; 50/s go to the closed pod meanwhile.
    const { count } = scaledDown({}, lateProxy(0));
    expect(count('failed.refused')).toBeLessThanOrEqual(3);
    const late = scaledDown({}, { proxy: { ...zero.proxy, syncUs: SECOND } });
    expect(late.count('failed.refused')).toBeGreaterThan(30);
    expect(late.count('failed.refused')).toBeLessThan(70);
  });

  it('a pod that is gone does not even refuse: its clients wait in vain', () => {
    const { count } = scaledDown({ timeout: '500ms' }, { proxy: { ...zero.proxy, syncUs: SECOND } }, 0);
    expect(count('failed.timeout')).toBeGreaterThan(30);
    expect(count('failed.refused')).toBe(0);
  });

  it('a server that goes on until it is killed, behind rules that are faster than that, loses nothing', () => {
    const proxy = { ...zero.proxy, syncUs: SECOND };
    expect(scaledDown({ shutdown: 'ignore' }, { proxy }).count('failed')).toBe(0);
  });

  it('a preStop hook that sleeps longer than the rules need: SIGTERM comes when nobody sends any more', () => {
    const containers = (seconds: number) => [
      {
        name: 'c',
        image: 'web:v1',
        resources: { requests: { cpu: '10m' } },
        lifecycle: { preStop: { sleep: { seconds } } },
      },
    ];
    const refused = (seconds: number): number =>
      requestRun({
        steps: [
          create(0, web(2, {}, { containers: containers(seconds) }), service('web')),
          change(10_000, 'scale', 'Deployment', 'web', 1),
        ],
        // The first rules with pods are there at 6 s.
        requests: [{ ...even, rate: [{ at: '8s', rate: 100 }], timeout: '500ms' }],
        costs: { proxy: { ...zero.proxy, syncUs: 3 * SECOND } },
        untilUs: 20 * SECOND - 1,
      }).count('failed');
    expect(refused(5)).toBe(0);
    // Half of 100/s for the two seconds that the rules are later.
    expect(refused(1)).toBeGreaterThan(60);
  });

  it('tries again: nothing fails for good, but it takes longer', () => {
    const proxy = { ...zero.proxy, syncUs: SECOND };
    const { count, summary } = scaledDown({ retries: 20, retryAfter: '100ms' }, { proxy });
    expect(count('failed')).toBe(0);
    expect(count('retried')).toBeGreaterThan(30);
    expect(summary.latency['request.latency.web']!.max).toBeGreaterThanOrEqual(0.101);
  });

  it('without pods the rules reject', () => {
    const { count } = requestRun({
      steps: [create(0, web(1), service('web')), change(10_000, 'scale', 'Deployment', 'web', 0)],
      requests: [even],
      untilUs: 20 * SECOND - 1,
    });
    expect(count('failed.no_endpoints')).toBeGreaterThan(990);
  });

  it('a Service that does not exist has no address', () => {
    const { count } = requestRun({
      steps: [create(0, web(1))],
      requests: [even],
      untilUs: 10 * SECOND - 1,
    });
    expect(count('failed.no_address')).toBe(500);
  });
});

describe('pods that come', () => {
  it('are sent to as soon as they run where no probe says otherwise: until they listen they refuse', () => {
    const slow = { ...even, startup: '1s' };
    const steps = [create(0, web(1), service('web')), change(10_000, 'scale', 'Deployment', 'web', 2)];
    const { count } = requestRun({ steps, requests: [slow], untilUs: 20 * SECOND - 1 });
    // Half of 100/s for 1 s.
    expect(count('failed.refused')).toBeGreaterThan(30);
    expect(count('failed.refused')).toBeLessThan(70);
  });

  it('a readiness probe that looks later hides them until then', () => {
    const containers = [
      {
        name: 'c',
        image: 'web:v1',
        resources: { requests: { cpu: '10m' } },
        readinessProbe: { httpGet: { port: 80 }, initialDelaySeconds: 2, periodSeconds: 1 },
      },
    ];
    const { count } = requestRun({
      steps: [
        create(0, web(1, {}, { containers }), service('web')),
        change(10_000, 'scale', 'Deployment', 'web', 2),
      ],
      requests: [{ ...even, startup: '1s' }],
      untilUs: 20 * SECOND - 1,
    });
    expect(count('failed')).toBe(0);
  });
});

describe('which pod', () => {
  const affinity = (sessionAffinity: string, extra: Json = {}) =>
    withSpec(service('web'), { sessionAffinity, ...extra });

  it('session affinity: a client stays with its pod, so one slow pod is all that its clients see', () => {
    // One client, one place a pod, 15 ms of work every 10 ms: with affinity the line grows, spread over two it does not.
    const run = (object: KubeObject) =>
      requestRun({
        steps: [create(0, web(2), object)],
        nodes: [{ count: 1 }],
        requests: [{ ...even, clients: 1, serviceTime: '12ms', concurrency: 1, timeout: '1h' }],
        untilUs: 15 * SECOND,
      }).summary.latency['request.latency.web']!.max;
    // 2 ms more behind at each of some 830 answered.
    expect(run(affinity('ClientIP'))).toBeGreaterThan(1.5);
    expect(run(affinity('None'))).toBeLessThan(0.5);
  });

  it('ipvs sends in turn: two pods with 12 ms of work for every 10 ms never make anyone wait', () => {
    const run = (mode: 'ipvs' | 'iptables') =>
      requestRun({
        steps: [create(0, web(2), service('web'))],
        nodes: [{ count: 1 }],
        requests: [{ ...even, serviceTime: '12ms', concurrency: 1 }],
        costs: { proxy: { ...zero.proxy, mode } },
        untilUs: 15 * SECOND,
      }).summary.latency['request.latency.web']!.max;
    expect(run('ipvs')).toBe(0.012);
    expect(run('iptables')).toBeGreaterThan(0.012);
  });

  it.each([
    { name: 'PreferClose', spec: { trafficDistribution: 'PreferClose' }, otherZoneSeen: false },
    { name: 'no preference', spec: {}, otherZoneSeen: true },
  ])('$name: requests leave their zone: $otherZoneSeen', ({ spec, otherZoneSeen }) => {
    const network = { sameNodeUs: 0, sameZoneUs: 0, otherZoneUs: 1000, outsideUs: 0, dnsUs: 0, dnsTtlUs: 0 };
    const { summary } = requestRun({
      // Four pods on two nodes of two zones: spread by the scheduler.
      steps: [create(0, web(4), withSpec(service('web'), spec))],
      nodes: [{ count: 2, zones: ['a', 'b'] }],
      requests: [even],
      costs: { network },
      untilUs: 10 * SECOND,
    });
    expect(summary.latency['request.latency.web']!.max).toBe(otherZoneSeen ? 0.005 : 0.001);
  });

  it('internalTrafficPolicy Local: packets of nodes without a pod are dropped', () => {
    const { count } = requestRun({
      steps: [create(0, web(1), withSpec(service('web'), { internalTrafficPolicy: 'Local' }))],
      nodes: [{ count: 4 }],
      requests: [{ ...even, timeout: '100ms' }],
      untilUs: 15 * SECOND - 1,
    });
    // One node of four has the pod.
    expect(count('answered')).toBeGreaterThan(200);
    expect(count('answered')).toBeLessThan(300);
    expect(count('failed.timeout')).toBe(1000 - count('answered'));
  });

  it('headless: the client takes an address that DNS told it, up to a TTL old', () => {
    const network = {
      sameNodeUs: 0,
      sameZoneUs: 0,
      otherZoneUs: 0,
      outsideUs: 0,
      dnsUs: 0,
      dnsTtlUs: 4 * SECOND,
    };
    const { count } = requestRun({
      steps: [
        create(0, web(2, timings('stop', 20 * SECOND)), withSpec(service('web'), { clusterIP: 'None' })),
        change(10_000, 'scale', 'Deployment', 'web', 1),
      ],
      nodes: [{ count: 1 }],
      requests: [even],
      costs: { network },
      untilUs: 20 * SECOND - 1,
    });
    // Looked up at 5, 9 and 13 s: from 10 to 13 s half of 100/s go to the pod that has closed.
    expect(count('failed.refused')).toBeGreaterThan(115);
    expect(count('failed.refused')).toBeLessThan(185);
    expect(count('failed')).toBe(count('failed.refused') + count('failed.reset'));
  });
});

describe('a node that stops', () => {
  it('its pods answer nobody until the rules forget them', () => {
    const { count } = requestRun({
      steps: [
        create(0, web(2), service('web')),
        { atUs: 10 * SECOND, do: 'stop-node', objects: [], nodes: { names: ['node-1'] } },
      ],
      nodes: [{ count: 2 }],
      requests: [{ ...even, timeout: '500ms' }],
      untilUs: 20 * SECOND - 1,
    });
    // The node controller needs 40 s: half of 100/s for 10 s.
    expect(count('failed.timeout')).toBeGreaterThan(430);
    expect(count('failed.timeout')).toBeLessThan(570);
    expect(count('failed')).toBe(count('failed.timeout'));
  });
});

describe('from outside', () => {
  const loadBalancer = {
    // Done between two requests.
    ensureUs: 9995 * MS,
    updateUs: 0,
    deleteUs: 0,
    healthIntervalUs: 2 * SECOND,
    healthyThreshold: 1,
    unhealthyThreshold: 3,
  };
  const outside = { ...even, rate: 100, from: 'outside', timeout: '500ms' };
  const balanced = (spec: Json) => withSpec(service('web'), { type: 'LoadBalancer', ...spec });

  it('no address until the provider has made the load balancer', () => {
    const { count, rows } = requestRun({
      steps: [create(0, web(1), balanced({}))],
      requests: [outside],
      costs: { loadBalancer },
      untilUs: 20 * SECOND - 1,
    });
    expect(count('failed.no_address')).toBe(1000);
    expect(rows.find((row) => row['answered'] !== 0)?.['t_s']).toBe(10 * SECOND);
  });

  it('policy Local: only nodes with a pod are healthy, and requests do not leave them', () => {
    const network = { sameNodeUs: 0, sameZoneUs: 1000, otherZoneUs: 0, outsideUs: 0, dnsUs: 0, dnsTtlUs: 0 };
    const run = (externalTrafficPolicy: string) =>
      requestRun({
        steps: [create(0, web(1), balanced({ externalTrafficPolicy }))],
        requests: [outside],
        costs: { loadBalancer, network },
        untilUs: 40 * SECOND - 1,
        warmUpUs: 20 * SECOND,
      });
    const local = run('Local');
    expect(local.summary.latency['request.latency.web']).toMatchObject({ count: 2000, max: 0.001 });
    // Cluster: two of three nodes send on to the one with the pod.
    expect(run('Cluster').summary.latency['request.latency.web']!.max).toBe(0.005);
  });

  it('policy Local: a node that loses its pod drops until its health checks have failed', () => {
    const { rows } = requestRun({
      steps: [
        create(0, web(2), balanced({ externalTrafficPolicy: 'Local' })),
        change(30_000, 'scale', 'Deployment', 'web', 1),
      ],
      nodes: [{ count: 2 }],
      requests: [outside],
      costs: { loadBalancer },
      untilUs: 45 * SECOND - 1,
    });
    const dropped = rows.filter((row) => (row['timeout'] as number) > 0).map((row) => row['t_s'] as number);
    // Three bad answers, 2 s apart, the first within 2 s: 4 to 6 s.
    expect(Math.min(...dropped)).toBe(30 * SECOND);
    expect(Math.max(...dropped)).toBeGreaterThanOrEqual(33 * SECOND);
    expect(Math.max(...dropped)).toBeLessThanOrEqual(36 * SECOND);
  });

  it('a NodePort has no health checks: a node that has stopped gets its share', () => {
    const { count } = requestRun({
      steps: [
        create(0, web(1), withSpec(service('web'), { type: 'NodePort' })),
        { atUs: 10 * SECOND, do: 'stop-node', objects: [], nodes: { names: ['node-3'] } },
      ],
      requests: [{ ...outside, rate: [{ at: '10s', rate: 100 }] }],
      untilUs: 20 * SECOND - 1,
    });
    // A third of 1000, whether or not the pod is there.
    expect(count('failed.timeout')).toBeGreaterThan(280);
  });

  it('a ClusterIP cannot be reached', () => {
    const { count } = requestRun({
      steps: [create(0, web(1), service('web'))],
      requests: [outside],
      untilUs: 10 * SECOND - 1,
    });
    expect(count('failed.no_address')).toBe(1000);
  });
});

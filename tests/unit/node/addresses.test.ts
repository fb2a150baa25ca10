// Pod IPs: never shared by two pods that have a sandbox at the same time, whatever comes and goes.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Phase, phaseOf } from '../../../engine/state/index.ts';
import { container, kubelets } from './harness.ts';

const text = (ip: number): string => [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.');

describe('addresses', () => {
  it('come from each node’s own range, one after another', () => {
    const k = kubelets({ nodes: 2, images: ['a:v1'] });
    k.pod(0, 'p', { containers: [container('a')] }, {}, 0);
    k.pod(1, 'q', { containers: [container('a')] }, {}, 0);
    k.pod(2, 'r', { containers: [container('a')] }, {}, 1);
    k.run();
    // 110 pods a node: 2 × 110 + 3 addresses are rounded up to 256.
    expect(['p', 'q', 'r'].map((name) => text(k.state.pods.ip[k.row(name)]!))).toEqual([
      '10.244.0.2',
      '10.244.0.3',
      '10.244.1.2',
    ]);
  });

  it('of the host are shared by the pods in its network', () => {
    const k = kubelets({ nodes: 2, images: ['a:v1'] });
    const spec = { hostNetwork: true, containers: [container('a')] };
    k.pod(0, 'p', spec, {}, 1);
    k.pod(0, 'q', spec, {}, 1);
    k.run();
    expect(['p', 'q'].map((name) => text(k.state.pods.ip[k.row(name)]!))).toEqual([
      '172.18.0.3',
      '172.18.0.3',
    ]);
  });

  it('are given back by pods that have ended: a node runs more jobs, one by one, than it has addresses', () => {
    // 300 jobs of 100 ms on a node for one pod, whose range has 256 addresses; their objects stay.
    const k = kubelets({ podsMax: 1 });
    const job = { 'start-delay-ms': '0', 'run-ms': '100' };
    for (let i = 0; i < 300; i++) k.pod(i * 1000, `job-${i}`, { restartPolicy: 'Never' }, job);
    k.run();
    expect(k.state.pods.live).toBe(300);
    expect(k.state.pods.livePods().every((pod) => phaseOf(k.state.pods.word[pod]!) === Phase.succeeded)).toBe(
      true,
    );
  });

  it('are unique among running pods at all times', () => {
    const life = fc.record({
      start: fc.nat(20_000),
      node: fc.nat(2),
      runMs: fc.option(fc.integer({ min: 1, max: 8000 })),
      deleteAfter: fc.option(fc.integer({ min: 1, max: 15_000 })),
      grace: fc.constantFrom(-1, 0, 1),
    });
    fc.assert(
      fc.property(fc.array(life, { maxLength: 60 }), (lives) => {
        const k = kubelets({ nodes: 3, podsMax: 8, images: ['c:v1'] });
        const { pods } = k.state;
        let most = 0;
        k.server.watch('pods', () => {
          const running = pods.livePods().filter((pod) => phaseOf(pods.word[pod]!) === Phase.running);
          const addresses = new Set(running.map((pod) => pods.ip[pod]));
          expect(addresses.has(0)).toBe(false);
          expect(addresses.size).toBe(running.length);
          most = Math.max(most, running.length);
        });
        lives.forEach(({ start, node, runMs, deleteAfter, grace }, i) => {
          const spec = { restartPolicy: 'Never', containers: [container('c')] };
          k.pod(start, `p${i}`, spec, runMs === null ? {} : { 'run-ms': String(runMs) }, node);
          if (deleteAfter !== null) k.at(start + deleteAfter, () => k.remove(`p${i}`, grace));
        });
        k.run();
        expect(most).toBeLessThanOrEqual(lives.length);
      }),
      { numRuns: 60 },
    );
  });
});

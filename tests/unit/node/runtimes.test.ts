// Nodes with container runtimes of their own: the same pod on each. Costs: harness.ts, and a runtime that takes twice.
import { describe, expect, it } from 'vitest';
import type { RuntimeCosts } from '../../../engine/contracts/costs.ts';
import { containerRuntimes } from '../../../policies/costs/cri/index.ts';
import { runtimeTable } from '../../../reports/runtimes.ts';
import { container, kubeletCosts, kubelets, MS } from './harness.ts';

const slow: RuntimeCosts = {
  ...kubeletCosts,
  name: 'slow',
  version: 'slow://1',
  about: '',
  sandboxUs: 200 * MS,
  containerCreateUs: 40 * MS,
  containerStartUs: 60 * MS,
  stopUs: 600 * MS,
  pullBaseUs: 800 * MS,
  pullBytesPerSecond: 500_000,
};

describe('a node that names its runtime', () => {
  const k = kubelets({ nodes: 2, costs: { runtimes: { slow } }, runtimes: ['', 'slow'] });
  k.pod(0, 'usual', { containers: [container('a')] });
  k.pod(0, 'slow', { containers: [container('a')] }, {}, 1);
  k.at(10_000, () => k.remove('usual'));
  k.at(10_000, () => k.remove('slow'));
  k.run();

  it('takes its times: sandbox, pull, create and start', () => {
    // 5 + 100 + 400 + 1000 + 20 + 30 + 10, and 5 + 200 + 800 + 2000 + 40 + 60 + 10.
    expect(k.history.get('usual')![1]).toBe('1565 Running Ready');
    expect(k.history.get('slow')![1]).toBe('3115 Running Ready');
  });

  it('and stops in its time', () => {
    expect(k.history.get('usual')!.at(-1)).toBe('10300 gone');
    expect(k.history.get('slow')!.at(-1)).toBe('10600 gone');
  });
});

describe('the presets', () => {
  it.each(Object.entries(containerRuntimes))(
    '%s: its name, a version, medians below tails',
    (name, runtime) => {
      expect(runtime.name).toBe(name);
      expect(runtime.version).toMatch(/^[a-z-]+:\/\/\d+\.\d+\.\d+$/);
      for (const us of [
        runtime.sandboxUs,
        runtime.containerCreateUs,
        runtime.containerStartUs,
        runtime.stopUs,
      ])
        expect(us).toMatchObject({ dist: 'lognormal', p50: expect.any(Number), p99: expect.any(Number) });
    },
  );
});

it('the table has a row a runtime, in order of name', () => {
  const of = (p50: number) => ({ count: 3, mean: p50, min: p50, p50, p90: p50, p99: 2 * p50, max: 2 * p50 });
  const latency = {
    'runtime.b.start': of(4),
    'runtime.b.sandbox': of(1),
    'runtime.a.start': of(2),
    'pod.startup': of(9),
  };
  expect(runtimeTable(latency, (s) => `${s} s`)).toEqual({
    head: [
      'container runtime',
      'starts',
      'sandbox p50',
      'sandbox p99',
      'pull p50',
      'pull p99',
      'start p50',
      'start p99',
    ],
    rows: [
      ['a', '3', '-', '-', '-', '-', '2 s', '4 s'],
      ['b', '3', '1 s', '2 s', '-', '-', '4 s', '8 s'],
    ],
  });
  expect(runtimeTable({ 'pod.startup': of(9) }, String)).toBeNull();
});

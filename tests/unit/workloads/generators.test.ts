// Generators: what arrives, when, under which names; arguments accepted and refused; the same seed gives the same load.
import { describe, expect, test } from 'vitest';
import type { Arrival, Workload, WorkloadDefinition } from '../../../engine/index.ts';
import { Rng } from '../../../engine/index.ts';
import { workloads } from '../../../workloads/index.ts';

const HOUR_US = 3600e6;

function definition(use: string): WorkloadDefinition {
  const found = workloads.find(({ name }) => name === use);
  if (found === undefined) throw new Error(`no workload ${use}`);
  return found;
}

function create(use: string, args: Record<string, unknown>): Workload {
  const result = definition(use).create(args);
  if ('problems' in result) throw new Error(JSON.stringify(result.problems));
  return result.workload;
}

function arrivals(use: string, args: Record<string, unknown>, seed = 1, untilUs = HOUR_US): Arrival[] {
  const workload = create(use, args);
  const iterator = workload.arrivals({ rng: new Rng(seed, 1), streams: 'workload/0', untilUs });
  const all: Arrival[] = [];
  for (let next = iterator.next(); !next.done; next = iterator.next()) all.push(next.value);
  return all;
}

const nameOf = (arrival: Arrival): string => arrival.name ?? arrival.object.metadata.name!;

test('every definition can be listed: names, types, help, defaults that it accepts', () => {
  expect(workloads.map(({ name }) => name)).toEqual([
    'deployments',
    'pods',
    'copies',
    'poisson-deployments',
    'requests',
    'job-trace',
  ]);
  for (const { about, args } of workloads) {
    expect(about).not.toBe('');
    expect(args.every(({ name, type, help }) => name !== '' && type !== '' && help !== '')).toBe(true);
    expect(new Set(args.map(({ name }) => name)).size).toBe(args.length);
  }
});

describe('deployments', () => {
  test('all at 0 s, numbered, namespaces dealt in turn', () => {
    const all = arrivals('deployments', { count: 3, replicas: 2, namespace: ['a', 'b'], name: 'web' });
    expect(all.map(({ atUs, namespace }) => ({ atUs, namespace }))).toEqual([
      { atUs: 0, namespace: 'a' },
      { atUs: 0, namespace: 'b' },
      { atUs: 0, namespace: 'a' },
    ]);
    expect(all.map(nameOf)).toEqual(['web-1', 'web-2', 'web-3']);
    expect(create('deployments', { namespace: ['a', 'b'] }).namespaces).toEqual(['a', 'b']);
  });

  test('the object is the manifest a user would write', () => {
    expect(
      arrivals('deployments', { cpu: '250m', memory: '1Gi', image: 'app:v1', replicas: 4 })[0]!.object,
    ).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'app-1', labels: { app: 'app-1' } },
      spec: {
        replicas: 4,
        selector: { matchLabels: { app: 'app-1' } },
        template: {
          metadata: { labels: { app: 'app-1' } },
          spec: {
            containers: [
              { name: 'main', image: 'app:v1', resources: { requests: { cpu: '250m', memory: '1024Mi' } } },
            ],
          },
        },
      },
    });
  });

  test('requests of 0 are left out', () => {
    const { object } = arrivals('deployments', { cpu: 0, memory: 0 })[0]!;
    expect(object['spec'].template.spec.containers).toEqual([{ name: 'main', image: 'nginx:1.27' }]);
  });

  test('service: true puts a Service with the same selector before each Deployment', () => {
    const all = arrivals('deployments', { count: 2, service: true, lifetime: '5m', startAt: '10s' });
    expect(all.map(({ object }) => object.kind)).toEqual(['Service', 'Deployment', 'Service', 'Deployment']);
    expect(all[2]!.object['spec'].selector).toEqual(all[3]!.object['spec'].selector.matchLabels);
    expect(all.every(({ atUs, lifetimeUs }) => atUs === 10e6 && lifetimeUs === 300e6)).toBe(true);
  });
});

describe('poisson-deployments', () => {
  test('the number of arrivals is that of a Poisson process', () => {
    // 40 a minute for 10 h: 24,000 ± 4.5·√24,000 = ± 697 (odds of 1 in 150,000 against).
    const all = arrivals('poisson-deployments', { ratePerMin: 40 }, 3, 10 * HOUR_US);
    expect(Math.abs(all.length - 24_000)).toBeLessThan(697);
    expect(all.every(({ atUs }, index) => index === 0 || atUs >= all[index - 1]!.atUs)).toBe(true);
    expect(all.every(({ atUs }) => Number.isInteger(atUs) && atUs <= 10 * HOUR_US)).toBe(true);
  });

  test('gaps are exponential: mean, spread and the share below the mean', () => {
    const all = arrivals(
      'poisson-deployments',
      { ratePerSecond: 2, count: 50_000 },
      4,
      Number.MAX_SAFE_INTEGER,
    );
    const gaps = all.map(({ atUs }, index) => atUs - (all[index - 1]?.atUs ?? 0));
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const deviation = Math.sqrt(gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length);
    // Standard error of the mean: 0.5 s/√50,000 = 0.45 %.
    expect(Math.abs(mean / 0.5e6 - 1)).toBeLessThan(0.02);
    expect(Math.abs(deviation / mean - 1)).toBeLessThan(0.03);
    const below = gaps.filter((gap) => gap < 0.5e6).length / gaps.length;
    expect(Math.abs(below - (1 - Math.exp(-1)))).toBeLessThan(0.01);
  });

  test('startAt and count hold', () => {
    const all = arrivals('poisson-deployments', { ratePerSecond: 1, startAt: '30m', count: 5 });
    expect(all).toHaveLength(5);
    expect(all[0]!.atUs).toBeGreaterThanOrEqual(1800e6);
  });

  test('one seed, one load; another seed or use, another', () => {
    const args = { ratePerMin: 10, replicas: { lognormal: { mean: 12 } }, cpu: { exponential: { mean: 1 } } };
    expect(arrivals('poisson-deployments', args, 7)).toEqual(arrivals('poisson-deployments', args, 7));
    expect(arrivals('poisson-deployments', args, 7)).not.toEqual(arrivals('poisson-deployments', args, 8));
  });

  test('when it arrives does not depend on what it asks for (common random numbers)', () => {
    const times = (cpu: unknown): number[] =>
      arrivals('poisson-deployments', { ratePerMin: 10, cpu }).map(({ atUs }) => atUs);
    expect(times('1')).toEqual(times({ lognormal: { mean: 2 } }));
  });
});

describe('pods', () => {
  test('all at once share one object', () => {
    const all = arrivals('pods', { count: 1000, cpu: '500m' });
    expect(new Set(all.map(({ object }) => object)).size).toBe(1);
    expect(new Set(all.map(nameOf)).size).toBe(1000);
    expect(all[0]!.object['spec'].restartPolicy).toBe('Always');
  });

  test('one object a distinct request set', () => {
    const all = arrivals('pods', {
      count: 500,
      cpu: { choice: ['1', '2'] },
      memory: { choice: ['1Gi', '2Gi', '3Gi'] },
    });
    expect(new Set(all.map(({ object }) => object)).size).toBe(6);
  });

  test('even arrivals do not drift', () => {
    // Three a second: 0, 333,333, 666,667, 1,000,000 µs.
    const all = arrivals('pods', { ratePerSecond: 3, arrivals: 'even', count: 9001 });
    expect(all.slice(0, 4).map(({ atUs }) => atUs)).toEqual([0, 333_333, 666_667, 1_000_000]);
    expect(all[9000]!.atUs).toBe(3000e6);
  });

  test('run makes pods that end', () => {
    const all = arrivals('pods', { count: 20_000, run: { exponential: { mean: '1m' } } });
    expect(all[0]!.object['spec'].restartPolicy).toBe('Never');
    const mean = all.reduce((sum, { runUs }) => sum + runUs!, 0) / all.length;
    expect(Math.abs(mean / 60e6 - 1)).toBeLessThan(0.03);
  });

  test('a million arrivals are iterated without being kept', () => {
    const iterator = create('pods', { count: 1_000_000, cpu: { choice: ['1', '2'] } }).arrivals({
      rng: new Rng(1, 1),
      streams: 'workload/0',
      untilUs: HOUR_US,
    });
    let count = 0;
    const heapAt: number[] = [];
    for (let next = iterator.next(); !next.done; next = iterator.next()) {
      if (count % 100_000 === 0) heapAt.push(process.memoryUsage().heapUsed);
      count++;
    }
    expect(count).toBe(1_000_000);
    // A kept arrival is at least 100 bytes: a million would be 100 MB. Garbage that waits for its collection is less.
    expect(Math.max(...heapAt) - heapAt[0]!).toBeLessThan(64e6);
  });

  test('many distinct request sets are not kept either', () => {
    const all = arrivals('pods', {
      count: 20_000,
      cpu: { uniform: { min: '10m', max: 64 } },
      memory: { uniform: { min: '16Mi', max: '64Gi' } },
    });
    expect(new Set(all.map(({ object }) => object)).size).toBeGreaterThan(4096);
  });
});

describe('wrong arguments: every problem at once, each with its path', () => {
  test.each([
    { use: 'pods', args: {}, problems: [{ path: ['count'], says: 'is required' }] },
    { use: 'pods', args: { count: 0 }, problems: [{ path: ['count'], says: '1 or more' }] },
    { use: 'pods', args: { count: 1.5 }, problems: [{ path: ['count'], says: '1 or more' }] },
    { use: 'pods', args: { count: 1, cpus: 2 }, problems: [{ path: ['cpus'], says: 'did you mean cpu?' }] },
    {
      use: 'pods',
      args: { count: 1, zzzzzz: 2 },
      problems: [{ path: ['zzzzzz'], says: 'known are name, ' }],
    },
    {
      use: 'pods',
      args: { count: 1, arrivals: 'often' },
      problems: [{ path: ['arrivals'], says: 'poisson or even' }],
    },
    {
      use: 'pods',
      args: { ratePerSecond: '3' },
      problems: [{ path: ['ratePerSecond'], says: 'must be a number' }],
    },
    {
      use: 'pods',
      args: { ratePerSecond: 1, ratePerMin: 1 },
      problems: [{ path: ['ratePerMin'], says: 'not both' }],
    },
    {
      use: 'deployments',
      args: { service: 'yes' },
      problems: [{ path: ['service'], says: 'true or false' }],
    },
    { use: 'deployments', args: { name: 'Web_1' }, problems: [{ path: ['name'], says: 'lower case' }] },
    { use: 'deployments', args: { namespace: [] }, problems: [{ path: ['namespace'], says: '' }] },
    { use: 'deployments', args: { image: '' }, problems: [{ path: ['image'], says: 'empty' }] },
    {
      use: 'deployments',
      args: { cpu: 'lots', lifetime: { exponential: { mean: 'x' } }, replica: 3 },
      problems: [
        { path: ['replica'], says: 'did you mean replicas?' },
        { path: ['cpu'], says: 'CPU quantity' },
        { path: ['lifetime', 'exponential', 'mean'], says: 'a duration' },
      ],
    },
    { use: 'poisson-deployments', args: {}, problems: [{ path: ['ratePerMin'], says: 'above 0' }] },
    {
      use: 'poisson-deployments',
      args: { ratePerMin: -1 },
      problems: [{ path: ['ratePerMin'], says: 'negative' }],
    },
    {
      use: 'poisson-deployments',
      args: { ratePerMin: 1, startAt: 5 },
      problems: [{ path: ['startAt'], says: 'a duration' }],
    },
  ])('$use $args', ({ use, args, problems }) => {
    const result = definition(use).create(args);
    if (!('problems' in result)) throw new Error('was accepted');
    expect(result.problems.map(({ path }) => path)).toEqual(problems.map(({ path }) => path));
    for (const [index, { message }] of result.problems.entries())
      expect(message).toContain(problems[index]!.says);
  });
});

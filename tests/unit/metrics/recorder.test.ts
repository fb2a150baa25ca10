// The recorder on runs played by hand: what each table and the summary say, with the arithmetic beside it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FullSummary } from '../../../engine/metrics/full-summary.ts';
import { PodStamp } from '../../../engine/metrics/recorder.ts';
import { KeptTables, ScriptedRun } from './scripted-run.ts';

/** One pod from creation to Ready: created 0, attempt 10, scheduled 30, bound 50, started 150, ready 250, seen 300. */
function startedPod(run: ScriptedRun, pod: number, name: string): void {
  const { recorder } = run;
  const start = run.now;
  run.pod(pod, name, { ownerKind: 'ReplicaSet', owner: 'web', node: 'n1' });
  recorder.podCreated(pod);
  run.now = start + 10;
  recorder.attempt(pod);
  run.now = start + 30;
  recorder.stamp(pod, PodStamp.scheduled);
  run.now = start + 50;
  recorder.stamp(pod, PodStamp.bound);
  run.now = start + 150;
  recorder.stamp(pod, PodStamp.started);
  run.pods[pod]!.phase = 'Running';
  run.now = start + 250;
  recorder.stamp(pod, PodStamp.ready);
  run.now = start + 300;
  recorder.observedReady(pod);
}

describe('pods', () => {
  it('leave a row when they go, the others at the end in the order given', () => {
    const tables = new KeptTables();
    const run = new ScriptedRun({ sinks: [tables] });
    startedPod(run, 0, 'a');
    run.pod(1, 'b');
    run.recorder.podCreated(1);
    run.now = 400;
    run.recorder.podDeleting(0);
    run.now = 500;
    run.recorder.podGone(0);
    // The index of the first is used again.
    run.now = 600;
    run.pod(0, 'c', { phase: 'Pending', reason: 'Unschedulable' });
    run.recorder.podCreated(0);
    run.recorder.attempt(0);
    run.now = 700;
    run.recorder.attempt(0);
    run.finish([1, 0]);
    const rows = tables.named('pods');
    expect(rows.map((row) => row['pod'])).toEqual(['a', 'b', 'c']);
    expect(rows[0]).toMatchObject({
      experiment: 'e',
      variant: 'default',
      replication: 1,
      namespace: 'default',
      owner_kind: 'ReplicaSet',
      owner: 'web',
      node: 'n1',
      phase: 'Running',
      priority: 0,
      cpu_milli: 100,
      memory_bytes: 2 ** 30,
      created_s: 0,
      first_attempt_s: 10,
      scheduled_s: 30,
      bound_s: 50,
      sandbox_s: null,
      pulled_s: null,
      started_s: 150,
      ready_s: 250,
      finished_s: null,
      deleting_s: 400,
      deleted_s: 500,
      attempts: 1,
      restarts: 0,
      reason: '',
    });
    expect(rows[2]).toMatchObject({
      created_s: 600,
      first_attempt_s: 600,
      attempts: 2,
      scheduled_s: null,
      deleted_s: null,
      reason: 'Unschedulable',
    });
  });

  it('count: created = deleted + running + pending + succeeded + failed', () => {
    const run = new ScriptedRun({});
    for (let pod = 0; pod < 6; pod++) startedPod(run, pod, `p${pod}`);
    run.recorder.podFinished(2, true);
    run.pods[2]!.phase = 'Succeeded';
    run.recorder.podFinished(3, false);
    run.pods[3]!.phase = 'Failed';
    // One that succeeded and was deleted counts as deleted.
    run.recorder.podFinished(4, true);
    run.pods[4]!.phase = 'Succeeded';
    run.recorder.podGone(4);
    run.pod(6, 'waiting');
    run.recorder.podCreated(6);
    const { pods } = run.finish([0, 1, 2, 3, 5, 6], { unschedulable: 1 }).summary;
    expect(pods).toEqual({
      created: 7,
      scheduled: 6,
      started: 6,
      ready: 6,
      succeeded: 1,
      failed: 1,
      deleted: 1,
      running: 3,
      pending: 1,
      unschedulable: 1,
    });
  });

  it.each([
    ['a pod that is missing at the end', [0], /pods are lost: 2 created, 0 deleted, 1 exist/],
    ['a pod that was never created', [0, 1, 5], /never created or is gone/],
    ['a pod listed twice', [0, 1, 1], /never created or is gone/],
  ] as const)('a run with %s is our bug', (_, live, message) => {
    const run = new ScriptedRun({});
    for (const pod of [0, 1]) run.recorder.podCreated(run.pod(pod, `p${pod}`));
    expect(() => run.finish(live)).toThrow(message);
  });

  it('cannot be created where one exists, nor stamped where none does', () => {
    const run = new ScriptedRun({});
    run.recorder.podCreated(run.pod(0, 'a'));
    expect(() => run.recorder.podCreated(0)).toThrow(/while it still exists/);
    expect(() => run.recorder.stamp(1, PodStamp.bound)).toThrow(/no pod was created there/);
    run.recorder.podGone(0);
    expect(() => run.recorder.podGone(0)).toThrow(/no pod was created there/);
  });

  it('keep the first time of each stage', () => {
    const run = new ScriptedRun({});
    run.recorder.podCreated(run.pod(0, 'a'));
    run.now = 5;
    run.recorder.stamp(0, PodStamp.ready);
    run.now = 9;
    run.recorder.stamp(0, PodStamp.ready);
    expect(run.recorder.stamped(0, PodStamp.ready)).toBe(5);
    expect(run.recorder.stamped(0, PodStamp.finished)).toBeNaN();
    expect(run.recorder.podsReady).toBe(1);
  });

  it('have no stage that lies after their end', () => {
    const tables = new KeptTables();
    const run = new ScriptedRun({ sinks: [tables] });
    run.recorder.podCreated(run.pod(0, 'a'));
    run.recorder.podCreated(run.pod(1, 'b'));
    for (const pod of [0, 1]) {
      run.recorder.stamp(pod, PodStamp.scheduled);
      run.recorder.stampAt(pod, PodStamp.started, 1000 * (pod + 1));
    }
    run.now = 999;
    run.recorder.podGone(0);
    run.now = 1999;
    const { summary } = run.finish([1]);
    expect(tables.named('pods').map((row) => row['started_s'])).toEqual([null, null]);
    expect(summary.pods.started).toBe(0);
    expect(summary.latency['pod.scheduleToRun']).toBeUndefined();
  });

  it('of a dump are counted, without times and latencies', () => {
    const tables = new KeptTables();
    const run = new ScriptedRun({ sinks: [tables] });
    run.recorder.podExisted(run.pod(0, 'old', { node: 'n1', phase: 'Running' }), true);
    run.recorder.podExisted(run.pod(1, 'waiting'), false);
    expect(run.recorder.podsUnscheduled).toBe(1);
    run.now = 70;
    run.recorder.attempt(1);
    run.recorder.stamp(1, PodStamp.scheduled);
    run.recorder.observedReady(1);
    expect(run.recorder.podsUnscheduled).toBe(0);
    const { summary } = run.finish([0, 1]);
    expect(summary.pods.created).toBe(2);
    expect(summary.pods.scheduled).toBe(1);
    expect(summary.latency).toEqual({});
    expect(tables.named('pods').map((row) => row['created_s'])).toEqual([null, null]);
  });

  it('are recorded without any sink', () => {
    const run = new ScriptedRun({});
    expect(run.recorder.eventsWanted).toBe(false);
    startedPod(run, 0, 'a');
    expect(run.finish([0]).summary.pods.ready).toBe(1);
  });
});

describe('latencies', () => {
  it('derive from the stamps, in seconds', () => {
    const run = new ScriptedRun({});
    startedPod(run, 0, 'a');
    const { latency } = run.finish([0]).summary;
    const once = (seconds: number) => ({
      count: 1,
      mean: seconds,
      min: seconds,
      p50: seconds,
      p90: seconds,
      p99: seconds,
      max: seconds,
    });
    expect(latency).toEqual({
      'pod.createToSchedule': once(30e-6),
      'pod.runToReady': once(100e-6),
      'pod.scheduleToRun': once(120e-6),
      'pod.startup': once(300e-6),
    });
  });

  it('count pod.startup once a pod', () => {
    const run = new ScriptedRun({});
    startedPod(run, 0, 'a');
    run.now += 100;
    run.recorder.observedReady(0);
    expect(run.finish([0]).summary.latency['pod.startup']).toMatchObject({ count: 1, max: 300e-6 });
  });

  it('leave out what ends before warm-up is over', () => {
    // The first pod is ready at 250, seen at 300; the second starts at 300: scheduled 330, started 450, ready 550.
    const run = new ScriptedRun({ warmUpUs: 260 });
    startedPod(run, 0, 'a');
    startedPod(run, 1, 'b');
    const { latency, pods } = run.finish([0, 1]).summary;
    expect(latency['pod.createToSchedule']!.count).toBe(1);
    expect(latency['pod.runToReady']!.count).toBe(1);
    expect(latency['pod.startup']!.count).toBe(2);
    expect(pods.ready).toBe(2);
  });

  it('are what anyone computes from pods.csv', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 1, maxLength: 4 }), {
          maxLength: 20,
        }),
        fc.integer({ min: 0, max: 1e6 }),
        (pods, warmUpUs) => {
          const tables = new KeptTables(['pods']);
          const run = new ScriptedRun({ sinks: [tables], warmUpUs });
          const stages = [PodStamp.created, PodStamp.scheduled, PodStamp.started, PodStamp.ready];
          for (const [pod, delays] of pods.entries()) {
            run.now = 0;
            run.recorder.podCreated(run.pod(pod, `p${pod}`));
            let at = 0;
            for (const [i, delay] of delays.entries()) {
              at += delay;
              if (i > 0) run.recorder.stampAt(pod, stages[i]!, at);
            }
          }
          run.now = 2e6;
          const { summary } = run.finish([...pods.keys()]);
          const rows = tables.named('pods') as Record<string, number | null>[];
          const differences = (from: string, to: string) =>
            rows
              .filter((row) => row[to] !== null && row[to]! >= warmUpUs)
              .map((row) => row[to]! - row[from]!)
              .sort((a, b) => a - b);
          for (const [name, from, to] of [
            ['pod.createToSchedule', 'created_s', 'scheduled_s'],
            ['pod.scheduleToRun', 'scheduled_s', 'started_s'],
            ['pod.runToReady', 'started_s', 'ready_s'],
          ] as const) {
            const values = differences(from, to);
            const latency = summary.latency[name];
            expect(latency?.count ?? 0).toBe(values.length);
            if (latency === undefined) continue;
            expect(latency.min).toBe(values[0]! / 1e6);
            expect(latency.max).toBe(values.at(-1)! / 1e6);
            expect(latency.mean * 1e6).toBeCloseTo(values.reduce((a, b) => a + b) / values.length, 2);
          }
          expect(summary.pods.ready).toBe(rows.filter((row) => row['ready_s'] !== null).length);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('have one id per name and are left out without observations', () => {
    const run = new ScriptedRun({});
    const pull = run.recorder.latency('kubelet.pull');
    expect(run.recorder.latency('kubelet.pull')).toBe(pull);
    run.recorder.latency('kubelet.start');
    run.recorder.observe(pull, 1_500_000);
    expect(Object.keys(run.finish([]).summary.latency)).toEqual(['kubelet.pull']);
  });
});

describe('throughput', () => {
  it.each([
    // (n − 1) / (last − first)
    { scheduledUs: [0, 500_000, 1_000_000], warmUpUs: 0, rate: 2 },
    { scheduledUs: [1_000_000, 0, 4_000_000], warmUpUs: 0, rate: 0.5 },
    { scheduledUs: [0, 1_000_000, 1_250_000], warmUpUs: 1, rate: 4 },
    { scheduledUs: [5], warmUpUs: 0, rate: 0 },
    { scheduledUs: [5, 5], warmUpUs: 0, rate: 0 },
    { scheduledUs: [], warmUpUs: 0, rate: 0 },
  ])('pods scheduled at $scheduledUs µs: $rate a second', ({ scheduledUs, warmUpUs, rate }) => {
    const run = new ScriptedRun({ warmUpUs });
    for (const [pod, at] of scheduledUs.entries()) {
      run.now = 0;
      run.recorder.podCreated(run.pod(pod, `p${pod}`));
      run.now = at;
      run.recorder.stamp(pod, PodStamp.scheduled);
    }
    run.now = 5_000_000;
    expect(run.finish([...scheduledUs.keys()]).summary.throughput['scheduler.podsPerSecond']).toBe(rate);
  });
});

describe('API requests', () => {
  it('make api.csv, sorted by resource and verb, and latencies by name', () => {
    const tables = new KeptTables();
    const run = new ScriptedRun({ sinks: [tables] });
    const bind = run.recorder.requestKind('create', 'pods/binding');
    const update = run.recorder.requestKind('update', 'pods');
    const create = run.recorder.requestKind('create', 'pods');
    run.recorder.requestKind('delete', 'pods');
    expect(run.recorder.requestKind('create', 'pods')).toBe(create);
    run.recorder.request(bind, 201, 4000);
    run.recorder.request(update, 429, 100);
    run.recorder.request(update, 409, 200);
    run.recorder.request(update, 200, 300);
    run.recorder.request(update, 409, 400);
    run.recorder.request(create, 201, 1000);
    const { latency } = run.finish([]).summary;
    // update: ranks 2, 4, 4 of 100, 200, 300, 400
    expect(tables.rows.api).toEqual([
      ['e', 'default', 1, 'create', 'pods', 1, '', 0.001, 0.001, 0.001, 0.001, 'resource', 0],
      ['e', 'default', 1, 'update', 'pods', 4, '409:2 429:1', 200e-6, 400e-6, 400e-6, 400e-6, 'resource', 0],
      ['e', 'default', 1, 'create', 'pods/binding', 1, '', 0.004, 0.004, 0.004, 0.004, 'resource', 0],
    ]);
    expect(Object.keys(latency)).toEqual(['api.create.pods', 'api.create.pods/binding', 'api.update.pods']);
  });

  it('before the end of warm-up are counted, without latency', () => {
    const tables = new KeptTables(['api']);
    const run = new ScriptedRun({ sinks: [tables], warmUpUs: 10 });
    run.recorder.request(run.recorder.requestKind('get', 'pods'), 200, 5);
    expect(run.finish([]).summary.latency).toEqual({});
    expect(tables.rows.api).toEqual([
      ['e', 'default', 1, 'get', 'pods', 1, '', null, null, null, null, 'resource', 0],
    ]);
  });
});

describe('requests later than the objective', () => {
  // One object: 1 s, as slos.md of sig-scalability says; a list: 30 s. "Within" includes the limit itself.
  it.each([
    ['create', 1_000_000, 'resource', 0],
    ['create', 1_000_001, 'resource', 1],
    ['get', 29_000_000, 'resource', 1],
    ['list', 30_000_000, 'cluster', 0],
    ['list', 30_000_001, 'cluster', 1],
  ])('%s after %d µs: scope %s, %d slow', (verb, us, scope, slow) => {
    const tables = new KeptTables(['api']);
    const run = new ScriptedRun({ sinks: [tables] });
    run.recorder.request(run.recorder.requestKind(verb, 'pods'), 200, us);
    run.finish([]);
    expect(tables.rows.api![0]!.slice(-2)).toEqual([scope, slow]);
  });
});

describe('gauges, counters, nodes, Events, losses', () => {
  it('stand in the summary and in the tables', () => {
    const tables = new KeptTables();
    const run = new ScriptedRun({ sinks: [tables] });
    const { recorder } = run;
    const queue = recorder.gauge('scheduler.queue');
    recorder.gauge('never.set');
    recorder.nodeAdded(0, { name: 'n1', zone: 'a', cpuMilli: 1000, memoryBytes: 2 ** 31, podsMax: 110 });
    recorder.add(queue, 3);
    run.now = 10;
    recorder.add(queue, -2);
    recorder.nodeUsage(0, 500, 2 ** 30, 1, 1);
    recorder.count(recorder.counter('watch.events'), 5);
    recorder.count(recorder.counter('watch.events'));
    recorder.event('Warning', 'FailedScheduling', 'Pod', 'default', 'a', 2, '0/1 nodes are available');
    recorder.loss('a.yaml', 'Pod', 'spec.hostIPC', 1, 'has no effect');
    recorder.loss('a.yaml', 'Pod', 'spec.hostIPC', 2, 'has no effect');
    recorder.loss('a.yaml', 'Ingress', '', 1, 'kind not modelled');
    run.now = 40;
    const summary = run.finish([], { expect: ['pods.pending == 0', 'cpu.requested > 50%'] })
      .summary as FullSummary;
    // 3 for 10 µs, 1 for 30 µs: 60 / 40
    expect(summary.gauges['scheduler.queue']).toEqual({ mean: 1.5, peak: 3 });
    expect(summary.gauges['never.set']).toBeUndefined();
    expect(summary.counters).toEqual({ 'watch.events': 6 });
    // half of the CPU and of the memory for 30 of 40 µs
    expect(summary.utilisation).toEqual({ 'cpu.requested': 0.375, 'memory.requested': 0.375 });
    expect(summary.nodes).toEqual({ count: 1, peak: 1 });
    expect(summary.expect).toEqual([
      { text: 'pods.pending == 0', holds: true, observed: 0 },
      { text: 'cpu.requested > 50%', holds: false, observed: 0.375 },
    ]);
    expect(tables.rows.nodes).toEqual([
      ['e', 'default', 1, 'n1', 'a', 1000, 2 ** 31, 110, 0, Number.NaN, 0.375, 0.375, 0.75, 1, 1, ''],
    ]);
    expect(tables.rows.timeseries!.filter((row) => row[1] === 'scheduler.queue')).toEqual([
      [0, 'scheduler.queue', 3],
      [10, 'scheduler.queue', 1],
    ]);
    expect(tables.rows.timeseries!.filter((row) => row[1] === 'cpu.requested')).toEqual([
      [0, 'cpu.requested', 0],
      [10, 'cpu.requested', 0.5],
    ]);
    expect(tables.rows.events).toEqual([
      [10, 'Warning', 'FailedScheduling', 'Pod', 'default', 'a', 2, '0/1 nodes are available'],
    ]);
    expect(tables.rows.loss).toEqual([
      ['a.yaml', 'Ingress', '', 1, 'kind not modelled'],
      ['a.yaml', 'Pod', 'spec.hostIPC', 3, 'has no effect'],
    ]);
    expect(tables.closed!.summary).toBe(summary);
  });

  it('follow the pods that wait for a node', () => {
    const run = new ScriptedRun({});
    for (const pod of [0, 1, 2]) run.recorder.podCreated(run.pod(pod, `p${pod}`));
    run.now = 10;
    run.recorder.stamp(0, PodStamp.scheduled);
    run.recorder.stamp(0, PodStamp.bound);
    run.recorder.podGone(1);
    expect(run.recorder.podsUnscheduled).toBe(1);
    run.now = 20;
    // 3 for 10 µs, 1 for 10 µs
    const summary = run.finish([0, 2]).summary as FullSummary;
    expect(summary.gauges['pods.unscheduled']).toEqual({ mean: 2, peak: 3 });
    expect(summary.gauges['pods.existing']).toEqual({ mean: 2.5, peak: 3 });
  });
});

describe('several sinks', () => {
  it('get the tables that they asked for, and no more', () => {
    const pods = new KeptTables(['pods']);
    const both = new KeptTables(['pods', 'events']);
    const run = new ScriptedRun({ sinks: [pods, both] });
    expect(run.recorder.eventsWanted).toBe(true);
    run.recorder.podCreated(run.pod(0, 'a'));
    run.recorder.event('Normal', 'Scheduled', 'Pod', 'default', 'a', 1, '');
    run.finish([0]);
    expect(pods.rows.pods).toHaveLength(1);
    expect(pods.rows.events).toBeUndefined();
    expect(both.rows.pods).toEqual(pods.rows.pods);
    expect(both.rows.events).toHaveLength(1);
  });
});

describe('the end', () => {
  it('comes once', () => {
    const run = new ScriptedRun({});
    run.finish([]);
    expect(() => run.finish([])).toThrow(/finished twice/);
  });

  it('lets the fingerprint cover the summary', () => {
    const run = new ScriptedRun({});
    let sealed = '';
    const result = run.finish([], {
      seal: (text) => {
        sealed = text;
        return { fingerprint: 'covers', ingredients: { s: 'x' } };
      },
    });
    expect(result.summary.fingerprint).toBe('covers');
    expect(result.ingredients).toEqual({ s: 'x' });
    expect(JSON.parse(sealed)).toEqual({ ...result.summary, fingerprint: '' });
  });
});

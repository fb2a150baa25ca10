// summary.csv, the terminal tables, the printed trace, and where two files first differ.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../../engine/contracts/result.ts';
import { firstDifference } from '../../../reports/first-difference.ts';
import { flattenSummary, jsonText, summaryCsv } from '../../../reports/summary.ts';
import { grouped, humanSeconds, PendingReasons, summaryText, traceText } from '../../../reports/terminal.ts';
import { ScriptedRun } from '../metrics/scripted-run.ts';

function result(): RunResult {
  const reasons = new PendingReasons();
  const run = new ScriptedRun({
    sinks: [reasons],
    labels: { experiment: 'shop, "v2"', variant: 'b', replication: 3, seed: 9 },
  });
  const { recorder } = run;
  recorder.nodeAdded(0, { name: 'n1', zone: '', cpuMilli: 1000, memoryBytes: 1000, podsMax: 10 });
  for (let pod = 0; pod < 1500; pod++) {
    const pending = pod % 500 === 0;
    recorder.podCreated(
      run.pod(pod, `p${pod}`, pending ? { reason: '0/1 nodes are available' } : { phase: 'Running' }),
    );
  }
  run.now = 2_500_000;
  recorder.observe(recorder.latency('kubelet.pull'), 1_234_567);
  recorder.observe(recorder.latency('pod.startup'), 12_345);
  recorder.request(recorder.requestKind('create', 'pods'), 201, 900);
  recorder.loss('a.yaml', 'Pod', 'spec.hostIPC', 2, 'has no effect');
  recorder.loss('b.yaml', 'Pod', 'spec.hostIPC', 1, 'has no effect');
  return run.finish(
    Array.from({ length: 1500 }, (_, i) => i),
    { unschedulable: 3, expect: ['pods.pending == 0', 'pods.created == 1500', 'scheduler.bind.p99 < 1s'] },
  );
}

const cost = { wallSeconds: 0.5, cpuSeconds: 0.4, peakMemoryBytes: 100 * 2 ** 20, colour: false } as const;

describe('summary.csv', () => {
  it('is one row: labels first, then every number under its path', () => {
    const { summary } = result();
    const [row, ...more] = parse(summaryCsv(summary), { columns: true }) as Record<string, string>[];
    expect(more).toEqual([]);
    expect(Object.keys(row!).slice(0, 4)).toEqual(['experiment', 'variant', 'replication', 'seed']);
    expect(row).toMatchObject({
      experiment: 'shop, "v2"',
      variant: 'b',
      replication: '3',
      seed: '9',
      virtualSeconds: '2.5',
      'pods.created': '1500',
      'nodes.count': '1',
      'latency.pod.startup.p99': '0.012345',
      'latency.api.create.pods.max': '0.0009',
      'throughput.scheduler.podsPerSecond': '0',
      'utilisation.cpu.requested': '0',
      'expect.failed': '2',
      'loss.entries': '2',
    });
  });

  it('has every number of summary.json', () => {
    const { summary } = result();
    const numbers = JSON.stringify({ ...summary, expect: [], loss: [] }).match(/:-?[\d.]+/g)!.length;
    const flat = flattenSummary(summary).filter(([, value]) => typeof value === 'number');
    expect(flat.length).toBe(numbers + 2);
  });
});

describe('summaryText', () => {
  it('shows pods, latencies, nodes, expectations, losses, costs and where the files are', () => {
    const text = summaryText(result(), {
      ...cost,
      directory: 'runs/x/r01',
      pendingReasons: [['0/1 nodes are available\nmore', 3]],
    });
    expect(
      text,
    ).toBe(`shop, "v2" · b · seed 9 · 2.50 s of cluster time, until nothing but periodic work was left

pods  created  scheduled  started  ready  running  pending  succeeded  failed  deleted
        1,500          0        0      0    1,497        3          0       0        0
3 of the pending pods are unschedulable:
  3 × 0/1 nodes are available

latency       count      p50      p90      p99      max
pod.startup       1  12.3 ms  12.3 ms  12.3 ms  12.3 ms
kubelet.pull      1   1.23 s   1.23 s   1.23 s   1.23 s
1 API request by verb and resource: api.csv

cluster  nodes  peak  CPU requested  memory requested  pods scheduled/s
             1     1          0.0 %             0.0 %                 -

FAILS  pods.pending == 0  (3)
holds  pods.created == 1500  (1500)
FAILS  scheduler.bind.p99 < 1s  (nothing was observed)

not acted on (loss.csv):
  Pod spec.hostIPC (3): has no effect

cost         500 ms (400 ms CPU), 42 events, 84 events/s, 100 MiB
fingerprint  abc
results      runs/x/r01
`);
  });

  it('is coloured only when asked, with the same text', () => {
    const options = { ...cost, pendingReasons: [] };
    const plain = summaryText(result(), options);
    const coloured = summaryText(result(), { ...options, colour: true });
    expect(coloured).not.toBe(plain);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape sequences of colours are looked for
    expect(coloured.replace(/\u001b\[\d+m/g, '')).toBe(plain);
    expect(plain).not.toContain('\u001b');
  });
});

describe('PendingReasons', () => {
  it('counts pods that are pending at the end, not those deleted before', () => {
    const reasons = new PendingReasons();
    const run = new ScriptedRun({ sinks: [reasons] });
    const pods = [
      { phase: 'Pending', reason: 'no room' },
      { phase: 'Pending', reason: 'no room' },
      { phase: 'Pending', reason: 'taints' },
      { phase: 'Running', reason: 'no room' },
      { phase: 'Pending', reason: '' },
    ];
    for (const [i, pod] of pods.entries()) run.recorder.podCreated(run.pod(i, `p${i}`, pod));
    run.recorder.podCreated(run.pod(5, 'gone', { reason: 'taints' }));
    run.recorder.podGone(5);
    run.finish([0, 1, 2, 3, 4]);
    expect(reasons.sorted()).toEqual([
      ['no room', 2],
      ['taints', 1],
    ]);
  });
});

describe('PendingReasons with Events', () => {
  it('takes the last FailedScheduling message of a pod without a node', () => {
    const reasons = new PendingReasons();
    const run = new ScriptedRun({ sinks: [reasons] });
    const fail = (name: string, message: string) =>
      run.recorder.event('Warning', 'FailedScheduling', 'Pod', 'default', name, 1, message);
    run.recorder.podCreated(run.pod(0, 'a', { reason: 'Unschedulable' }));
    fail('a', '0/1 nodes are available: 1 Insufficient cpu.');
    fail('a', '0/2 nodes are available: 2 Insufficient cpu.');
    run.recorder.podCreated(run.pod(1, 'bound', { node: 'n1', reason: 'ContainerCreating' }));
    fail('bound', '0/1 nodes are available: 1 Insufficient cpu.');
    // The second pod of this name never failed.
    run.recorder.podCreated(run.pod(2, 'again'));
    fail('again', '0/1 nodes are available: 1 Insufficient cpu.');
    run.recorder.podGone(2);
    run.recorder.podCreated(run.pod(2, 'again', { reason: 'SchedulingGated' }));
    run.recorder.event('Warning', 'FailedScheduling', 'Job', 'default', 'again', 1, 'of something else');
    run.finish([0, 1, 2]);
    expect(reasons.sorted()).toEqual([
      ['0/2 nodes are available: 2 Insufficient cpu.', 1],
      ['ContainerCreating', 1],
      ['SchedulingGated', 1],
    ]);
  });
});

describe('traceText', () => {
  it('aligns columns and sorts by time, keeping the order of one instant', () => {
    const text = traceText(
      [
        { timeUs: 12_000_000, actor: 'kubelet/node-1', object: 'pod/web-1', what: 'sandbox ready' },
        { timeUs: 0, actor: 'kubectl', object: 'replicationcontroller/web', what: 'POST' },
        { timeUs: 0, actor: 'etcd', object: 'replicationcontroller/web', what: 'commit' },
      ],
      false,
    );
    expect(text).toBe(
      [
        ' 0.000000 s  kubectl         replicationcontroller/web  POST\n',
        ' 0.000000 s  etcd            replicationcontroller/web  commit\n',
        '12.000000 s  kubelet/node-1  pod/web-1                  sandbox ready\n',
      ].join(''),
    );
    expect(traceText([], false)).toBe('');
  });
});

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [0.000_012, '12.0 µs'],
    [0.001_234, '1.23 ms'],
    [0.25, '250 ms'],
    [5, '5.00 s'],
    [119.4, '119 s'],
    [120, '2 min'],
    [3600, '1 h 0 min'],
    [3661, '1 h 1 min 1 s'],
  ])('%d s is %s', (seconds, text) => {
    expect(humanSeconds(seconds)).toBe(text);
  });

  it.each([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567, '1,234,567'],
  ])('%d is %s', (count, text) => {
    expect(grouped(count)).toBe(text);
  });
});

describe('firstDifference', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kubetick-test-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function between(name: string, was: string, is: string) {
    const paths = [join(folder, `a-${name}`), join(folder, `b-${name}`)] as const;
    writeFileSync(paths[0], was);
    writeFileSync(paths[1], is);
    return firstDifference(paths[0], paths[1]);
  }

  it.each([
    ['equal.csv', 'a,b\n1,2\n', 'a,b\n1,2\n', null],
    ['cell.csv', 'a,b\n1,2\n3,4\n', 'a,b\n1,2\n3,5\n', { line: 3, column: 'b', was: '4', is: '5' }],
    ['quoted.csv', 'a,b\n"x,""y",2\n', 'a,b\n"x,""z",2\n', { line: 2, column: 'a', was: 'x,"y', is: 'x,"z' }],
    ['header.csv', 'a,b\n', 'a,c\n', { line: 1, column: 'b', was: 'b', is: 'c' }],
    ['shorter.csv', 'a,b\n1,2\n3,4\n', 'a,b\n1,2\n', { line: 3, column: '', was: '3,4', is: null }],
    ['longer.csv', 'a,b\n', 'a,b\n1,2\n', { line: 2, column: '', was: null, is: '1,2' }],
    ['empty.csv', '', 'a\n', { line: 1, column: '', was: null, is: 'a' }],
    ['cells.csv', 'a,b\n1,2\n', 'a,b\n1\n', { line: 2, column: '', was: '1,2', is: '1' }],
    [
      'value.json',
      jsonText({ a: 1, b: { c: { d: 1.5, e: 2 } } }),
      jsonText({ a: 1, b: { c: { d: 1.25, e: 2 } } }),
      { line: 5, column: 'b.c.d', was: '1.5', is: '1.25' },
    ],
    [
      'list.json',
      jsonText({ a: [{ x: 1 }, { x: 2 }] }),
      jsonText({ a: [{ x: 1 }, { x: 3 }] }),
      { line: 7, column: 'a.x', was: '2', is: '3' },
    ],
    ['blob.gz', 'abc', 'abd', { line: 1, column: '', was: 'other bytes', is: 'other bytes' }],
  ] as const)('%s', (name, was, is, difference) => {
    expect(between(name, was, is)).toEqual(difference);
  });

  it('finds a changed cell anywhere in a file of several chunks', () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => `${i},${(i * 7919) % 1000},text`);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: lines.length - 1 }), (at) => {
        const other = [...lines];
        other[at] = `${at},changed,text`;
        const was = lines[at]!.split(',')[1];
        expect(between('large.csv', `n,v,t\n${lines.join('\n')}\n`, `n,v,t\n${other.join('\n')}\n`)).toEqual({
          line: at + 2,
          column: 'v',
          was,
          is: 'changed',
        });
      }),
      { numRuns: 25 },
    );
  });
});

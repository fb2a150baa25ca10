// `kubetick report --slo` on runs of the simulator: the same numbers as the tables say, stateless and stateful pods apart,
// files for perfdash, verdicts and exit codes.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../cli/program.ts';
import type { SloItem, SloRun } from '../../../reports/slo/items.ts';
import type { SloVariant } from '../../../reports/slo/variants.ts';

/** Three pods of a Deployment with volumes that make no state, two of a StatefulSet with a claim each. */
const MANIFESTS = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {}}
    spec:
      containers: [{name: c, image: "web:1"}]
      volumes: [{name: a, emptyDir: {}}, {name: b, configMap: {name: c}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: c, image: "db:1"}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, storageClassName: standard}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: standard}
provisioner: ebs.csi.aws.com
volumeBindingMode: WaitForFirstConsumer
`;

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);

async function kubetick(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(args, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
  });
  return { code, out, err };
}

interface Report {
  readonly runs: readonly SloRun[];
  readonly variants: readonly SloVariant[];
}

async function report(...args: string[]): Promise<Report> {
  const { code, out, err } = await kubetick('report', ...args, '--slo', '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Report;
}

const item = ({ items }: SloRun, measurement: string, metric: string): SloItem =>
  items.find((one) => one.measurement === measurement && one.metric === metric)!;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-slo-'));
  writeFileSync(at('m.yaml'), MANIFESTS);
  // Pods of the same Deployment whose containers take 6 s to start.
  writeFileSync(
    at('slow.yaml'),
    MANIFESTS.replace('annotations: {}', 'annotations: {kubetick.io/start-delay-ms: "6000"}'),
  );
  const run = async (file: string, out: string, ...more: string[]): Promise<void> => {
    const { code, err } = await kubetick('run', at(file), '--out', at(out), '--quiet', ...more);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  };
  await run('m.yaml', 'one');
  await run('m.yaml', 'parquet', '--format', 'parquet');
  await run('slow.yaml', 'slow');
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the numbers', () => {
  it('are those of pods.csv and api.csv', async () => {
    const [run] = (await report(at('one'))).runs;
    const pods = parse(readFileSync(at('one/pods.csv')), { columns: true }) as Record<string, string>[];
    expect(pods.map(({ owner_kind, stateful }) => `${owner_kind} ${stateful}`).sort()).toEqual([
      'ReplicaSet 0',
      'ReplicaSet 0',
      'ReplicaSet 0',
      'StatefulSet 1',
      'StatefulSet 1',
    ]);
    const ms = pods
      .map((pod) => Math.round((Number(pod['running_s']) - Number(pod['created_s'])) * 1e6) / 1e3)
      .sort((a, b) => a - b);
    // Of 5 pods: ranks 3, 5 and 5.
    expect(item(run!, 'PodStartupLatency', 'pod_startup')).toMatchObject({
      count: 5,
      data: { Perc50: ms[2], Perc90: ms[4], Perc99: ms[4], Max: ms[4] },
    });
    expect(item(run!, 'StatelessPodStartupLatency', 'pod_startup').count).toBe(3);
    expect(item(run!, 'StatefulPodStartupLatency', 'pod_startup').count).toBe(2);
    const api = parse(readFileSync(at('one/api.csv')), { columns: true }) as Record<string, string>[];
    const bind = api.find(({ resource }) => resource === 'pods/binding')!;
    const call = item(run!, 'APIResponsivenessPrometheus', 'POST pods/binding');
    expect([call.count, call.data['Perc99']]).toEqual([
      Number(bind['count']),
      Math.round(Number(bind['p99_s']) * 1e6) / 1e3,
    ]);
    expect(call.labels).toMatchObject({ Scope: 'resource', Count: '5', SlowCount: '0' });
  });

  it('are the same from Parquet', async () => {
    expect((await report(at('parquet'))).runs).toEqual((await report(at('one'))).runs);
  });

  it('images do not count for the official objective, and readiness plays no part', async () => {
    const [run] = (await report(at('one'))).runs;
    const whole = item(run!, 'StatelessPodStartupLatency', 'pod_startup');
    const slo = item(run!, 'StatelessPodStartupLatency', 'pod_startup_slo');
    // Every pod pulls web:1 or waits for that pull.
    expect(slo.data['Perc50']!).toBeLessThan(whole.data['Perc50']!);
    expect(slo.count).toBe(3);
  });
});

describe('verdicts', () => {
  it('--fail: exit 3 when an official objective is missed, and which', async () => {
    const missed = await kubetick('report', at('slow'), '--slo', '--fail');
    expect(missed.code).toBe(3);
    expect(missed.err).toBe('SLO missed: default: StatelessPodStartupLatency pod_startup_slo\n');
    // Without the option the table says it, and that is all.
    const told = await kubetick('report', at('slow'), '--slo');
    expect([told.code, told.err]).toEqual([0, '']);
    expect(told.out).toMatch(/pod_startup_slo +│.*p99 ≤ 5\.00 s \(SLO\) +│ missed/);
    expect((await kubetick('report', at('one'), '--slo', '--fail')).code).toBe(0);
  });

  it('the table: measurements, limits, and what was not tested upstream', async () => {
    const { out } = await kubetick('report', at('one'), '--slo');
    expect(out.split('\n')[0]).toMatch(/^m default: SLO: \d+ met; ClusterLoader2: /);
    expect(out).toContain('not judged: never 100 pods waited in one second');
    expect(out).toContain('within the limits that Kubernetes is tested for');
    expect(out).not.toContain('NaN');
  });

  it('beside the page, with the JSON alone on standard output', async () => {
    const page = at('page.html');
    const { code, out, err } = await kubetick('report', at('one'), '--html', page, '--slo', '--json');
    expect([code, err]).toEqual([0, `${page}\n`]);
    expect(Object.keys(JSON.parse(out) as object)).toEqual(['runs', 'variants']);
    expect(readFileSync(page, 'utf8')).toContain('<html');
  });

  it('two runs of one name are two variants', async () => {
    const { variants } = await report(at('one'), at('slow'));
    expect(variants.map(({ replications }) => replications)).toEqual([1, 1]);
  });
});

describe('--perfdash', () => {
  it('one run: the files of a report directory, the same at every repeat', async () => {
    const files = (): [string, string][] =>
      readdirSync(at('perf'))
        .sort()
        .map((name) => [name, readFileSync(at('perf', name), 'utf8')]);
    expect(
      (await kubetick('report', at('one'), '--slo', '--perfdash', at('perf'), '--test', 'load')).code,
    ).toBe(0);
    const first = files();
    expect(first.map(([name]) => name.replace(/_2026-01-01T00:\d\d:\d\dZ\.json$/, ''))).toEqual([
      'APIResponsivenessPrometheus_simple_load',
      'PodStartupLatency_PodStartupLatency_load',
      'SchedulingThroughput_load',
      'StatefulPodStartupLatency_PodStartupLatency_load',
      'StatelessPodStartupLatency_PodStartupLatency_load',
    ]);
    await kubetick('report', at('one'), '--slo', '--perfdash', at('perf'), '--test', 'load');
    expect(files()).toEqual(first);
  });

  it('several: a job a variant, a build a replication', async () => {
    await kubetick('report', at('one'), at('slow'), '--slo', '--perfdash', at('jobs'));
    const jobs = readdirSync(at('jobs')).sort();
    expect(jobs).toHaveLength(2);
    for (const job of jobs) expect(readdirSync(at('jobs', job))).toEqual(['1']);
    expect(
      readdirSync(at('jobs', jobs[0]!, '1/artifacts')).some((name) => name.includes('PodStartupLatency_m_')),
    ).toBe(true);
  });
});

describe('refused: exit 2, nothing written', () => {
  it.each([
    ['no such directory', ['nope', '--slo'], 'E4006'],
    [
      'a name that perfdash would cut',
      ['one', '--slo', '--perfdash', 'p2', '--test', 'a_b'],
      'E1003 --test\n  found "a_b"',
    ],
    ['a name without files', ['one', '--slo', '--test', 'a'], 'E1005 --test'],
    ['files without the report', ['one', '--perfdash', 'p2'], 'E1005 --perfdash'],
    ['a failure without the report', ['one', '--fail'], 'E1005 --fail'],
    ['a file where a directory should be', ['one', '--slo', '--perfdash', 'm.yaml'], 'E4002'],
  ])('%s', async (_, [run, ...rest], text) => {
    const args = rest.map((word) => (word === 'p2' || word === 'm.yaml' ? at(word) : word));
    const { code, out, err } = await kubetick('report', at(run!), ...args);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(text);
    expect(readdirSync(folder)).not.toContain('p2');
  });
});

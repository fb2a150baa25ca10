// Every example through the program, and what each file of its result says of the others: counts, latencies and requests
// must agree wherever they can be computed twice.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, runProgram, seconds } from './program.ts';

const examples = ['', 'plugins/'].flatMap((folder) =>
  readdirSync(join(root, 'examples', folder))
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => folder + name),
);

it('there are examples', () => expect(examples.length).toBeGreaterThanOrEqual(5));

describe.each(examples)('%s', (name) => {
  const path = join(root, 'examples', name);

  it('runs as it stands, its expectations hold, and its tables agree', { timeout: 120_000 }, async () => {
    await runProgram([path], ({ code, stdout, stderr, files, summary: read, table }) => {
      expect(stderr).toBe('');
      expect(code).toBe(0);
      expect(stdout).toContain('fingerprint');
      expect(files).toEqual(
        expect.arrayContaining(['r01/manifest.json', 'r01/summary.csv', 'r01/timing.json']),
      );
      const summary = read();
      expect(summary.expect.every((e) => e.holds)).toBe(true);
      const pods = table('pods');
      const count = (phase: string): number =>
        pods.filter((p) => p['deleted_s'] === '' && p['phase'] === phase).length;
      expect(pods).toHaveLength(summary.pods.created);
      expect(summary.pods).toMatchObject({
        deleted: pods.filter((p) => p['deleted_s'] !== '').length,
        running: count('Running'),
        pending: count('Pending'),
        succeeded: count('Succeeded'),
        failed: count('Failed'),
      });
      // Stages of a life in their order.
      const stages = [
        'created',
        'first_attempt',
        'scheduled',
        'bound',
        'sandbox',
        'pulled',
        'started',
        'ready',
      ];
      for (const p of pods) {
        const times = stages.map((stage) => seconds(p, `${stage}_s`)).filter((t) => !Number.isNaN(t));
        expect(times, p['pod']).toEqual([...times].sort((a, b) => a - b));
        expect(p['node'] === '', p['pod']).toBe(p['phase'] === 'Pending' && p['bound_s'] === '');
      }
      // Nodes never hold more pods than they may, and every bound pod was counted once.
      const nodes = table('nodes');
      expect(nodes).toHaveLength(summary.nodes.count);
      for (const n of nodes) expect(Number(n['pods_peak'])).toBeLessThanOrEqual(Number(n['pods_max']));
      const bound = pods.filter((p) => p['node'] !== '' && p['created_s'] !== '').length;
      const existed = pods.filter((p) => p['created_s'] === '').length;
      const total = nodes.reduce((sum, n) => sum + Number(n['pods_total']), 0);
      expect([bound, bound + existed]).toContain(total);
      // A binding a scheduled pod, a creation a pod that was not there before, an Event row a written Event.
      const api = new Map(table('api').map((row) => [`${row['verb']} ${row['resource']}`, row]));
      const answered = (kind: string): number => {
        const row = api.get(kind);
        const errors = [...(row?.['errors'] ?? '').matchAll(/:(\d+)/g)].reduce(
          (sum, m) => sum + Number(m[1]),
          0,
        );
        return Number(row?.['count'] ?? 0) - errors;
      };
      expect(answered('create pods')).toBe(pods.length - existed);
      expect(answered('create pods/binding')).toBe(pods.filter((p) => p['bound_s'] !== '').length);
      expect(answered('create events') + answered('patch events')).toBe(table('events').length);
      // Latencies computed again from pods.csv.
      const warmUp = name === 'poisson.yaml' || name === 'sweep.yaml';
      const gaps = pods
        .map((p) => seconds(p, 'scheduled_s') - seconds(p, 'created_s'))
        .filter((gap) => !Number.isNaN(gap));
      const told = summary.latency['pod.createToSchedule'];
      if (!warmUp && gaps.length > 0) {
        expect(told!.count).toBe(gaps.length);
        expect(told!.max).toBeCloseTo(Math.max(...gaps), 5);
        expect(told!.mean).toBeCloseTo(gaps.reduce((a, b) => a + b, 0) / gaps.length, 5);
      }
    });
  });
});

it('the flow of a ReplicationController and its Service, hop by hop from kubectl to kube-proxy', async () => {
  const path = join(root, 'examples/replication-controller.yaml');
  await runProgram([path, '--trace', 'rc/web'], ({ code, stdout }) => {
    expect(code).toBe(0);
    const lines = stdout.split('\n').filter((line) => /^\d+\.\d{6} s /.test(line));
    const first = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
    const chain = [
      /kubectl .*sends POST ReplicationController/,
      /kube-apiserver .*create replicationcontrollers from kubectl/,
      /etcd .*create replicationcontrollers/,
      /kube-controller-manager .*watch: ADDED/,
      /kube-apiserver .*create pods from replication-controller/,
      /etcd .*create pods/,
      /kube-scheduler .*pod\/web-/,
      /kube-apiserver .*create pods\/binding from kube-scheduler/,
      /kubelet\/node-\d .*syncs the pod/,
      /kubelet\/node-\d .*sandbox and network ready/,
      /kubelet\/node-\d .*pulls image/,
      /kubelet\/node-\d .*container .* started/,
      /kubelet\/node-\d .*status: Running/,
      /kubelet\/node-\d .*status: Ready/,
      /kube-apiserver .*endpointslices from endpointslice-controller/,
      /kube-proxy\/node-\d .*rules programmed: .* -> 10\.244\./,
    ].map(first);
    expect(chain.filter((at) => at < 0)).toEqual([]);
    // Times never go back.
    const times = lines.map((line) => Number.parseFloat(line));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(chain.slice(0, 13)).toEqual([...chain.slice(0, 13)].sort((a, b) => a - b));
  });
});

// Manifests of real projects through the program: it accepts or refuses them, and never fails by itself. The data lies
// beside the project; without it the tests are skipped, and say so.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../engine/kinds/kind.ts';
import { loadScenario } from '../../experiments/load.ts';
import { endpointProblems, observe } from '../property/simulation/observer.ts';
import { runProgram, seconds, shared } from './program.ts';

const folder = join(shared, 'data/k8s-manifests');
const present = existsSync(folder);
const projects = present
  ? readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
  : ['none: ../shared/data/k8s-manifests is not there'];

describe.skipIf(!present).each(projects)('%s', (project) => {
  const path = join(folder, project);

  it('is run or refused as it stands', { timeout: 60_000 }, async () => {
    await runProgram([path, '--until', '20s', '--json'], ({ code, stderr, files }) => {
      expect([0, 2], stderr.slice(0, 500)).toContain(code);
      expect(stderr).not.toContain('internal error');
      // Refused: told why, and nothing is written.
      if (code === 2) expect([stderr === '', files]).toEqual([false, []]);
    });
  });

  it('runs without what is invalid; the loss report says what was left out', {
    timeout: 60_000,
  }, async () => {
    await runProgram([path, '--skip-invalid', '--until', '20s'], ({ code, stderr, summary, table }) => {
      expect(code, stderr.slice(0, 500)).toBe(0);
      const { pods, virtualSeconds } = summary();
      expect(virtualSeconds).toBeLessThanOrEqual(20);
      expect(pods.created).toBe(pods.deleted + pods.running + pods.pending + pods.succeeded + pods.failed);
      expect(table('pods')).toHaveLength(pods.created);
      for (const row of table('loss')) expect(Number(row['count'])).toBeGreaterThan(0);
    });
  });
});

const demo = join(folder, 'microservices-demo');
// The whole release where it is there, else its kustomize base: eight Deployments in seven files.
const release = join(demo, 'release/kubernetes-manifests.yaml');
const demoPath = existsSync(release) ? release : join(demo, 'kustomize/base');

describe.skipIf(!existsSync(demoPath))(
  'microservices-demo (skipped without ../shared/data/k8s-manifests)',
  () => {
    it('comes up: every pod Ready, every Service with endpoints', { timeout: 60_000 }, async () => {
      const args = [demoPath, '--nodes', '4', '--until', '10m', '--trace', 'service/cartservice'];
      await runProgram(args, ({ code, stdout, summary, table }) => {
        expect(code).toBe(0);
        const { pods, latency } = summary();
        const wanted = demoPath === release ? 12 : 8;
        expect(pods).toMatchObject({ created: wanted, ready: wanted, running: wanted, pending: 0 });
        for (const row of table('pods')) expect(seconds(row, 'ready_s'), row['pod']).toBeGreaterThan(0);
        expect(latency['pod.startup']!.max).toBeLessThan(120);
        // cartservice listens on 7070; its rule ends at an address of a pod.
        expect(stdout).toMatch(/rules programmed: 10\.96\.\d+\.\d+:7070 -> 10\.244\.\d+\.\d+:7070/);
      });
    });

    it('each Service has the ready endpoints of its pods', { timeout: 60_000 }, async () => {
      const { scenario } = await loadScenario([demoPath], { nodes: 4, until: '10m' });
      const { run, problems } = observe(scenario);
      expect([...problems, ...endpointProblems(run)]).toEqual([]);
      const { objects } = run.state;
      const services = [...objects.kind('Service').ids.keys()];
      expect(services.length).toBeGreaterThanOrEqual(demoPath === release ? 12 : 8);
      const slices: Json[] = [...objects.kind('EndpointSlice').ids.values()].map((id) => objects.get(id));
      for (const service of services) {
        const name = service.split('/')[1];
        const ready = slices
          .filter((slice) => slice.metadata.labels['kubernetes.io/service-name'] === name)
          .flatMap((slice) => slice.endpoints ?? [])
          .filter((endpoint: Json) => endpoint.conditions.ready);
        expect(ready.length, service).toBeGreaterThan(0);
      }
    });
  },
);

// The timeline of a run: it changes nothing, it says how the steps went, and a scenario file ends as its header says.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { loadScenario } from '../../../experiments/load.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import { TimelineFile } from '../../../experiments/timeline-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'timeline-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const workload = (kind: string, name: string, image = 'app:v1'): string => `---
apiVersion: apps/v1
kind: ${kind}
metadata: {name: ${name}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: c, image: '${image}'}]}
`;

async function run(steps: string, documents: string, end = '{idleMs: 3000, minMs: 0, maxMs: 60000}') {
  const file = join(folder, 's.yaml');
  writeFileSync(
    file,
    `scenario: demo\ncluster: {nodes: [{name: n1}, {name: n2}]}\nend: ${end}\nsteps:\n${steps}${documents}`,
  );
  const { scenario } = await loadScenario([file]);
  let timeline: Timeline | undefined;
  const result = simulateBuiltIn(scenario, { timeline: (told) => (timeline = told) });
  return { scenario, result, timeline: timeline! };
}

it('leaves the run as it is, event for event', async () => {
  const { scenario, result } = await run(
    '- {t: 0, do: create, ref: Deployment/web}\n',
    workload('Deployment', 'web'),
  );
  const plain = simulateBuiltIn(scenario, {});
  expect(plain.summary).toEqual(result.summary);
  expect(plain.ingredients).toEqual(result.ingredients);
});

it('tells the answers to steps: picked pods, refusals, commands that only look', async () => {
  const { timeline } = await run(
    `- {t: 0, do: create, ref: ReplicaSet/web}
- {t: 2000, do: delete-pod, selector: app=web, nth: 1}
- {t: 3000, do: delete-pod, selector: app=web, nth: 5}
- {t: 4000, do: create, ref: ReplicaSet/web}
- {t: 5000, do: kubectl, args: [get, pods]}
`,
    workload('ReplicaSet', 'web'),
  );
  expect(timeline.steps).toMatchObject([
    { do: 'create', code: 201, sent: 0 },
    { do: 'delete-pod', code: 200, sent: 2000, picked: 'ReplicaSet/web/pod#2' },
    { do: 'delete-pod', code: 404 },
    { do: 'create', code: 409, status: { reason: 'AlreadyExists' } },
    { do: 'kubectl', exit: 0 },
  ]);
});

it('kubelets of a scenario take exact times: 1 s to start, ready at once, 200 ms to stop', async () => {
  const { timeline } = await run(
    '- {t: 0, do: create, ref: ReplicaSet/web}\n- {t: 4000, do: scale, ref: ReplicaSet/web, replicas: 0}\n',
    workload('ReplicaSet', 'web'),
  );
  const at = (w: string): number => [...timeline.transitions].find((row) => row.w === w && row.v === 1)!.t;
  // Watch 1 ms before, status PATCH 4.95 ms after (0.75 network, 2.9 handler, 1.2 etcd, 0.1 its way); two pods share the
  // server, so a few ms more.
  for (const [from, to, ms] of [
    ['pods.scheduled', 'pods.running', 1000],
    ['pods.deleting', 'pods.succeeded', 200],
  ] as const) {
    expect(at(to) - at(from)).toBeGreaterThan(ms + 4);
    expect(at(to) - at(from)).toBeLessThan(ms + 15);
  }
  expect(at('pods.ready')).toBe(at('pods.running'));
  expect(at('pods.gone')).toBeGreaterThan(at('pods.succeeded'));
});

it.each([
  // Last change at about 1 s, the step at 0: 1 s + 3 s.
  ['{idleMs: 3000, minMs: 0, maxMs: 60000}', 4, 4.1],
  ['{idleMs: 3000, minMs: 20000, maxMs: 60000}', 20, 20],
  ['{idleMs: 9000, minMs: 0, maxMs: 2000}', 2, 2],
])('ends at %s', async (end, from, to) => {
  const { result } = await run(
    '- {t: 0, do: create, ref: ReplicaSet/web}\n',
    workload('ReplicaSet', 'web'),
    end,
  );
  expect(result.summary.virtualSeconds).toBeGreaterThanOrEqual(from);
  expect(result.summary.virtualSeconds).toBeLessThanOrEqual(to);
});

it('rollout undo goes back to the template before; the old ReplicaSet gets the next revision', async () => {
  const patch = '{spec: {template: {spec: {containers: [{name: c, image: "app:v2"}]}}}}';
  const { timeline } = await run(
    `- {t: 0, do: create, ref: Deployment/web}
- {t: 5000, do: patch, ref: Deployment/web, type: strategic, body: ${patch}}
- {t: 10000, do: kubectl, args: [rollout, undo, deployment/web]}
- {t: 15000, do: kubectl, args: [rollout, undo, deployment, web, --to-revision=7]}
- {t: 16000, do: kubectl, args: [scale, deploy, web, --replicas=3]}
- {t: 17000, do: kubectl, args: [rollout, pause, deploy, web]}
`,
    workload('Deployment', 'web'),
  );
  expect(timeline.final['Deployment/web']).toMatchObject({ revision: '3' });
  expect(timeline.final['Deployment/web/rs#1']).toMatchObject({ revision: '3', 'spec.replicas': 3 });
  expect(timeline.final['Deployment/web']).toMatchObject({
    'condition.Progressing': 'Unknown:DeploymentPaused',
  });
  expect(timeline.final['Deployment/web/rs#2']).toMatchObject({ revision: '2', 'spec.replicas': 0 });
  expect(timeline.steps.map((step) => step['exit'])).toEqual([undefined, undefined, 0, 1, 0, 0]);
});

it('the file holds one row a line and appears when it is whole', async () => {
  const { timeline } = await run(
    '- {t: 0, do: create, ref: ReplicaSet/web}\n',
    workload('ReplicaSet', 'web'),
  );
  const path = join(folder, 'timeline.json');
  const file = new TimelineFile(path);
  file.write(timeline);
  expect(readdirSync(folder)).not.toContain('timeline.json');
  file.finish();
  const text = readFileSync(path, 'utf8');
  const rows = [...timeline.transitions];
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify({ ...timeline, transitions: rows })));
  expect(Object.keys(JSON.parse(text))).toEqual([
    'scenario',
    'steps',
    'transitions',
    'events',
    'final',
    'envelope',
  ]);
  expect(text.split('\n').filter((line) => line.startsWith(' {"o":"ReplicaSet/web","w":'))).toHaveLength(
    rows.filter((row) => row.o === 'ReplicaSet/web').length,
  );
  expect(readdirSync(folder).sort()).toEqual(['s.yaml', 'timeline.json']);
  expect(() => new TimelineFile(join(folder, 'nowhere', 'timeline.json'))).toThrow(/cannot write/);
});

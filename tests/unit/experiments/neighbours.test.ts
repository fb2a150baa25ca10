// `parallel: N` of a scenario file: N scenarios of its kind in one cluster share the controllers' clients, each on nodes
// of its own; only the scenario itself is told.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import { loadScenario } from '../../../experiments/load.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'neighbours-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const REPLICA_SET = `---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web}
spec:
  replicas: 16
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: 'app:v1', resources: {requests: {cpu: 100m}}}]}
`;
const CREATE = '- {t: 500, do: create, ref: ReplicaSet/web}\n';

async function load(header: string, steps = CREATE, idleMs = 3000) {
  const file = join(folder, 's.yaml');
  const nodes = '[{name: n1, zone: a}, {name: n2, zone: b}]';
  writeFileSync(
    file,
    `scenario: demo\ncluster: {nodes: ${nodes}}\nend: {idleMs: ${idleMs}}\n${header}\nsteps:\n${steps}${REPLICA_SET}`,
  );
  return (await loadScenario([file])).scenario;
}

async function tell(header: string) {
  const scenario = await load(header);
  let told: Timeline | undefined;
  const result = simulateBuiltIn(scenario, { timeline: (timeline) => (told = timeline) });
  return { scenario, result, timeline: told!, rows: [...told!.transitions] };
}

describe('a scenario with `parallel: 3`', () => {
  it('is the one in the middle of three, half a second apart, each with nodes, zones and a namespace of its own', async () => {
    const { nodes, steps, frame } = await load('parallel: 3');
    expect(frame!.neighbours).toEqual(['beside-1-demo', 'beside-2-demo']);
    expect(frame!.originUs).toBe(500_000);
    expect(
      steps.map(({ atUs, ordinal, objects }) => [atUs, ordinal, objects[0]!.object.metadata.namespace]),
    ).toEqual([
      [500_000, undefined, 'beside-1-demo'],
      [1_000_000, 0, 'demo'],
      [1_500_000, undefined, 'beside-2-demo'],
    ]);
    expect(nodes.map(({ names, zones }) => [names![0], zones[0]])).toEqual([
      ['demo-n1', 'a'],
      ['demo-n2', 'b'],
      ['beside-1-demo-n1', 'beside-1-demo-a'],
      ['beside-1-demo-n2', 'beside-1-demo-b'],
      ['beside-2-demo-n1', 'beside-2-demo-a'],
      ['beside-2-demo-n2', 'beside-2-demo-b'],
    ]);
    const selectors = steps.map(({ objects }) => objects[0]!.object['spec'].template.spec.nodeSelector);
    expect(selectors).toEqual(
      ['beside-1-demo', 'demo', 'beside-2-demo'].map((name) => ({ 'kubetick.io/scenario': name })),
    );
  });

  it('tells nothing of its neighbours, and keeps to its own nodes', async () => {
    const { timeline, rows } = await tell('parallel: 3');
    const names = [
      ...rows.map(({ o }) => o),
      ...timeline.events.map(({ o }) => o),
      ...Object.keys(timeline.final),
      ...Object.keys(timeline.envelope),
    ];
    expect(names.filter((o) => !/^(ReplicaSet\/web|Node\/n[12])/.test(o))).toEqual([]);
    expect(new Set(rows.flatMap(({ node }) => (node === undefined ? [] : [node])))).toEqual(
      new Set(['n1', 'n2']),
    );
    expect(timeline.steps).toMatchObject([{ t: 500, code: 201 }]);
    expect(timeline.envelope['ReplicaSet/web']!.all.max).toBe(16);
  });

  it('waits for the controller’s tokens: 3 × 16 pods and their Events exceed a burst of 30', async () => {
    const last = async (header: string): Promise<number> => {
      const { rows } = await tell(header);
      return rows.find(({ w, v }) => w === 'pods.created' && v === 16)!.t;
    };
    // Alone: 16 creations and 2 to 14 Events by then, about the burst. Behind 16 pods and 16 Events of the one that
    // began half a second before, which leave 30 - 32 + 20 × 0.5 = 8 tokens, the 16th waits for eight more at 20/s.
    expect(await last('exclusive: true')).toBeLessThan(800);
    expect(await last('parallel: 3')).toBeGreaterThan(900);
  });

  it('may delete its namespace: the copies delete theirs', async () => {
    const scenario = await load('parallel: 2', `${CREATE}- {t: 2000, do: delete-namespace}\n`, 9000);
    let told: Timeline | undefined;
    simulateBuiltIn(scenario, { timeline: (timeline) => (told = timeline) });
    expect([...told!.transitions].filter(({ w }) => w === 'gone').map(({ o }) => o)).toContain('Namespace');
  });

  it('ends when nothing of its own has changed for idleMs, and is the same run when nobody is told', async () => {
    const { scenario, result, rows } = await tell('parallel: 3');
    const lastMs = Math.max(...rows.map(({ t }) => t));
    expect(result.summary.virtualSeconds).toBeLessThan(0.5 + (lastMs + 3000) / 1000 + 1.5);
    const plain = simulateBuiltIn(scenario, {});
    expect(plain.ingredients).toEqual(result.ingredients);
  });
});

describe('a scenario is run alone', () => {
  it.each([
    ['that says nothing of others', '', CREATE],
    ['that had the control plane for itself', 'parallel: 3\nexclusive: true', CREATE],
    ['that begins at a second of the minute', 'parallel: 3\nsecondOfMinute: 50', CREATE],
    ['that stops a node', 'parallel: 3', `${CREATE}- {t: 2000, do: stop-node, node: n1}\n`],
    ['that drains one', 'parallel: 3', `${CREATE}- {t: 2000, do: kubectl, args: [cordon, demo-n1]}\n`],
  ])('%s', async (_, header, steps) => {
    const { nodes, frame, loss } = await load(header, steps);
    expect(nodes).toHaveLength(2);
    expect(frame!.neighbours).toBeUndefined();
    expect(loss.filter(({ field }) => field === 'parallel')).toHaveLength(header === '' ? 0 : 1);
  });

  it('where the number makes no sense it is refused', async () => {
    await expect(load('parallel: 0')).rejects.toThrow(/E3002 expected number to be >=1/);
  });
});

// Nodes of an Experiment as Node objects: what `cluster.nodes` may say of them beyond CPU and memory.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { loadScenario } from '../../../experiments/load.ts';
import { UserError } from '../../../experiments/problems.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubetick-nodes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function nodeWith(resources: string) {
  const file = join(folder, 'e.yaml');
  const nodes = `[{count: 2, cpu: 8, resources: ${resources}}]`;
  writeFileSync(
    file,
    `apiVersion: kubetick.io/v1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  cluster: {nodes: ${nodes}}\n  time: {run: 1m}\n`,
  );
  return (await loadScenario([file], {})).scenario.nodes[0]!.object;
}

test('extended resources stand in capacity and allocatable beside the others', async () => {
  const { status } = await nodeWith('{nvidia.com/gpu: 8}');
  const expected = { cpu: '8', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '8' };
  expect(status).toMatchObject({ capacity: expected, allocatable: expected });
});

test.each([
  ['a name without domain', '{gpu: 8}', /DOMAIN\/NAME/],
  ['an amount that is no quantity', '{nvidia.com/gpu: many}', /quantity/],
])('%s is refused', async (_, resources, text) => {
  const error = await nodeWith(resources).catch((refused: unknown) => refused);
  expect(error).toBeInstanceOf(UserError);
  expect(JSON.stringify((error as UserError).problems)).toMatch(text);
});

// A page of a million pods: below 2 MB, in bounded memory. Here the tables are made, row by row, in the form that a run
// leaves (`KUBETICK_LARGE=1` simulates a million pods instead, which takes minutes).
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../cli/program.ts';
import { type Cell, NODES_TABLE, PODS_TABLE, type TableSpec } from '../../engine/contracts/tables.ts';
import { CsvRows } from '../../reports/csv-rows.ts';
import { root } from './program.ts';

const PAGE_MAX = 2_000_000;
/** Of V8's old space: a string for each pod alone would take more. */
const HEAP_MIB = 96;
const LARGE = process.env['KUBETICK_LARGE'] === '1';

const folder = mkdtempSync(join(tmpdir(), 'kubetick-large-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `kubetick report` in a process of its own, with little memory. */
function report(directory: string): { bytes: number; page: string } {
  const file = join(folder, 'page.html');
  execFileSync(
    process.execPath,
    [
      `--max-old-space-size=${HEAP_MIB}`,
      '--import',
      'tsx',
      'cli/main.ts',
      'report',
      directory,
      '--html',
      file,
    ],
    { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  return { bytes: statSync(file).size, page: readFileSync(file, 'utf8') };
}

async function kubetick(...argv: string[]): Promise<void> {
  let stderr = '';
  const code = await main(argv, {
    stdout: { write: () => true },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
}

const SMALL = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: large }
spec:
  cluster: { nodes: [{ count: 1 }] }
  workload: { generators: [{ use: pods, count: 2 }] }
  time: { run: 1m }
`;

/** Rows of a table, written as a run writes them. */
function table(
  path: string,
  spec: TableSpec,
  rows: number,
  cells: (i: number) => Record<string, Cell>,
): void {
  const descriptor = openSync(path, 'w');
  const writer = new CsvRows(spec, (bytes) => writeSync(descriptor, bytes));
  const names = spec.columns.map(({ name }) => name);
  for (let i = 0; i < rows; i++) {
    const row = cells(i);
    writer.row(names.map((name) => row[name] ?? null));
  }
  writer.flush();
  closeSync(descriptor);
}

describe.skipIf(LARGE)('a million rows', () => {
  const PODS = 1_000_000;
  const NODES = 20_000;
  const END_S = 36_000;
  const directory = join(folder, 'made');

  beforeAll(async () => {
    writeFileSync(join(folder, 'small.yaml'), SMALL);
    await kubetick('run', join(folder, 'small.yaml'), '--out', directory, '--quiet');
    const summary = JSON.parse(readFileSync(join(directory, 'summary.json'), 'utf8'));
    writeFileSync(join(directory, 'summary.json'), JSON.stringify({ ...summary, virtualSeconds: END_S }));
    const S = 1_000_000;
    table(join(directory, 'nodes.csv'), NODES_TABLE, NODES, (i) => ({
      node: `node-${i + 1}`,
      zone: `zone-${i % 3}`,
      cpu_milli: 64_000,
      memory_bytes: 2 ** 38,
      pods_max: 110,
      added_s: 0,
    }));
    table(join(directory, 'pods.csv'), PODS_TABLE, PODS, (i) => {
      const created = Math.floor((i / PODS) * (END_S - 600) * S);
      // 1 s for most, a hundred times that for every hundredth; as many workloads as there are thousands of pods.
      const slow = i % 100 === 0 ? 100 : 1;
      return {
        namespace: 'default',
        pod: `web-${i}-7d9f8c6b5d-x${i % 7919}`,
        owner_kind: 'ReplicaSet',
        owner: `web-${i % 1000}-7d9f8c6b5d`,
        node: `node-${(i % NODES) + 1}`,
        phase: 'Running',
        cpu_milli: 500,
        memory_bytes: 2 ** 28,
        created_s: created,
        queued_s: created + 1000,
        first_attempt_s: created + 2000,
        scheduled_s: created + 4000,
        bound_s: created + 8000,
        seen_s: created + 10_000,
        sandbox_s: created + 200_000,
        pulled_s: created + slow * 900_000,
        started_s: created + slow * 950_000,
        ready_s: created + slow * S - 2000,
        watched_s: created + slow * S,
        deleted_s: i % 2 === 0 ? created + 600 * S : null,
        attempts: 1,
        labels: `app=web-${i % 1000} pod-template-hash=7d9f8c6b5d`,
      };
    });
  }, 60_000);

  test(`make a page below 2 MB, with ${HEAP_MIB} MiB of heap`, () => {
    expect(statSync(join(directory, 'pods.csv')).size).toBeGreaterThan(200_000_000);
    const { bytes, page } = report(directory);
    expect(bytes).toBeLessThan(PAGE_MAX);
    // What was counted: all pods, the 100 s of one in a hundred, the workloads.
    expect(page).toContain('<td class="num">1,000,000</td>');
    expect(page).toMatch(/p90 to p99|slowest 1 %/);
    expect(page).toContain('Deployment default/web-');
    expect(page).toContain('992 others');
    expect(page).toMatch(/20,000 nodes are drawn as \d+ groups/);
  }, 240_000);
});

describe.skipIf(!LARGE)('a simulated million', () => {
  test('makes a page below 2 MB', async () => {
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, 'million.yaml'),
      `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: million }
spec:
  cluster: { nodes: [{ count: 5000, cpu: 32, memory: 128Gi, zones: [a, b, c] }] }
  workload:
    generators: [{ use: pods, count: 1000000, ratePerSecond: 45, cpu: 100m, run: 10m }]
  # The scheduler's client makes 50 bindings a second: 22,222 s of arrivals, and the last ones end.
  time: { run: 7h }
  expect: [pods.pending == 0, pods.created == 1000000]
`,
    );
    await kubetick('run', join(folder, 'million.yaml'), '--out', join(folder, 'million'), '--quiet');
    const { bytes, page } = report(join(folder, 'million'));
    expect(bytes).toBeLessThan(PAGE_MAX);
    expect(page).toContain('<td class="num">1,000,000</td>');
  }, 3_600_000);
});

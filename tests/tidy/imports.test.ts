// The import table of docs/architecture.md: no violation in the tree, and proof that the checker sees the tree and
// that each rule bites (a misconfigured checker sees nothing and passes).
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { forbidden, options, resolveOptions } from './import-rules.ts';
import { root } from './tree.ts';

const ROOMS = ['engine', 'policies', 'workloads', 'reports', 'experiments', 'cli', 'bench'];

async function violations(baseDir: string): Promise<{ modules: number; found: string[]; rules: string[] }> {
  const { output } = await cruise(
    ROOMS,
    { ...options, baseDir, validate: true, ruleSet: { forbidden } },
    resolveOptions,
  );
  const { summary, modules } = output as ICruiseResult;
  return {
    modules: modules.filter(({ source }) => ROOMS.includes(source.split('/')[0]!)).length,
    found: summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`),
    rules: summary.violations.map(({ rule, from }) => `${rule.name} ${from}`),
  };
}

test('no file imports what its room may not', async () => {
  const { modules, found } = await violations(root);
  expect(modules).toBeGreaterThan(50);
  expect(found).toEqual([]);
}, 60_000);

// One planted import a rule: [file, its import, the rule that must catch it].
const PLANTED: readonly [string, string, string][] = [
  ['engine/kernel/a.ts', "import type { S } from '../state/clean.ts'", 'kernel-alone'],
  ['engine/kinds/a.ts', "import { s } from '../state/clean.ts'", 'kinds-alone'],
  ['engine/kinds/ingest/a.ts', "import { n } from '../../node/clean.ts'", 'ingest-fills-state'],
  ['engine/state/b.ts', "import { n } from '../kinds/clean.ts'", 'state-types-of-kinds'],
  ['engine/state/a.ts', "import { n } from '../node/clean.ts'", 'state-below'],
  ['engine/contracts/a.ts', "import type { N } from '../node/clean.ts'", 'contracts-below'],
  ['engine/contracts/b.ts', "import { s } from '../state/clean.ts'", 'contracts-types-only'],
  ['engine/scheduler/a.ts', "import type { N } from '../node/clean.ts'", 'rooms-meet-elsewhere'],
  ['engine/node/b.ts', "import { p } from '../../policies/clean.ts'", 'engine-knows-no-outside'],
  ['engine/simulation.ts', "import { w } from '../workloads/clean.ts'", 'engine-knows-no-outside'],
  ['policies/a.ts', "import { s } from '../engine/state/clean.ts'", 'one-door'],
  ['workloads/a.ts', "import { p } from '../policies/clean.ts'", 'one-door'],
  ['reports/a.ts', "import { s } from '../engine/state/clean.ts'", 'reports-read-results'],
  ['experiments/a.ts', "import { s } from '../engine/state/clean.ts'", 'experiments-through-the-door'],
  ['cli/a.ts', "import { b } from '../bench/clean.ts'", 'nobody-imports-tests'],
  ['engine/metrics/a.ts', "import { readFileSync } from 'node:fs'", 'no-modules-of-node'],
  ['workloads/generators/a.ts', "import process from 'process'", 'no-modules-of-node'],
  ['reports/stats/a.ts', "import { cpus } from 'node:os'", 'no-modules-of-node'],
  ['cli/b.ts', "import { c } from './c.ts'", 'no-cycles'],
  ['cli/d.ts', "import { e } from './missing.ts'", 'resolvable'],
];

let planted: string;

beforeAll(() => {
  planted = mkdtempSync(join(tmpdir(), 'kubetick-imports-'));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(planted, path)), { recursive: true });
    writeFileSync(join(planted, path), text);
  };
  for (const room of [...ROOMS, 'engine/state', 'engine/kinds', 'engine/node']) {
    put(
      `${room}/clean.ts`,
      'export const s = 0, n = 0, p = 0, w = 0, b = 0;\nexport type S = 0;\nexport type N = 0;\n',
    );
  }
  put('cli/c.ts', "import { b } from './b.ts';\nexport const c = b;\n");
  for (const [path, text] of PLANTED) {
    const names = /\{ (?:type )?(\w+) \}|import (\w+) /.exec(text)!;
    put(path, `${text};\nexport type Use = typeof ${names[1] ?? names[2]};\nexport const b = 1;\n`);
  }
});

afterAll(() => rmSync(planted, { recursive: true, force: true }));

test('every rule catches a planted violation, and clean files none', async () => {
  const { rules } = await violations(planted);
  const expected = PLANTED.map(([path, , rule]) => `${rule} ${path}`);
  expect(expected.filter((one) => !rules.includes(one))).toEqual([]);
  expect(rules.filter((one) => one.endsWith('/clean.ts'))).toEqual([]);
  expect(new Set(PLANTED.map(([, , rule]) => rule))).toEqual(new Set(forbidden.map(({ name }) => name)));
}, 60_000);

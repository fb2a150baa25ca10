// Is this checkout slower than the commit that it branched off? CPU time of the whole program on one run, both versions in
// turn, so that what else the machine does meets both alike; logarithms of the ratio of each round, tested against the
// margin as `kubetick gate` tests metrics. Exits 3 on evidence of a regression, 0 otherwise, with what could have been seen.
// Usage: npx tsx tools/gate-cpu.ts [--base REF] [--rounds N] [--max-regression P] [--run PATH]
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeProcess } from '../bench/process-cpu.ts';
import { regressionTest } from '../reports/stats/noninferiority.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const { values } = parseArgs({
  options: {
    base: { type: 'string', default: 'main' },
    rounds: { type: 'string', default: '10' },
    'max-regression': { type: 'string', default: '10%' },
    run: { type: 'string', default: 'examples/poisson.yaml' },
  },
});
const rounds = Number(values.rounds);
const margin = Number(/^([0-9.]+)%$/.exec(values['max-regression'])?.[1]) / 100;
if (!(Number.isInteger(rounds) && rounds >= 2) || !(margin >= 0)) {
  console.error('expected --rounds of at least 2 and --max-regression such as 10%');
  process.exit(2);
}

const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();

function build(folder: string): string {
  execFileSync(process.execPath, ['tools/build.mjs'], { cwd: folder, stdio: 'ignore' });
  return join(folder, 'dist', 'kubetick.js');
}

/** CPU seconds of one run, and the fingerprint of what it did. */
function measured(program: string, scratch: string): { cpuSeconds: number; fingerprint: string } {
  const out = join(scratch, 'run');
  rmSync(out, { recursive: true, force: true });
  const { cpuSeconds, status, stderr } = nodeProcess([
    program,
    'run',
    join(root, values.run),
    '--quiet',
    '--out',
    out,
  ]);
  // 3: an expectation of the experiment does not hold, which is not asked here.
  if (status !== 0 && status !== 3) throw new Error(`the run failed with exit code ${status}:\n${stderr}`);
  const { fingerprint } = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as {
    fingerprint: string;
  };
  return { cpuSeconds, fingerprint };
}

const commit = git('merge-base', 'HEAD', values.base);
const scratch = mkdtempSync(join(tmpdir(), 'kubetick-cpu-'));
const before = join(scratch, 'base');
try {
  git('worktree', 'add', '--detach', before, commit);
  const locks = [root, before].map((folder) => readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  // The same packages need no second installation.
  if (locks[0] === locks[1] && existsSync(join(root, 'node_modules')))
    symlinkSync(join(root, 'node_modules'), join(before, 'node_modules'));
  else execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: before, stdio: 'ignore' });
  const programs = { base: build(before), head: build(root) };
  // Caches of the disk are warm for both, and what they do is known.
  const was = measured(programs.base, scratch).fingerprint;
  const is = measured(programs.head, scratch).fingerprint;
  const ratios: number[] = [];
  const sums = { base: 0, head: 0 };
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? (['base', 'head'] as const) : (['head', 'base'] as const);
    const cpu = { base: 0, head: 0 };
    for (const side of order) cpu[side] = measured(programs[side], scratch).cpuSeconds;
    sums.base += cpu.base;
    sums.head += cpu.head;
    ratios.push(Math.log(cpu.head / cpu.base));
  }
  const { mean, low, high, p, detectable } = regressionTest(ratios, Math.log(1 + margin));
  const percent = (log: number): string => `${log < 0 ? '' : '+'}${(100 * Math.expm1(log)).toFixed(1)} %`;
  const [from, to] = [sums.base, sums.head].map((sum) => (sum / rounds).toFixed(2));
  console.log(
    `${values.run}: ${from} s CPU at ${commit.slice(0, 8)}, ${to} s now: ${percent(mean)} (95 %: ${percent(low)} … ${percent(high)})`,
  );
  if (was !== is) console.log('the results differ as well: the two do not do the same work');
  if (p < 0.05) {
    console.log(`regression beyond ${values['max-regression']} (p ${p.toFixed(4)})`);
    process.exitCode = 3;
  } else
    console.log(
      `no evidence of a regression beyond ${values['max-regression']}; could have seen >= ${percent(detectable)}`,
    );
} finally {
  if (existsSync(before)) git('worktree', 'remove', '--force', before);
  rmSync(scratch, { recursive: true, force: true });
}

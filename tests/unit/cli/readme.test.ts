// What README shows of a run is what the run prints, line by line; `...` stands for what is left out.
import { readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runCommand } from './harness.ts';

const readme = readFileSync('README.md', 'utf8');
const shown = /## What it prints\n\n```text\n([\s\S]*?)```/.exec(readme)![1]!.split('\n');
const example = resolve('examples/replication-controller.yaml');

/** Fingerprints hold within one major version of Node, and so do these lines. */
const isNode20 = process.versions.node.startsWith('20.');

test.skipIf(!isNode20)('every line of the example in README is printed, in that order', async () => {
  const out = join(tmpdir(), `kubetick-readme-${process.pid}`);
  const { code, stdout } = await runCommand(['run', example, '--trace', 'rc/web', '--out', out]);
  rmSync(out, { recursive: true, force: true });
  expect(code).toBe(0);
  const wanted = shown.filter((line) => line !== '' && line !== '...').map((line) => line.split('(...)')[0]!);
  expect(wanted.length).toBeGreaterThan(10);
  const printed = stdout.split('\n');
  const places = wanted.map((line) => printed.findIndex((each) => each.startsWith(line)));
  expect(wanted.filter((_, i) => places[i] === -1)).toEqual([]);
  expect(places).toEqual([...places].sort((a, b) => a - b));
});

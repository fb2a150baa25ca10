// Every example does what examples/README.md promises: it is listed there, is accepted without a warning about the
// file itself, and runs to its end with all its expectations met.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { main } from '../../cli/program.ts';
import { files, read, root } from './tree.ts';

const examples = files((path) => /^examples\/(?:plugins\/)?[^/]+\.(?:ya?ml|json)$/.test(path));
const results = mkdtempSync(join(tmpdir(), 'kubetick-examples-'));

afterAll(() => rmSync(results, { recursive: true, force: true }));

async function kubetick(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    write: (text: string): void => {
      written[name] += text;
    },
  });
  const code = await main(argv, {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { NO_COLOR: '1' },
  });
  return { code, ...written };
}

test('there are examples, and examples/README.md lists each', () => {
  expect(examples.length).toBeGreaterThanOrEqual(5);
  const listed = read('examples/README.md');
  expect(examples.filter((path) => !listed.includes(`(${path.slice('examples/'.length)})`))).toEqual([]);
});

describe.each(examples)('%s', (path) => {
  test('is accepted', async () => {
    const { code, stdout, stderr } = await kubetick('validate', join(root, path), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { accepted: boolean });
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every(({ accepted }) => accepted)).toBe(true);
  });

  test('runs, and its expectations hold', async () => {
    const out = join(results, path.replace(/\W/g, '-'));
    const { code, stderr } = await kubetick('run', join(root, path), '--out', out, '--quiet');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const summary = JSON.parse(readFileSync(join(out, 'summary.json'), 'utf8')) as {
      pods: { created: number; started: number };
      expect: { text: string; holds: boolean }[];
    };
    expect(summary.pods.started).toBeGreaterThan(0);
    expect(summary.expect.filter(({ holds }) => !holds)).toEqual([]);
  }, 120_000);
});

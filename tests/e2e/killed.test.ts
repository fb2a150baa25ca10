// A run killed in the middle (kill -9) leaves no half-written result; the next run for the same place succeeds.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { root } from './program.ts';

it('kill -9 while it simulates, then again to the end', { timeout: 120_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-e2e-'));
  try {
    const out = join(folder, 'r01');
    const path = join(root, 'examples/poisson.yaml');
    const args = ['--import', 'tsx', join(root, 'cli/main.ts'), 'run', path, '--quiet', '--out', out];
    const killed = spawn(process.execPath, args, { cwd: root, stdio: 'ignore' });
    const exit = once(killed, 'exit');
    // Its temporary folder shows that the run has begun.
    for (let i = 0; i < 600 && readdirSync(folder).length === 0; i++) await sleep(50);
    expect(readdirSync(folder)).toHaveLength(1);
    killed.kill('SIGKILL');
    expect((await exit)[1]).toBe('SIGKILL');
    expect(existsSync(out)).toBe(false);
    const again = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    again.stderr.on('data', (data: Buffer) => {
      stderr += data.toString();
    });
    expect((await once(again, 'exit'))[0], stderr).toBe(0);
    expect(readdirSync(folder)).toEqual(['r01']);
    expect(existsSync(join(out, 'summary.json'))).toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

// The built program in a folder of its own, started as a process, and what it leaves: for tests of sweeps, whose threads
// load the same one file.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { root } from './program.ts';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Builds into a folder; returns the program's path. */
export async function buildProgram(folder: string): Promise<string> {
  const build = spawn(process.execPath, [join(root, 'tools/build.mjs'), '--out', folder], {
    stdio: 'inherit',
  });
  expect((await once(build, 'close'))[0]).toBe(0);
  return join(folder, 'kubetick.js');
}

export interface Started {
  readonly child: ChildProcess;
  /** What it has printed up to now. */
  output(): { readonly stdout: string; readonly stderr: string };
  readonly ended: Promise<Outcome>;
}

export function start(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Started {
  const child = spawn(process.execPath, [program, ...args], { cwd, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data: Buffer) => {
    stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const output = () => ({ stdout, stderr });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number, stdout, stderr }));
  return { child, output, ended };
}

/** Every file of a folder but timing.json, with its bytes. */
export function contentsOf(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'timing.json')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Object.fromEntries(files.map((file) => [file.slice(folder.length), readFileSync(file, 'latin1')]));
}

/** Waits for something, for at most half a minute. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 600; i++) {
    if (await holds()) return;
    await sleep(50);
  }
  expect.fail(`waited for half a minute: ${what}`);
}

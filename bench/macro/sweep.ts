// Benchmark: what a second core brings to a sweep. The same runs by one thread that has one core, by one thread that has
// all cores (V8 compiles and collects garbage beside it), by two threads, and by two processes of one thread each that
// share nothing: what these take is the limit of the machine, whose cores share caches, memory and the code that each
// thread compiles anew. Bytes must be equal. Bar: two threads on two idle cores 1.85 times as fast as one core, in full
// size; on a busy machine wall-clock times say little, so CPU times stand beside them.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { BenchArgs } from '../main.ts';

const BAR = 1.85;

/** Two variants of examples/sweep.yaml; an hour of it takes a third of a second, the first ones more. */
const SIZES = {
  small: { replications: 4, run: '1h' },
  full: { replications: 32, run: '12h' },
} as const;

interface Cost {
  readonly name: string;
  readonly wallSeconds: number;
  /** Of the processes alone, all threads. */
  readonly cpuSeconds: number;
}

export async function run({ size, json }: BenchArgs): Promise<void> {
  const program = join(process.cwd(), 'dist', 'kubetick.js');
  if (!existsSync(program))
    throw new Error(`no ${join('dist', 'kubetick.js')}: run from the project's root after npm run build`);
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-bench-sweep-'));
  const { replications, run: length } = SIZES[size];
  const sweep = (out: string, ...args: string[]): Promise<number> => sweepOn([], out, ...args);
  const sweepOn = (prefix: readonly string[], out: string, ...args: string[]): Promise<number> =>
    kubetick(prefix, program, [
      'sweep',
      'examples/sweep.yaml',
      '--set',
      `seeds.replications=${replications}`,
      '--set',
      `time.run=${length}`,
      '--out',
      join(folder, out),
      '--quiet',
      ...args,
    ]);
  try {
    const core = await timed('one core', async () => [
      await sweepOn(['taskset', '-c', '0'], 'core', '--workers', '1'),
    ]);
    const one = await timed('one thread', async () => [await sweep('one', '--workers', '1')]);
    const two = await timed('two threads', async () => [await sweep('two', '--workers', '2')]);
    const apart = await timed('two processes', () =>
      Promise.all(['1/2', '2/2'].map((shard, i) => sweep(`part${i}`, '--workers', '1', '--shard', shard))),
    );
    const digests = new Set(['core', 'one', 'two'].map((out) => digest(join(folder, out))));
    if (digests.size !== 1) throw new Error('one thread and two threads wrote different bytes');
    const speedUp = core.wallSeconds / two.wallSeconds;
    const threadSpeedUp = one.wallSeconds / two.wallSeconds;
    const limit = core.wallSeconds / apart.wallSeconds;
    const lines = [core, one, two, apart];
    if (json) {
      const cores = availableParallelism();
      console.log(
        JSON.stringify(
          {
            benchmark: 'sweep',
            size,
            runs: 2 * replications,
            cores,
            bar: BAR,
            speedUp,
            threadSpeedUp,
            limit,
            isEqual: true,
            lines,
          },
          null,
          2,
        ),
      );
      return;
    }
    for (const { name, wallSeconds, cpuSeconds } of lines)
      console.log(
        `  ${name.padEnd(14)} ${wallSeconds.toFixed(1).padStart(7)} s  ${cpuSeconds.toFixed(1).padStart(7)} s CPU  ${(core.wallSeconds / wallSeconds).toFixed(2)}x`,
      );
    console.log(
      `  ${2 * replications} runs, equal bytes; two threads ${speedUp.toFixed(2)}x of one core (bar ${BAR}x in full size on two idle cores), ${threadSpeedUp.toFixed(2)}x of one thread with all cores; the machine allows ${limit.toFixed(2)}x`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function timed(name: string, action: () => Promise<number[]>): Promise<Cost> {
  const started = performance.now();
  const cpu = await action();
  const wallSeconds = (performance.now() - started) / 1000;
  return { name, wallSeconds, cpuSeconds: cpu.reduce((sum, seconds) => sum + seconds, 0) };
}

/** Runs the program; returns its CPU seconds, which it tells when it ends. */
async function kubetick(
  prefix: readonly string[],
  program: string,
  args: readonly string[],
): Promise<number> {
  // bash's `time` reads wait4, to the millisecond, threads included.
  const script = 'TIMEFORMAT="%3U %3S"; time "$@"';
  const child = spawn('bash', ['-c', script, 'bash', ...prefix, process.execPath, program, ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString();
  });
  const [status] = (await once(child, 'close')) as [number];
  // 3: expectations of the example that a shorter or longer run does not meet.
  if (status !== 0 && status !== 3)
    throw new Error(`kubetick ${args.join(' ')} ended with ${status}: ${stderr}`);
  const [user, system] = stderr.trim().split('\n').at(-1)!.split(' ').map(Number);
  return user! + system!;
}

/** Of all files but timing.json, with their names. */
function digest(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'timing.json')
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(`${file.slice(folder.length)}\n`).update(readFileSync(file));
  return hash.digest('hex');
}

// Benchmark: the event kernel against a C++ twin, as ratios of CPU time.
//
//   npm run bench -- kernel --size full         or        npx tsx bench/macro/kernel.ts --size small
//
// The twin (kernel-twin.cpp, built with g++ -O2 into a temporary folder) runs the same queueing
// network on std::priority_queue. Both sides hash every event they run: a ratio is printed only for
// equal hashes. Runs alternate twin, heap, ladder, reference, twin, … and medians are compared. Each
// run has a process of its own, because a JIT compiler that has seen three kinds of queue compiles
// the loop for three.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { QueueKind } from '../../engine/kernel/index.ts';
import { type NetworkResult, type NetworkSize, runNetwork } from './kernel-network.ts';

/** A child of this benchmark finds its one run here, as JSON. */
const CHILD = 'KUBETICK_BENCH_KERNEL_RUN';
const RESULT_MARK = '@kernel-run ';
const QUEUES: readonly QueueKind[] = ['heap', 'ladder', 'fast-priority-queue'];

interface Case {
  name: string;
  size: NetworkSize;
  /** Most CPU the default queue may use, as a multiple of the twin's (docs/kernel.md). */
  bar: number;
}

interface Measured {
  program: string;
  cpuSeconds: number[];
  hash: string;
  meanPending: number;
}

export interface BenchArgs {
  size: 'small' | 'full';
  json: boolean;
}

function cases(size: 'small' | 'full'): Case[] {
  const events = size === 'full' ? 5_000_000 : 1_000_000;
  const warmUp = size === 'full' ? 1_000_000 : 400_000;
  const common = { stations: 1000, serviceUs: 1000, interarrivalUs: 100, events, warmUp };
  return [
    { name: '1,000 pending', bar: 2.0, size: { ...common, customers: 2000, travelUs: 500 } },
    { name: '91,000 pending', bar: 2.5, size: { ...common, customers: 140_000, travelUs: 90_000 } },
  ];
}

export async function run(args: BenchArgs): Promise<void> {
  const child = process.env[CHILD];
  if (child !== undefined) {
    const { size, queue } = JSON.parse(child) as { size: NetworkSize; queue: QueueKind };
    console.log(RESULT_MARK + JSON.stringify(runNetwork(size, queue)));
    return;
  }
  const say = (line: string): void => {
    if (!args.json) console.log(line);
  };
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-bench-'));
  try {
    const twin = buildTwin(folder, say);
    const rounds = args.size === 'full' ? 5 : 1;
    const report = cases(args.size).map((one) => measureCase(one, rounds, twin, say));
    if (args.json)
      console.log(JSON.stringify({ benchmark: 'kernel', size: args.size, cases: report }, null, 2));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Path of the twin's program, or null (and says why) where it cannot be built. */
export function buildTwin(folder: string, say: (line: string) => void): string | null {
  const source = join(process.cwd(), 'bench', 'macro', 'kernel-twin.cpp');
  if (!existsSync(source)) {
    say(
      `no ${join('bench', 'macro', 'kernel-twin.cpp')} here: run from the project's root to compare with C++`,
    );
    return null;
  }
  const program = join(folder, 'kernel-twin');
  say('building the C++ twin with g++ -O2 in a temporary folder');
  const built = spawnSync('g++', ['-O2', '-o', program, source], { encoding: 'utf8' });
  if (built.error !== undefined) {
    say('no C++ compiler (g++) on this machine: the twin is skipped, times stand alone');
    return null;
  }
  if (built.status !== 0) throw new Error(`g++ failed on ${source}:\n${built.stderr}`);
  return program;
}

export function runTwin(program: string, size: NetworkSize): NetworkResult {
  const { stations, customers, serviceUs, travelUs, interarrivalUs, events, warmUp } = size;
  const numbers = [stations, customers, serviceUs, travelUs, interarrivalUs, events, warmUp];
  const [hash, cpu, pending] = execFileSync(program, numbers.map(String), { encoding: 'utf8' })
    .trim()
    .split(' ');
  return { hash: hash!, cpuSeconds: Number(cpu), meanPending: Number(pending) };
}

function measureCase(one: Case, rounds: number, twin: string | null, say: (line: string) => void): object {
  const programs: [string, () => NetworkResult][] = QUEUES.map((queue) => [
    queue,
    () => runInChild(one.size, queue),
  ]);
  if (twin !== null) programs.unshift(['C++ twin', () => runTwin(twin, one.size)]);
  const measured: Measured[] = programs.map(([program]) => ({
    program,
    cpuSeconds: [],
    hash: '',
    meanPending: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    programs.forEach(([program, measure], i) => {
      const result = measure();
      const row = measured[i]!;
      if (round > 0 && row.hash !== result.hash) throw new Error(`${program} gave two order hashes`);
      row.hash = result.hash;
      row.meanPending = result.meanPending;
      row.cpuSeconds.push(result.cpuSeconds);
    });
  }
  const reference = measured[0]!;
  const timed = one.size.events - one.size.warmUp;
  say(`\n${one.name} (mean ${reference.meanPending}), ${timed} events timed, median of ${rounds}`);
  const rows = measured.map((row) => {
    if (row.hash !== reference.hash) {
      throw new Error(
        `${row.program} did other work than ${reference.program}: ${row.hash}, ${reference.hash}`,
      );
    }
    const cpu = median(row.cpuSeconds);
    const ratio = twin === null ? null : cpu / median(reference.cpuSeconds);
    const nanoseconds = (cpu * 1e9) / timed;
    say(
      `  ${row.program.padEnd(20)} ${cpu.toFixed(3).padStart(8)} s ${nanoseconds.toFixed(0).padStart(6)} ns/event` +
        ` ${(timed / cpu / 1e6).toFixed(1).padStart(6)} M events/s` +
        (ratio === null ? '' : ` ${ratio.toFixed(2).padStart(6)} x`),
    );
    return { ...row, cpuMedianSeconds: cpu, nanosecondsPerEvent: nanoseconds, ratio };
  });
  say(`  order hash ${reference.hash}, the same in all`);
  const heap = rows.find((row) => row.program === 'heap')!;
  const held = heap.ratio === null ? null : heap.ratio <= one.bar;
  if (heap.ratio !== null) {
    say(
      `  bar for the default queue: ${one.bar.toFixed(1)} x; ${held ? 'held' : 'MISSED'} (${heap.ratio.toFixed(2)} x)`,
    );
  }
  return { name: one.name, size: one.size, orderHash: reference.hash, bar: one.bar, held, rows };
}

/** One run in a fresh process: this same program, told by the environment what to run. */
function runInChild(size: NetworkSize, queue: QueueKind): NetworkResult {
  const program = process.argv[1] ?? '';
  if (!/(^|[\\/])(kernel|main|bench)\.(ts|js|mjs)$/.test(program)) return runNetwork(size, queue);
  // Alone: a child that was given the parent's arguments would run the other benchmarks first.
  const name = /kernel\.(?:ts|js|mjs)$/.test(program) ? [] : ['kernel'];
  const ran = spawnSync(process.execPath, [...process.execArgv, program, ...name], {
    encoding: 'utf8',
    env: { ...process.env, [CHILD]: JSON.stringify({ size, queue }) },
  });
  const line = ran.stdout?.split('\n').find((text) => text.startsWith(RESULT_MARK));
  if (line === undefined) throw new Error(`the run with queue '${queue}' gave no result:\n${ran.stderr}`);
  return JSON.parse(line.slice(RESULT_MARK.length)) as NetworkResult;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const isProgram =
  /(^|[\\/])kernel\.ts$/.test(process.argv[1] ?? '') &&
  import.meta.url === pathToFileURL(process.argv[1]!).href;
if (isProgram) {
  const at = process.argv.indexOf('--size');
  void run({
    size: at > 0 && process.argv[at + 1] === 'full' ? 'full' : 'small',
    json: process.argv.includes('--json'),
  });
}

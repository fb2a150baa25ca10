// Benchmark: what `kubetick --help` costs in CPU time, as a multiple of an empty Node script. People and scripts start
// the command often; loading the engine for a help text would be felt each time. Bar: 2.5.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import type { BenchArgs } from '../main.ts';
import { nodeProcess } from '../process-cpu.ts';

const BAR = 2.5;

export async function run({ size, json }: BenchArgs): Promise<void> {
  const bundle = join(process.cwd(), 'dist', 'kubetick.js');
  if (!existsSync(bundle))
    throw new Error(`no ${join('dist', 'kubetick.js')}: run from the project's root after npm run build`);
  const runs = size === 'full' ? 60 : 20;
  const empty: number[] = [];
  const help: number[] = [];
  const version: number[] = [];
  for (let round = 0; round < runs; round++) {
    // In turn, so that a slow minute of the machine hits all of them.
    empty.push(nodeProcess(['-e', '0']).cpuSeconds);
    help.push(nodeProcess([bundle, '--help']).cpuSeconds);
    version.push(nodeProcess([bundle, '--version']).cpuSeconds);
  }
  const base = median(empty);
  const lines = [
    { name: 'node -e 0', cpuSeconds: base, ratio: 1 },
    { name: 'kubetick --help', cpuSeconds: median(help), ratio: median(help) / base },
    { name: 'kubetick --version', cpuSeconds: median(version), ratio: median(version) / base },
  ];
  if (json) {
    console.log(JSON.stringify({ benchmark: 'startup', size, runs, bar: BAR, lines }, null, 2));
    return;
  }
  for (const { name, cpuSeconds: seconds, ratio } of lines) {
    const figure = (seconds * 1000).toFixed(0).padStart(6);
    console.log(`  ${name.padEnd(20)} ${figure} ms CPU ${ratio.toFixed(2).padStart(6)}x`);
  }
  console.log(`  median of ${runs} runs each; bar ${BAR}x`);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

// Micro benchmarks of the kernel room, with the `benchmark` package. Compare lines of one output
// with each other; absolute figures belong to the machine.
//
//   npm run bench -- micro          or          npx tsx bench/micro/index.ts --size small

import { pathToFileURL } from 'node:url';
import Benchmark from 'benchmark';
import { addLaneBenchmarks } from './lanes.ts';
import { addQueueBenchmarks } from './queues.ts';
import { addRandomBenchmarks } from './random.ts';

interface Line {
  suite: string;
  name: string;
  nanosecondsPerOperation: number;
  marginPercent: number;
}

/** Adds one benchmark; `operations` are what one call of `work` does. */
export type Add = (name: string, operations: number, work: () => void) => void;

export async function run(args: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const lines: Line[] = [];
  const suites: [string, (add: Add) => void][] = [
    ['event queues, push + pop', addQueueBenchmarks],
    ['lanes against the heap', addLaneBenchmarks],
    ['random numbers', addRandomBenchmarks],
  ];
  for (const [suite, fill] of suites) {
    if (!args.json) console.log(`\n${suite}`);
    const benchmarks = new Benchmark.Suite(suite);
    const operationsOf = new Map<string, number>();
    fill((name, operations, work) => {
      operationsOf.set(name, operations);
      benchmarks.add(name, work, args.size === 'full' ? {} : { maxTime: 0.2, minSamples: 5 });
    });
    benchmarks.on('cycle', (event: Benchmark.Event) => {
      const { name, stats } = event.target as unknown as Benchmark;
      const line = {
        suite,
        name: name!,
        nanosecondsPerOperation: (stats!.mean * 1e9) / operationsOf.get(name!)!,
        marginPercent: stats!.rme,
      };
      lines.push(line);
      if (args.json) return;
      const figure = line.nanosecondsPerOperation.toFixed(1).padStart(9);
      console.log(`  ${line.name.padEnd(44)} ${figure} ns ±${line.marginPercent.toFixed(1)}%`);
    });
    benchmarks.run({ async: false });
  }
  if (args.json) console.log(JSON.stringify({ benchmark: 'micro', size: args.size, lines }, null, 2));
}

const isProgram =
  /micro[\\/]index\.ts$/.test(process.argv[1] ?? '') &&
  import.meta.url === pathToFileURL(process.argv[1]!).href;
if (isProgram) {
  const at = process.argv.indexOf('--size');
  void run({
    size: at > 0 && process.argv[at + 1] === 'full' ? 'full' : 'small',
    json: process.argv.includes('--json'),
  });
}

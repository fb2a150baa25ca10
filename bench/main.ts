// Benchmarks by name: `npm run bench -- [NAME...] [--size small|full] [--json]`; without a name, all of them. Small
// sizes take seconds and are part of continuous integration; full sizes are for figures that are written down.
// Figures of one machine are compared as ratios, old and new in turn, never across machines.
import process from 'node:process';
import { parseArgs } from 'node:util';

export interface BenchArgs {
  readonly size: 'small' | 'full';
  /** Print one JSON document instead of text. */
  readonly json: boolean;
}

interface Benchmark {
  readonly about: string;
  load(): Promise<{ run(args: BenchArgs): Promise<void> }>;
}

const benchmarks: Readonly<Record<string, Benchmark>> = {
  startup: {
    about: 'CPU time of `kubetick --help` against an empty Node script',
    load: () => import('./macro/startup.ts'),
  },
  micro: { about: 'event queues, lanes, random numbers', load: () => import('./micro/index.ts') },
  rows: {
    about: 'rows a second of pods.csv, written and read, against csv-stringify and csv-parse',
    load: () => import('./macro/rows.ts'),
  },
  state: { about: 'memory of live pods', load: () => import('./macro/state.ts') },
  scheduler: { about: 'CPU time of a scheduling decision', load: () => import('./macro/scheduler.ts') },
  coverage: {
    about: 'coverage of intervals, error rates and power of tests, on queues with known answers',
    load: () => import('./macro/coverage.ts'),
  },
  gate: {
    about: "false alarms and power of `kubetick gate`'s own decision, on runs of the simulator",
    load: () => import('./macro/gate.ts'),
  },
  'scheduler-perf': {
    about: "upstream's scheduler benchmark in virtual time",
    load: () => import('./macro/scheduler-perf.ts'),
  },
  kernel: { about: 'the event kernel against a C++ twin', load: () => import('./macro/kernel.ts') },
  sweep: {
    about: 'what a second worker thread brings to a sweep',
    load: () => import('./macro/sweep.ts'),
  },
  scale: { about: 'whole runs by number of nodes and pods', load: () => import('./macro/scale.ts') },
};

function usage(): string {
  const width = Math.max(...Object.keys(benchmarks).map((name) => name.length));
  const lines = Object.entries(benchmarks).map(([name, { about }]) => `  ${name.padEnd(width)}  ${about}`);
  return ['npm run bench -- [NAME...] [--size small|full] [--json]', '', ...lines].join('\n');
}

async function main(argv: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      size: { type: 'string', default: 'small' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage());
    return 0;
  }
  const unknown = positionals.filter((name) => !(name in benchmarks));
  if (unknown.length > 0 || (values.size !== 'small' && values.size !== 'full')) {
    console.error(unknown.length > 0 ? `no benchmark ${unknown.join(', ')}\n` : `no size ${values.size}\n`);
    console.error(usage());
    return 2;
  }
  for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
    if (!values.json) console.log(`\n== ${name}: ${benchmarks[name]!.about} (${values.size}) ==`);
    const benchmark = await benchmarks[name]!.load();
    await benchmark.run({ size: values.size, json: values.json });
  }
  return 0;
}

// exitCode, not exit(): output that is still on its way to a pipe must get there.
const code = await main(process.argv.slice(2));
if (code !== 0) process.exitCode = code;

// The commands about whole experiments, as data: see command-table.ts.
import type { CommandSpec, OptionSpec } from './command-table.ts';

const EXPERIMENT = {
  name: 'EXPERIMENT',
  help: 'an Experiment (YAML, JSON, .gz), and manifests beside it',
  many: true,
  required: true,
} as const;

const SEED: OptionSpec = {
  name: 'seed',
  type: 'text',
  value: 'N',
  help: 'seed of all random numbers; the replications have streams of their own',
  default: "the Experiment's, or 1",
  group: 'Experiment',
};
const SET: OptionSpec = {
  name: 'set',
  type: 'list',
  value: 'PATH=VALUE',
  help: 'change a value of the Experiment before its sweep is expanded',
  group: 'Experiment',
};
const PLUGIN: OptionSpec = {
  name: 'plugin',
  type: 'list',
  value: 'FILE',
  help: 'a file with policies of your own, TypeScript or JavaScript (docs/plugins)',
  group: 'Experiment',
};

export const EXPERIMENT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'plan',
    group: 'Simulate',
    about: 'list the runs of an experiment with an estimate of what they cost',
    positional: EXPERIMENT,
    options: [SEED, SET, PLUGIN, { name: 'json', type: 'flag', help: 'print JSON', group: 'Output' }],
    examples: [['kubetick plan examples/sweep.yaml', 'variants, replications, CPU time and memory']],
    notes: [
      'Estimates follow from the numbers of pods and nodes by a rule that was fitted to recorded runs (docs/sweeps.md); nothing is simulated. Arrivals of generators and traces are counted, with the random numbers of the run.',
      'JSON: {"experiment","rule","runs":[{"variant","replication","seed","directory","values","nodes","pods","estimate":{"cpuSeconds","memoryBytes","diskBytes"}}],"total":{"runs","cpuSeconds","diskBytes"}}.',
    ],
  },
  {
    name: 'sweep',
    group: 'Simulate',
    about: 'make all runs of an experiment: variants times replications',
    positional: EXPERIMENT,
    options: [
      SEED,
      SET,
      PLUGIN,
      {
        name: 'workers',
        type: 'number',
        value: 'N',
        help: 'threads that simulate, one run each',
        default: 'as many as there are cores',
        group: 'Runs',
      },
      {
        name: 'resume',
        type: 'flag',
        help: 'go on in a directory whose sweep had other variants',
        group: 'Runs',
      },
      {
        name: 'until-precision',
        type: 'text',
        value: 'P',
        help: 'add replications until the 95 % interval is within P (5%) of the mean',
        group: 'Runs',
      },
      {
        name: 'metric',
        type: 'list',
        value: 'M',
        help: 'a metric that --until-precision looks at, as in `expect`',
        default: 'pod.startup.mean',
        group: 'Runs',
      },
      {
        name: 'max-replications',
        type: 'number',
        value: 'N',
        help: 'replications of a variant at most, with --until-precision',
        default: '1000',
        group: 'Runs',
      },
      {
        name: 'shard',
        type: 'text',
        value: 'I/N',
        help: 'make the I-th of N parts of the runs; job/N and slurm take I from the environment',
        group: 'Machines',
      },
      {
        name: 'out',
        type: 'text',
        value: 'DIR',
        help: 'directory of the sweep',
        default: 'runs/<experiment>',
        group: 'Output',
      },
      { name: 'json', type: 'flag', help: 'print sweep.json', group: 'Output' },
      { name: 'quiet', type: 'flag', help: 'print nothing but errors', group: 'Output' },
    ],
    examples: [
      ['kubetick sweep examples/sweep.yaml', 'LeastAllocated against MostAllocated, ten replications each'],
      [
        'kubetick sweep e.yaml --until-precision 5% --metric pod.startup.p90',
        'as many replications as needed',
      ],
      ['kubetick sweep e.yaml --shard 2/8 --out part2', 'the second of eight machines'],
    ],
    notes: [
      'Writes DIR/<variant>-<hash>/r01/ …, each a result directory, and DIR/sweep.csv and DIR/sweep.json. All but timing.json are the same for any number of workers, shards and order.',
      'Finished runs are not repeated: a command that was interrupted or killed goes on where it was. A run that fails does not stop the others; exit 1 or 2 at the end, 3 where only expectations failed, 130 after Ctrl-C.',
      'sweep.json: {"experiment","variants":[{"variant","values"}],"runs":[{"variant","replication","seed","directory","fingerprint","status","problem"}],"precision":[…],"expect":[…]}; `status` is done, failed or pending.',
    ],
  },
];

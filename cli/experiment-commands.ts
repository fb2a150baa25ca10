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

export const TABLE_FORMAT: OptionSpec = {
  name: 'format',
  type: 'text',
  value: 'csv|parquet',
  help: 'form of the tables',
  default: 'csv',
  group: 'Output',
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
        name: 'merge',
        type: 'flag',
        help: 'merge the directories of shards (given in place of EXPERIMENT) into --out',
        group: 'Machines',
      },
      {
        name: 'emit',
        type: 'text',
        value: 'kubernetes-job|slurm',
        help: 'print what starts the shards elsewhere, and run nothing',
        group: 'Machines',
      },
      {
        name: 'shards',
        type: 'number',
        value: 'N',
        help: 'number of shards, with --emit',
        default: '8, or as many as there are runs',
        group: 'Machines',
      },
      {
        name: 'image',
        type: 'text',
        value: 'IMAGE',
        help: 'container image with kubetick, with --emit kubernetes-job',
        default: 'kubetick:<version>',
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
      TABLE_FORMAT,
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
      ['kubetick sweep --merge part* --out whole', 'their results as one sweep'],
      [
        'kubetick sweep e.yaml --emit slurm --shards 16 --workers 4 | sbatch',
        'sixteen shards of a Slurm array',
      ],
    ],
    notes: [
      'Writes DIR/<variant>-<hash>/r01/ …, each a result directory, and DIR/sweep.csv and DIR/sweep.json; with --format parquet also DIR/sweep.parquet. All but timing.json are the same for any number of workers, shards and order.',
      'Finished runs are not repeated: a command that was interrupted or killed goes on where it was. A run that fails does not stop the others; exit 1 or 2 at the end, 3 where only expectations failed, 130 after Ctrl-C.',
      'sweep.json: {"experiment","variants":[{"variant","values"}],"runs":[{"variant","replication","seed","directory","fingerprint","status","problem"}],"precision":[…],"expect":[…]}; `status` is done, failed or pending.',
    ],
  },
  {
    name: 'gate',
    group: 'Experiments',
    about: 'make the runs of an experiment and fail when they are worse than a baseline beyond a margin',
    positional: EXPERIMENT,
    options: [
      {
        name: 'baseline',
        type: 'text',
        value: 'FILE',
        help: 'what the runs are compared with, a file to be committed; required',
        group: 'Gate',
      },
      {
        name: 'max-regression',
        type: 'text',
        value: 'P',
        help: 'how much worse than the baseline is tolerated: 5% or 0.05',
        default: '5%',
        group: 'Gate',
      },
      {
        name: 'metric',
        type: 'list',
        value: 'M',
        help: 'judge only this metric, for example pod.startup.p99, or all of a latency: pod.startup',
        default: 'outcomes (docs/comparing.md)',
        group: 'Gate',
      },
      {
        name: 'update-baseline',
        type: 'flag',
        help: 'write the runs to the baseline instead of judging them',
        group: 'Gate',
      },
      SET,
      PLUGIN,
      {
        name: 'workers',
        type: 'number',
        value: 'N',
        help: 'threads that simulate, one run each',
        default: 'all cores',
        group: 'Runs',
      },
      {
        name: 'out',
        type: 'text',
        value: 'DIR',
        help: 'keep the runs in a sweep directory; finished ones there are not made again',
        default: 'made anew each time, and not kept',
        group: 'Runs',
      },
      {
        name: 'junit',
        type: 'text',
        value: 'FILE',
        help: 'write JUnit XML: a case a metric',
        group: 'Output',
      },
      {
        name: 'summary',
        type: 'text',
        value: 'FILE',
        help: 'append Markdown, for example to $GITHUB_STEP_SUMMARY',
        group: 'Output',
      },
      { name: 'json', type: 'flag', help: 'print the verdict as JSON', group: 'Output' },
    ],
    examples: [
      ['kubetick gate examples/gate.yaml --baseline baseline.json --update-baseline', 'write the baseline'],
      [
        'kubetick gate examples/gate.yaml --baseline baseline.json --max-regression 5% --junit gate.xml',
        'exit 3 on evidence of a regression beyond 5 %',
      ],
    ],
    notes: [
      'Exit 3 only on evidence: a one-sided test of the pairs of replications against the margin, corrected by Holm over all metrics, below 0.05; or a metric that is not observed any more. Exit 0 otherwise, with the least regression that would have been seen with probability 0.8. Virtual time has no noise of a machine: the same code and experiment give differences of exactly 0. docs/ci.md shows GitHub and GitLab.',
      'JSON: {"experiment","baseline","sentence","maxRegression","passed","metrics":[{"variant","metric","direction","n","baseline","value","difference","relative","relativeCi95","p","pHolm","verdict","detectable"}],"notes"}; `verdict` is regression, lost, no evidence or equal; `detectable` is a share of the baseline.',
    ],
  },
  {
    name: 'report',
    group: 'Experiments',
    about: 'results as a page: one file that opens offline, light or dark, on screen and on paper',
    positional: {
      name: 'RUNS',
      help: 'result directories, sweep directories, `DIR:VARIANT`; of several variants the first is the baseline',
      many: true,
      required: true,
    },
    options: [{ name: 'html', type: 'text', value: 'FILE', help: 'write the page there', group: 'Output' }],
    examples: [
      ['kubetick report runs/web/default-1a2b3c4d/r01 --html web.html', 'one run'],
      ['kubetick report runs/spread-vs-pack --html packing.html', 'a sweep: its variants against the first'],
      ['kubetick report old/ new/ --html change.html', 'two sweeps, variants of the same name'],
    ],
    notes: [
      'Nothing is simulated. The page stays below 2 MB however many pods there were, fetches nothing, and has the same bytes for the same results. docs/reports.md says what is in it.',
    ],
  },
];

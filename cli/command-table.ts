// Every command with its arguments and options, as data: the help, the parser, "did you mean" and docs/commands.md are
// made from this one table. It imports texts alone, so that `kubetick --help` costs little more than starting Node.
import { EXPERIMENT_COMMANDS, TABLE_FORMAT } from './experiment-commands.ts';
import { RESULT_COMMANDS } from './result-commands.ts';

export interface OptionSpec {
  readonly name: string;
  /** One letter that means the same: `-o`. */
  readonly letter?: string;
  /** `list`: may be given several times. `seed`: a number or a text. */
  readonly type: 'flag' | 'text' | 'number' | 'list';
  /** Placeholder of the value in help. */
  readonly value?: string;
  readonly help: string;
  /** Shown, not applied: the code that reads the option knows its default. */
  readonly default?: string;
  readonly group: string;
}

export interface CommandSpec {
  readonly name: string;
  readonly group: string;
  readonly about: string;
  readonly positional?: {
    readonly name: string;
    readonly help: string;
    readonly many: boolean;
    readonly required: boolean;
  };
  /** A second argument that must follow the first; `optional`: some options do without. */
  readonly second?: { readonly name: string; readonly help: string; readonly optional?: boolean };
  readonly options: readonly OptionSpec[];
  readonly examples: readonly (readonly [string, string])[];
  /** What the command prints and when it fails; for docs/commands.md and the end of its help. */
  readonly notes: readonly string[];
}

const PATHS = {
  name: 'PATH',
  help: 'manifests or an Experiment (YAML, JSON, .gz), folders (searched), `-` for standard input; `workloads.csv#CASE/WORKLOAD` of a scheduler_perf folder',
  many: true,
  required: true,
} as const;

export const COMMANDS: readonly CommandSpec[] = [
  {
    name: 'run',
    group: 'Simulate',
    about: 'run one scenario and write its results',
    positional: PATHS,
    options: [
      {
        name: 'nodes',
        type: 'number',
        value: 'N',
        help: 'number of equal nodes',
        default: '3; 0 when Node objects are among the manifests',
        group: 'Cluster',
      },
      {
        name: 'node-cpu',
        type: 'text',
        value: 'Q',
        help: 'CPUs of each node',
        default: '4',
        group: 'Cluster',
      },
      {
        name: 'node-memory',
        type: 'text',
        value: 'Q',
        help: 'memory of each node',
        default: '16Gi',
        group: 'Cluster',
      },
      {
        name: 'until',
        type: 'text',
        value: 'D',
        help: 'end of the run in virtual time; without it a run ends when nothing but periodic work is left',
        default: 'at most 1h',
        group: 'Run',
      },
      {
        name: 'seed',
        type: 'text',
        value: 'N',
        help: 'seed of all random numbers',
        default: '1',
        group: 'Run',
      },
      {
        name: 'set',
        type: 'list',
        value: 'PATH=VALUE',
        help: 'change a value of the Experiment, for example cluster.nodes.0.count=100',
        group: 'Run',
      },
      {
        name: 'plugin',
        type: 'list',
        value: 'FILE',
        help: 'a file with policies of your own, TypeScript or JavaScript (docs/plugins)',
        group: 'Run',
      },
      {
        name: 'skip-invalid',
        type: 'flag',
        help: 'run the valid rest; what was left out stands in loss.csv',
        group: 'Run',
      },
      {
        name: 'out',
        type: 'text',
        value: 'DIR',
        help: 'result directory',
        default: 'runs/<experiment>/<variant>-<hash>/r01',
        group: 'Output',
      },
      TABLE_FORMAT,
      {
        name: 'timeline',
        type: 'text',
        value: 'FILE',
        help: 'write every change in normal form: steps, transitions, events, final state (docs/timeline.md)',
        group: 'Output',
      },
      {
        name: 'trace',
        type: 'text',
        value: 'OBJECT',
        help: 'print each hop of an object and of what it owns, for example rc/web or deployment/shop/web',
        group: 'Output',
      },
      {
        name: 'verify-decisions',
        type: 'flag',
        help: 'search nodes twice for every pod, by the index and one by one, and stop where they differ',
        group: 'Output',
      },
      { name: 'json', type: 'flag', help: 'print the summary as JSON', group: 'Output' },
      { name: 'quiet', type: 'flag', help: 'print nothing but errors', group: 'Output' },
      {
        name: 'paranoid',
        type: 'flag',
        help: 'check promises at each commit (availability, completions), and the whole cluster every thousand; slow',
        group: 'Output',
      },
    ],
    examples: [
      ['kubetick run app.yaml', 'three nodes of 4 CPU and 16Gi, everything applied at 0 s'],
      ['kubetick run manifests/ --nodes 50 --skip-invalid', 'a folder on 50 nodes'],
      [
        'kubetick run experiment.yaml --set cluster.nodes.0.count=500 --json',
        'an Experiment with one value changed',
      ],
      ['kubectl get nodes,pods -A -o yaml | kubetick run -', 'the cluster as it is, and its pending pods'],
    ],
    notes: [
      'Writes a result directory: summary.json, summary.csv, pods.csv, nodes.csv, api.csv, controllers.csv, volumes.csv (in runs with volumes), timeseries.csv, events.csv, loss.csv, manifest.json, timing.json. With --format parquet the tables are pods.parquet, nodes.parquet, …; summary.csv stays.',
      'Anything invalid: exit 2, all problems listed, nothing run and nothing written.',
    ],
  },
  ...EXPERIMENT_COMMANDS,
  {
    name: 'verify',
    group: 'Simulate',
    about: 'repeat the run of a result directory and compare every file',
    positional: { name: 'RUN', help: 'a result directory', many: false, required: true },
    options: [{ name: 'json', type: 'flag', help: 'print the verdict as JSON', group: 'Output' }],
    examples: [
      [
        'kubetick verify runs/web/default-1a2b3c4d/r01',
        'exit 4 and the first difference if it does not repeat',
      ],
    ],
    notes: [
      'Exit 4 when a file differs: the file, line and column, both values, and the first ingredient of the fingerprint that differs.',
    ],
  },
  {
    name: 'validate',
    group: 'Check',
    about: 'check manifests and Experiments as the API server would, without running',
    positional: PATHS,
    options: [{ name: 'json', type: 'flag', help: 'print one JSON line per object', group: 'Output' }],
    examples: [
      ['kubetick validate manifests/', 'problems by file, with line and column'],
      ['helm template . | kubetick validate -', 'what a chart renders'],
    ],
    notes: [
      'Exit 2 when anything is rejected. Objects of kinds that the API server does not serve (custom resources) are accepted with a warning.',
      'A JSON line: {"file","document","item","apiVersion","kind","namespace","name","accepted","problems":[{"path","message","line","column"}]}. `document` counts from 0 in its file, `item` in its List. Problems of an accepted object are warnings. A text that cannot be parsed gives one line without kind.',
    ],
  },
  {
    name: 'place',
    group: 'Check',
    about: 'what the scheduler decides for pending pods on a snapshot of a cluster, and why',
    positional: {
      name: 'CASE',
      help: 'cluster, pending pods and scheduler configuration in one JSON or YAML document; .jsonl holds one a line',
      many: true,
      required: false,
    },
    options: [
      {
        name: 'cluster',
        type: 'list',
        value: 'FILE',
        help: 'what exists, as manifests or as `kubectl get -o yaml` prints it',
        group: 'Input',
      },
      {
        name: 'pending',
        type: 'text',
        value: 'FILE',
        help: 'pods to place, in their order',
        default: 'the pods of --cluster that have no node',
        group: 'Input',
      },
      {
        name: 'config',
        type: 'text',
        value: 'FILE',
        help: 'a KubeSchedulerConfiguration',
        default: "the case's own, or the default profile",
        group: 'Input',
      },
      {
        name: 'plugin',
        type: 'list',
        value: 'FILE',
        help: 'a file with policies of your own, TypeScript or JavaScript (docs/plugins)',
        group: 'Input',
      },
      {
        name: 'output',
        letter: 'o',
        type: 'text',
        value: 'table|json',
        help: 'tables for people, or one JSON line a case',
        default: 'table',
        group: 'Output',
      },
      {
        name: 'nodes',
        type: 'number',
        value: 'N',
        help: 'rows of a table at most: the best and the worst nodes',
        default: '20',
        group: 'Output',
      },
      {
        name: 'no-hints',
        type: 'flag',
        help: 'do not try what would make a pod fit',
        group: 'Output',
      },
    ],
    examples: [
      [
        'kubectl get nodes,pods,pvc,pv,sc,pdb,pc,svc -A -o yaml | kubetick place --cluster -',
        'where the pending pods of a real cluster would go',
      ],
      ['kubetick place --cluster dump.yaml --pending app.yaml', 'where new pods would go'],
      ['kubetick place cases.jsonl.gz -o json', 'verdicts of recorded cases'],
    ],
    notes: [
      'No virtual time passes. All nodes are looked at, each decision is applied before the next pod, and among equal nodes the first by name is taken.',
      'A JSON line: {"name","family","kubernetes","nodes":{NODE:{"pods","requested"}},"pods":[{"pod","priority","requests","result","gate","prefilter","rejected":{NODE:{"plugin","code","reasons"}},"feasible","scores":{NODE:{PLUGIN:n}},"totals","best","nominated","node","placed","preemption":{"outcomes","message"},"message"}]}. `result` is scheduled, unschedulable, preempting, gated, assigned or ignored; scores are normalised and weighted.',
      'The first 20 pods of a case that fit nowhere or are gated have "hints":[{"kind","size","change","node","nodes","requests","victim","preemption"}]: single changes after which the pod goes to `node`, one of `nodes`, the smallest first. Each was tried by deciding again. `size`: the share of a request given up, 1 for a field, 2 for a rule dropped, 3 for a pod deleted, 4 for a node added. `kind` is requests, gates, toleration, uncordon, label, host-port, claim, constraint, evict or node.',
    ],
  },
  {
    name: 'explain',
    group: 'Understand',
    about: 'where the time of a pod of a finished run went, and why the scheduler decided as it did',
    positional: { name: 'RUN', help: 'a result directory', many: false, required: true },
    second: { name: 'OBJECT', help: 'pod/NAME or pod/NAMESPACE/NAME' },
    options: [
      {
        name: 'at',
        type: 'text',
        value: 'T',
        help: 'explain the attempt under way at this virtual time, or the last one before it',
        group: 'Attempt',
      },
      {
        name: 'attempt',
        type: 'number',
        value: 'K',
        help: 'explain the K-th attempt',
        default: 'the last one',
        group: 'Attempt',
      },
      {
        name: 'output',
        letter: 'o',
        type: 'text',
        value: 'table|json',
        help: 'tables for people, or one JSON line',
        default: 'table',
        group: 'Output',
      },
      {
        name: 'nodes',
        type: 'number',
        value: 'N',
        help: 'rows of a table at most: the best and the worst nodes',
        default: '20',
        group: 'Output',
      },
      {
        name: 'no-hints',
        type: 'flag',
        help: 'do not try what would have made the pod fit',
        group: 'Output',
      },
    ],
    examples: [
      ['kubetick explain runs/web/default-1a2b3c4d/r01 pod/web-7c5b8-x2x4z', 'its last scheduling attempt'],
      ['kubetick explain runs/web/default-1a2b3c4d/r01 pod/shop/db-0 --at 90s', 'as things stood at 90 s'],
    ],
    notes: [
      "Repeats the run up to the pod's last attempt, in this process. All nodes are looked at, also where the run looked at a part of a large cluster; the table says so.",
      'A JSON line: {"run","namespace","pod","phase","node","reason","path":[{"phase","from","to","seconds"}],"attempts":[{"number","from","to","result","node","message","examined","feasible","nodes"}],"explained","placement","differences"}. `placement` is a pod of `kubetick place -o json`; `explained` is the number of the attempt, 0 where there was none and the end of the run is explained.',
      'Exit 4 when what the repeated run says about the pod is not what was recorded, or when the versions differ: the differences go to standard error.',
    ],
  },
  {
    name: 'summary',
    group: 'Understand',
    about: "where the time of pods' starts went, by cohort, from a result directory without simulating",
    positional: { name: 'RUN', help: 'a result directory', many: false, required: true },
    options: [
      {
        name: 'by',
        type: 'text',
        value: 'KEY',
        help: 'cohorts: owner, namespace, node or label:KEY',
        default: 'all pods together',
        group: 'Cohorts',
      },
      {
        name: 'output',
        letter: 'o',
        type: 'text',
        value: 'table|json',
        help: 'tables of the 20 cohorts with most time, or JSON with all',
        default: 'table',
        group: 'Output',
      },
    ],
    examples: [
      ['kubetick summary runs/web/default-1a2b3c4d/r01', 'phases of all pods'],
      ['kubetick summary runs/web/default-1a2b3c4d/r01 --by label:app -o json', 'by label'],
    ],
    notes: [
      'JSON: {"run","by","cohorts":[{"name","pods","started","phases":[{"phase","count","mean","p50","p90","p99","max","share"}]}]}, seconds; phases are those of docs/explain.md, `total` first. Percentiles are exact (nearest rank), over the pods of the cohort that were seen Ready and had the phase; `share` is of all time of these pods.',
    ],
  },
  {
    name: 'compare',
    group: 'Experiments',
    about: 'which variant is better, by how much, and how sure that is, from results of sweeps',
    positional: {
      name: 'RUNS',
      help: 'sweep directories, `DIR:VARIANT`, or result directories; the first is the baseline, one alone compares its variants with its first',
      many: true,
      required: true,
    },
    options: [
      {
        name: 'metric',
        type: 'list',
        value: 'M',
        help: 'only this metric, for example pod.startup.p99, or all of a latency: pod.startup',
        default: 'all',
        group: 'Comparison',
      },
      {
        name: 'format',
        letter: 'o',
        type: 'text',
        value: 'table|json|md|csv',
        help: 'form of the output',
        default: 'table',
        group: 'Output',
      },
      {
        name: 'rows',
        type: 'number',
        value: 'N',
        help: 'rows of a table at most; the rest is counted',
        default: '24',
        group: 'Output',
      },
    ],
    examples: [
      ['kubetick compare runs/packing', 'variants of a sweep against its first'],
      [
        'kubetick compare runs/packing:least runs/packing:most --metric pod.startup',
        'two variants, one latency',
      ],
      ['kubetick compare old/ new/ --format md', 'two sweeps, variants of the same name, for a pull request'],
    ],
    notes: [
      "Replications with the same seed and number are pairs, and differences are taken over pairs; without pairs the test is Welch's. `p` is corrected for everything that was asked (Holm; outcomes and details apart); better or worse is said below 0.05. docs/comparing.md explains every column.",
      'JSON: {"baseline","comparisons":[{"variant","against","metric","direction","family","n","baseline","value","difference","relative","ci95","relativeCi95","paired","p","pHolm","verdict","mde"}],"neutral","starts","divergence","notes"}. Metrics are columns of summary.csv; a number that does not exist is null.',
    ],
  },
  ...RESULT_COMMANDS,
  {
    name: 'check-plugin',
    group: 'Check',
    about: 'look for cases in which a scheduler plug-in of your own does not do what it declares',
    positional: { name: 'FILE', help: 'a policy file with scheduler plug-ins', many: false, required: true },
    options: [
      {
        name: 'config',
        type: 'text',
        value: 'FILE',
        help: 'a KubeSchedulerConfiguration that gives the arguments',
        default: "the plug-in's defaults",
        group: 'Input',
      },
      { name: 'seed', type: 'text', value: 'N', help: 'seed of the cases', default: '1', group: 'Cases' },
      { name: 'runs', type: 'number', value: 'N', help: 'cases a check', default: '200', group: 'Cases' },
      { name: 'json', type: 'flag', help: 'print one JSON line a plug-in', group: 'Output' },
    ],
    examples: [
      ['kubetick check-plugin my.ts', 'exit 3 and the smallest case found if a declaration is not true'],
      ['kubetick check-plugin my.ts --runs 5000 --seed 7', 'more and other cases'],
    ],
    notes: [
      'Checks determinism, the order of nodes, batch forms, mutation, `reads`, `locality`, `sign`, the state of preFilter, and that filter rejects what preFilter leaves out. Labels and values that stand as texts in the file are used in the cases.',
      'A JSON line: {"plugin","file","seed","checks":[{"check","cases","violation":{"text","node","was","is","cluster","pod","other"}}]}; `violation` is null where the check holds.',
    ],
  },
  {
    name: 'list',
    group: 'Check',
    about: 'list what can be used: workloads, costs, kinds, tables, metrics, …',
    positional: {
      name: 'WHAT',
      help: 'one list; without it the lists themselves',
      many: false,
      required: false,
    },
    options: [
      {
        name: 'plugin',
        type: 'list',
        value: 'FILE',
        help: 'a file with policies of your own, TypeScript or JavaScript (docs/plugins)',
        group: 'Input',
      },
      { name: 'json', type: 'flag', help: 'print JSON', group: 'Output' },
    ],
    examples: [
      ['kubetick list workloads', 'generators and trace readers with their arguments'],
      ['kubetick list tables', 'columns of the result files'],
    ],
    notes: [],
  },
  {
    name: 'completion',
    group: 'Shell',
    about: 'print a completion script for bash or zsh',
    options: [],
    examples: [['source <(kubetick completion)', 'complete commands and options in this shell']],
    notes: [],
  },
];

export const COMMON_OPTIONS: readonly OptionSpec[] = [
  { name: 'help', type: 'flag', help: 'show help', group: 'Other' },
  { name: 'version', type: 'flag', help: 'show the version', group: 'Other' },
];

export const commandNamed = (name: string): CommandSpec | undefined =>
  COMMANDS.find((command) => command.name === name);

/** `kubetick run PATH... [options]` */
export function usageOf(command: CommandSpec): string {
  const { positional: p } = command;
  const many = p?.many === true ? '...' : '';
  const argument = p === undefined ? '' : p.required ? ` ${p.name}${many}` : ` [${p.name}${many}]`;
  const { second: s } = command;
  const second = s === undefined ? '' : s.optional === true ? ` [${s.name}]` : ` ${s.name}`;
  return `kubetick ${command.name}${argument}${second}${command.options.length > 0 ? ' [options]' : ''}`;
}

/** `--node-cpu Q` */
export const optionLabel = (option: OptionSpec): string =>
  `${option.letter === undefined ? '' : `-${option.letter}, `}--${option.name}${option.value === undefined ? '' : ` ${option.value}`}`;

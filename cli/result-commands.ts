// The commands about results that are there already, as data: see command-table.ts.
import type { CommandSpec } from './command-table.ts';

export const RESULT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'query',
    group: 'Understand',
    about: 'ask the tables of runs and sweeps a question in SQL',
    positional: {
      name: 'RUNS',
      help: 'result directories, sweep directories, `DIR:VARIANT`; then SQL in one argument, `-` for standard input',
      many: true,
      required: true,
    },
    second: { name: 'SQL', help: "one statement of DuckDB's SQL that reads", optional: true },
    options: [
      {
        name: 'format',
        letter: 'o',
        type: 'text',
        value: 'table|json|csv|markdown',
        help: 'form of the output',
        default: 'table',
        group: 'Output',
      },
      {
        name: 'rows',
        type: 'number',
        value: 'N',
        help: 'rows of a table at most; the rest is counted',
        default: '100',
        group: 'Output',
      },
      { name: 'tables', type: 'flag', help: 'list the tables and ask nothing', group: 'Catalogue' },
      {
        name: 'schema',
        type: 'flag',
        help: 'list all columns with type and meaning, and ask nothing',
        group: 'Catalogue',
      },
    ],
    examples: [
      [
        'kubetick query runs/web/default-1a2b3c4d/r01 "select reason, count(*) from events group by reason order by 2 desc"',
        'Events by reason',
      ],
      [
        'kubetick query runs/packing "select variant, quantile_cont(ready_s - created_s, 0.99) as p99 from pods group by variant order by variant"',
        'over all runs of a sweep',
      ],
      ['kubetick query runs/packing "from pods" --format csv > pods.csv', 'one table of a whole sweep'],
    ],
    notes: [
      'Tables: runs, summary and the tables of `kubetick list tables`; with several runs each has the column `run`, and those without labels also experiment, variant and replication. docs/query.md says more.',
      'Needs the optional package @duckdb/node-api. Reads the files of these runs alone and writes nothing. A statement that DuckDB rejects: its words, and exit 2.',
    ],
  },
  {
    name: 'report',
    group: 'Experiments',
    about: 'results as a page that opens offline, or against the objectives of Kubernetes',
    positional: {
      name: 'RUNS',
      help: 'result directories, sweep directories, `DIR:VARIANT`; of several variants the first is the baseline',
      many: true,
      required: true,
    },
    options: [
      { name: 'html', type: 'text', value: 'FILE', help: 'write the page there', group: 'Output' },
      {
        name: 'slo',
        type: 'flag',
        help: 'say whether the objectives of Kubernetes are met, in the words of its scale tests',
        group: 'Objectives',
      },
      {
        name: 'perfdash',
        type: 'text',
        value: 'DIR',
        help: 'write what ClusterLoader2 would leave there for perfdash',
        group: 'Objectives',
      },
      {
        name: 'test',
        type: 'text',
        value: 'NAME',
        help: 'name of the test in these files; perfdash knows load and density',
        default: "the experiment's",
        group: 'Objectives',
      },
      {
        name: 'fail',
        type: 'flag',
        help: 'exit 3 when an official objective is missed',
        group: 'Objectives',
      },
      { name: 'json', type: 'flag', help: 'print the objectives as JSON', group: 'Objectives' },
    ],
    examples: [
      ['kubetick report runs/web/default-1a2b3c4d/r01 --html web.html', 'one run'],
      ['kubetick report runs/spread-vs-pack --html packing.html', 'a sweep: its variants against the first'],
      ['kubetick report old/ new/ --html change.html', 'two sweeps, variants of the same name'],
      ['kubetick report runs/spread-vs-pack --slo', 'objectives, limits and verdicts over replications'],
      [
        'kubetick report runs/web/default-1a2b3c4d/r01 --slo --perfdash out/ --test load',
        'files for perfdash',
      ],
    ],
    notes: [
      'Nothing is simulated. The page stays below 2 MB however many pods there were, fetches nothing, and has the same bytes for the same results. docs/reports.md says what is in it.',
      'Objectives and the JSON of --slo: docs/slo.md. Exit 3 with --fail alone.',
    ],
  },
];

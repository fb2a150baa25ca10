// The catalogue of problem codes: what each means and how to mend it. docs/errors.md is generated from it
// (`npx tsx tools/generate-command-docs.ts`), and a test holds that every code used in the sources stands here.

export interface ProblemCode {
  readonly meaning: string;
  readonly fix: string;
}

export const PROBLEM_CODES: Readonly<Record<string, ProblemCode>> = {
  // command line
  E1001: { meaning: 'The command does not exist.', fix: 'Look at `kubetick --help`.' },
  E1002: {
    meaning: 'The option does not exist for this command.',
    fix: 'Look at `kubetick COMMAND --help`.',
  },
  E1003: {
    meaning: 'The value of an option cannot be used.',
    fix: 'Give a value of the type shown: numbers are whole and not negative, durations look like `250ms`, `5s`, `10m`, `2h`, `1d`, quantities like `4`, `500m`, `16Gi`.',
  },
  E1004: { meaning: 'An argument is missing, or there is one too many.', fix: 'Look at the usage line.' },
  E1005: {
    meaning: 'An option needs something that is not there, for example `--set` without an Experiment.',
    fix: 'Leave the option out, or give an Experiment file.',
  },
  // files
  E1101: {
    meaning: 'The file or folder does not exist.',
    fix: 'Check the path; relative paths start from the current folder, those in an Experiment from its file.',
  },
  E1102: {
    meaning: 'The file or folder cannot be read.',
    fix: 'Check permissions and that it is a file or a folder.',
  },
  E1103: {
    meaning: 'The gzip file is cut off or damaged.',
    fix: 'Copy or download it again; `gzip -t FILE` checks it.',
  },
  E1104: {
    meaning: 'The file is not text (UTF-8, or UTF-16 with a byte order mark).',
    fix: 'Give YAML or JSON, plain or gzipped.',
  },
  E1105: {
    meaning: 'The file or folder holds no Kubernetes object.',
    fix: 'Check that it is the right file; comments and empty documents alone are not enough.',
  },
  E1106: {
    meaning: 'The file is larger than one text can be (512 MiB unpacked).',
    fix: 'Split it into several files.',
  },
  // text
  E1201: {
    meaning: 'The text is not valid YAML.',
    fix: 'Mend it at the place shown: indentation, tabs, quotes and colons are the usual causes.',
  },
  E1202: { meaning: 'A mapping has the same key twice.', fix: 'Keep one of the two.' },
  E1203: {
    meaning: 'An alias refers to itself, to nothing, or aliases multiply beyond reason.',
    fix: 'Write the repeated part out.',
  },
  E1204: { meaning: 'The text is not valid JSON.', fix: 'Mend it at the place shown.' },
  E1205: {
    meaning: 'A document is not a mapping, or a key is not text.',
    fix: 'A Kubernetes object is a mapping with apiVersion, kind and metadata.',
  },
  E1206: {
    meaning: 'A value cannot be represented as JSON: a custom tag, a number that is not finite.',
    fix: 'Quote it, or write it as a plain value.',
  },
  // objects
  E2001: {
    meaning: 'The document is no Kubernetes object: apiVersion or kind is missing.',
    fix: 'Add them, or take the file out of the folder; `--skip-invalid` runs the rest.',
  },
  E2002: {
    meaning: 'The API server would refuse the object as invalid (422).',
    fix: 'Mend the field named; the text is that of the API server.',
  },
  E2003: {
    meaning: 'The API server could not decode the object (400): unknown field, wrong type, bad quantity.',
    fix: 'Mend the field named; the text is that of the API server.',
  },
  E2004: {
    meaning: 'Two objects have the same kind, namespace and name.',
    fix: 'Rename one or take it out.',
  },
  E2005: {
    meaning: 'The API server would refuse the object for another reason (403, 404, 409, 500).',
    fix: 'The text is that of the API server.',
  },
  E2006: {
    meaning: 'The document is no scheduling case.',
    fix: 'A case is `{"name", "scheduler", "cluster", "pending"}`: a KubeSchedulerConfiguration and two v1 Lists. Plain manifests go with `--cluster` and `--pending`.',
  },
  // experiments
  E3001: {
    meaning: 'An Experiment or scenario has an unknown key.',
    fix: 'docs/experiment-file.md lists all keys.',
  },
  E3002: {
    meaning: 'A value in an Experiment or scenario has the wrong type or is out of range.',
    fix: 'docs/experiment-file.md gives type and range.',
  },
  E3003: { meaning: 'More than one Experiment or scenario was given.', fix: 'Run them one after the other.' },
  E3004: { meaning: 'A duration cannot be read.', fix: 'Write `250ms`, `5s`, `10m`, `2h` or `1d`.' },
  E3005: {
    meaning: 'An Experiment names a preset, workload, trace reader, policy or zone that does not exist.',
    fix: '`kubetick list` shows what there is.',
  },
  E3006: {
    meaning: 'The step or fault is not supported by this version.',
    fix: 'Take it out; docs/experiment-file.md lists the supported ones.',
  },
  E3007: {
    meaning: 'An argument of a workload is missing, unknown or out of range.',
    fix: '`kubetick list workloads` shows the arguments.',
  },
  E3008: {
    meaning: 'An expectation cannot be read.',
    fix: 'Write `METRIC.STATISTIC < VALUE`, for example `pod.startup.p99 < 5s`.',
  },
  E3009: {
    meaning: 'A step refers to an object that is not in the input.',
    fix: 'Add the object, or correct its name.',
  },
  E3010: {
    meaning: 'A scheduler configuration cannot be used.',
    fix: 'It is a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.',
  },
  E3011: {
    meaning: 'The KubeSchedulerConfiguration cannot be used.',
    fix: 'Mend the field shown; `kubetick list scheduler` shows plug-ins and extension points.',
  },
  E3012: {
    meaning: 'A sweep cannot be expanded: an axis, a variant or an exception makes no sense.',
    fix: 'docs/sweeps.md shows axes, ranges, variants and `except`.',
  },
  E3013: {
    meaning: 'policies.controllers names a controller that there is not.',
    fix: '`kubetick list controllers` shows their names; `*` stands for all, `-` before a name leaves it out.',
  },
  // policy files
  E3101: {
    meaning: 'A policy file is not valid TypeScript, or imports what a policy may not.',
    fix: 'Mend it at the place shown. It may import `kubetick`, `zod` and files beside it.',
  },
  E3102: {
    meaning: 'A policy file does not export a policy, or one with something missing or unknown.',
    fix: 'docs/plugins/README.md shows what a file exports.',
  },
  E3103: {
    meaning: 'Two policies of one kind have the same name.',
    fix: 'Rename yours; `kubetick list scheduler` and the other lists show what there is.',
  },
  E3104: { meaning: 'A policy file throws while it is loaded.', fix: 'Mend it at the place shown.' },
  E3105: {
    meaning: 'A policy of a file threw, or answered what it may not answer, when it was called.',
    fix: 'The place, the pod, the node and the virtual time are shown; `kubetick check-plugin FILE` finds a small case.',
  },
  // output
  E4001: {
    meaning: 'The result directory exists and is not a result of the same run.',
    fix: 'Give another `--out`, or remove it.',
  },
  E4002: { meaning: 'An output cannot be written.', fix: 'Check the path, permissions and free space.' },
  E4003: {
    meaning: 'The path is not a result directory.',
    fix: 'Give a directory written by `kubetick run`.',
  },
  E4005: {
    meaning: 'There is no such object in the run, or more than one.',
    fix: 'Write pod/NAME or pod/NAMESPACE/NAME as in pods.csv.',
  },
  E4004: {
    meaning: 'The object to trace is not named correctly.',
    fix: 'Write KIND/NAME or KIND/NAMESPACE/NAME, for example `rc/web`.',
  },
  E4006: {
    meaning: 'The path holds no runs that can be compared, or no such variant.',
    fix: 'Give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT.',
  },
  E4007: {
    meaning: 'There is no baseline, or it does not belong to the experiment.',
    fix: 'Write it with `kubetick gate … --update-baseline`.',
  },
  E4008: {
    meaning: 'DuckDB, which answers queries, cannot be loaded.',
    fix: 'Install the optional package: `npm install @duckdb/node-api`.',
  },
  E4009: {
    meaning: 'A query is no SQL that DuckDB understands, names what is not there, or does more than read.',
    fix: 'The message is that of DuckDB; `kubetick query RUNS --schema` lists tables and columns.',
  },
  // queue
  E5001: {
    meaning: 'No Redis server answers at the URL, or it refuses the user.',
    fix: 'Start one (`redis-server --save "" --appendonly no`), or correct host, port, user and password in the URL.',
  },
  E5002: {
    meaning: 'The Redis server went away in the middle.',
    fix: 'Start it again and repeat the command: finished runs are kept.',
  },
  E5003: {
    meaning: 'Sweep and workers are of different versions, whose results could differ.',
    fix: 'Install the same version everywhere, with the same major version of Node.',
  },
};

// `job-trace`: batch jobs recorded elsewhere, each replayed as one Pod that runs as long as the job did. Columns default
// to those of the SURF traces (id, submit_s, duration_s, cpu_count); any CSV file with such columns will do.
//
// The trace says when a job was submitted and how long it ran, not how long it waited: waiting is what the simulated
// cluster adds. In the SURF traces cpu_count is 16 for every job: a job is one whole node. Nodes of `cpu: 16` therefore
// hold one job each (allocatable equals capacity unless the Node object says otherwise, so nothing is lost to
// reservations), and a cluster of c such nodes is a queue with c servers. `cpuPerCount` scales that: with `250m` four
// of these jobs share a node.
import * as z from 'zod';
import { type Arrival, SECOND, type WorkloadContext } from '../../engine/index.ts';
import { type Argument, argumentProblem, defineWorkload } from '../arguments.ts';
import * as common from '../common.ts';
import { positive, scalar } from '../distributions.ts';
import { memoised, pod } from '../objects.ts';
import { cpuMilli, memoryBytes } from '../units.ts';
import { type JobColumns, type JobRows, readJobRows } from './job-rows.ts';

const columnName = z.string({ error: 'must be the name of a column' }).min(1, 'must not be empty');

const columnsArgument: Argument<JobColumns> = {
  schema: z.strictObject(
    {
      id: columnName.default('id'),
      submit: columnName.default('submit_s'),
      duration: columnName.default('duration_s'),
      cpu: columnName.default('cpu_count'),
      memory: columnName.optional(),
    },
    { error: (issue) => (issue.code === 'invalid_type' ? 'must be a map of column names' : undefined) },
  ),
  type: '{ id, submit, duration, cpu, memory }',
  defaultTo: { id: 'id', submit: 'submit_s', duration: 'duration_s', cpu: 'cpu_count' },
  help: 'names of the columns in the file; submit and duration are in seconds',
};

interface Replay {
  readonly rows: JobRows;
  readonly jobs: number;
  readonly name: string;
  readonly namespace: readonly string[];
  readonly image: string;
  /** Dealt out in turn; empty: none is named. */
  readonly priorityClasses: readonly string[];
  readonly startAtUs: number;
  readonly usPerTraceSecond: number;
  readonly cpuMilliPerCount: number;
  /** Bytes per unit of the memory column, or per job where there is no such column. */
  readonly memoryBytesPer: number;
  readonly memoryFromTrace: boolean;
}

export const jobTrace = defineWorkload({
  name: 'job-trace',
  about: 'batch jobs out of a CSV file, one Pod a job, submitted and running as recorded',
  file: 'file',
  args: {
    file: {
      schema: z.string({ error: 'must be the path of a CSV file' }),
      type: 'path',
      help: 'CSV file with a header, plain or .gz, relative to the Experiment',
    },
    data: {
      schema: z.string({ error: 'is filled in from file' }),
      type: 'text',
      help: 'the text of the file; filled in when the Experiment is loaded',
    },
    columns: columnsArgument,
    name: common.nameArgument('job'),
    namespace: common.namespaceArgument,
    image: common.imageArgument,
    startAt: { ...common.startAtArgument, help: 'second 0 of the trace' },
    timeScale: {
      schema: z.number({ error: 'must be a number' }).positive('must be larger than 0'),
      type: 'number',
      defaultTo: 1,
      help: 'factor on submission times and durations; 0.1 replays ten times as fast',
    },
    limit: { ...common.countArgument, help: 'jobs to replay, by time of submission; without it all' },
    priorityClass: {
      schema: z
        .union([z.string().min(1), z.array(z.string().min(1)).min(1, 'must not be empty')], {
          error: 'must be the name of a PriorityClass or a list of names',
        })
        .transform((names) => [names].flat())
        .optional(),
      type: 'text or list of texts',
      help: 'PriorityClass of the jobs; several are dealt out in turn, by time of submission',
    },
    cpuPerCount: {
      schema: positive(cpuMilli),
      type: 'CPU quantity',
      defaultTo: '1',
      help: 'CPU request per unit of the cpu column',
    },
    memory: {
      schema: scalar(memoryBytes),
      type: 'memory quantity',
      defaultTo: '0',
      help: 'memory request of a job, or per unit of the memory column where columns.memory is given; 0 for none',
    },
  },
  build(args) {
    const read = readJobRows(args.data, args.columns);
    if ('problems' in read) {
      return {
        problems: read.problems.map(({ column, message }) =>
          argumentProblem(
            column !== undefined && !message.startsWith('line ') ? ['columns', column] : ['file'],
            message,
          ),
        ),
      };
    }
    const replay: Replay = {
      rows: read.rows,
      jobs: Math.min(args.limit ?? Number.POSITIVE_INFINITY, read.rows.count),
      name: args.name,
      namespace: args.namespace,
      image: args.image,
      priorityClasses: args.priorityClass ?? [],
      startAtUs: args.startAt,
      usPerTraceSecond: SECOND * args.timeScale,
      cpuMilliPerCount: args.cpuPerCount,
      memoryBytesPer: args.memory,
      memoryFromTrace: args.columns.memory !== undefined,
    };
    return { workload: { namespaces: args.namespace, arrivals: (context) => jobArrivals(context, replay) } };
  },
});

function* jobArrivals(context: WorkloadContext, replay: Replay): Generator<Arrival, void, undefined> {
  const { rows } = replay;
  const classes = replay.priorityClasses.length === 0 ? [undefined] : replay.priorityClasses;
  const objects = classes.map((priorityClass) =>
    memoised((requests) => pod(replay.name, replay.image, requests, 'Never', priorityClass)),
  );
  for (let row = 0; row < replay.jobs; row++) {
    const atUs = replay.startAtUs + Math.round(rows.submit[row]! * replay.usPerTraceSecond);
    if (atUs > context.untilUs) return;
    const cpu = Math.ceil(rows.cpu[row]! * replay.cpuMilliPerCount);
    const memory = Math.ceil((replay.memoryFromTrace ? rows.memory[row]! : 1) * replay.memoryBytesPer);
    yield {
      atUs,
      object: objects[row % objects.length]!(cpu, memory),
      name: `${replay.name}-${row + 1}`,
      namespace: replay.namespace[row % replay.namespace.length]!,
      runUs: Math.round(rows.duration[row]! * replay.usPerTraceSecond),
    };
  }
}

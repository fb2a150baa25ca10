// `pods`: bare Pods without a controller, all at once or as a stream. With `run` they end by themselves, which makes
// the cluster a queue with servers: the workload for comparisons with queueing theory and for scheduler benchmarks.
import * as z from 'zod';
import type { Arrival, WorkloadContext } from '../../engine/index.ts';
import { argumentProblem, defineWorkload, type Parsed } from '../arguments.ts';
import * as common from '../common.ts';
import { distribution } from '../distributions.ts';
import { memoised, pod } from '../objects.ts';
import { durationUs } from '../units.ts';

const podArguments = {
  name: common.nameArgument('pod'),
  namespace: common.namespaceArgument,
  count: common.countArgument,
  ratePerSecond: {
    ...common.ratePerSecondArgument,
    help: 'mean arrivals a second; 0 or left out: all at once',
  },
  ratePerMin: common.ratePerMinArgument,
  arrivals: {
    schema: z.enum(['poisson', 'even'], { error: 'must be poisson or even' }),
    type: 'poisson | even',
    defaultTo: 'poisson',
    help: 'how arrivals at a rate are spaced: at random, or at equal distances',
  },
  startAt: common.startAtArgument,
  cpu: common.cpuArgument,
  memory: common.memoryArgument,
  image: common.imageArgument,
  run: {
    schema: distribution(durationUs).optional(),
    type: 'distribution of durations',
    help: 'containers exit with 0 this long after they started (restartPolicy Never); without it pods run on',
  },
  lifetime: common.lifetimeArgument,
} as const;

type PodArguments = Parsed<typeof podArguments>;

export const pods = defineWorkload({
  name: 'pods',
  about: 'Pods without a controller, all at once or arriving at a rate, running on or to completion',
  args: podArguments,
  build(args) {
    const perUs = common.ratePerUs(args);
    if (typeof perUs !== 'number') return { problems: [perUs] };
    if (perUs === 0 && args.count === undefined) {
      return {
        problems: [
          argumentProblem(['count'], 'is required where no rate is given: how many pods arrive at once'),
        ],
      };
    }
    return {
      workload: { namespaces: args.namespace, arrivals: (context) => podArrivals(context, args, perUs) },
    };
  },
});

function* podArrivals(
  context: WorkloadContext,
  args: PodArguments,
  perUs: number,
): Generator<Arrival, void, undefined> {
  const nextTime = timesOf(context, args, perUs);
  const cpu = common.sampler(context, 'cpu', args.cpu);
  const memory = common.sampler(context, 'memory', args.memory);
  const run = args.run && common.sampler(context, 'run', args.run);
  const lifetime = args.lifetime && common.sampler(context, 'lifetime', args.lifetime);
  const object = memoised((requests) =>
    pod(args.name, args.image, requests, run === undefined ? 'Always' : 'Never'),
  );
  const last = args.count ?? Number.POSITIVE_INFINITY;
  for (let serial = 1; serial <= last; serial++) {
    const atUs = nextTime();
    if (atUs > context.untilUs) return;
    yield {
      atUs,
      object: object(cpu(), memory()),
      name: `${args.name}-${serial}`,
      namespace: args.namespace[(serial - 1) % args.namespace.length]!,
      ...(run === undefined ? {} : { runUs: run() }),
      ...(lifetime === undefined ? {} : { lifetimeUs: lifetime() }),
    };
  }
}

function timesOf(context: WorkloadContext, args: PodArguments, perUs: number): common.ArrivalTimes {
  if (perUs === 0) return common.allAt(args.startAt);
  return args.arrivals === 'even'
    ? common.evenTimes(args.startAt, perUs)
    : common.poissonTimes(context, args.startAt, perUs);
}

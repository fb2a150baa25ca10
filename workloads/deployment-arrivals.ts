// Deployments one after the other, at given times: what `deployments` and `poisson-deployments` share.
import * as z from 'zod';
import type { Arrival, WorkloadContext } from '../engine/index.ts';
import type { Parsed } from './arguments.ts';
import * as common from './common.ts';
import { distribution } from './distributions.ts';
import { deployment, service } from './objects.ts';
import { wholeNumber } from './units.ts';

/** Arguments about the Deployments themselves; the generators add when and how many. */
export const deploymentArguments = {
  replicas: {
    schema: distribution(wholeNumber),
    type: 'distribution of numbers',
    defaultTo: 1,
    help: 'replicas of a Deployment',
  },
  cpu: common.cpuArgument,
  memory: common.memoryArgument,
  image: common.imageArgument,
  namespace: common.namespaceArgument,
  lifetime: common.lifetimeArgument,
  service: {
    schema: z.boolean({ error: 'must be true or false' }),
    type: 'true or false',
    defaultTo: false,
    help: 'each Deployment comes with a Service in front of its pods',
  },
} as const;

type DeploymentArguments = Parsed<typeof deploymentArguments> & {
  readonly name: string;
  readonly count?: number | undefined;
};

/** Ends after `count` Deployments, or with the run. A Service comes right before its Deployment, at the same time. */
export function* deploymentArrivals(
  context: WorkloadContext,
  args: DeploymentArguments,
  nextTime: common.ArrivalTimes,
): Generator<Arrival, void, undefined> {
  const replicas = common.sampler(context, 'replicas', args.replicas);
  const cpu = common.sampler(context, 'cpu', args.cpu);
  const memory = common.sampler(context, 'memory', args.memory);
  const lifetime = args.lifetime && common.sampler(context, 'lifetime', args.lifetime);
  const last = args.count ?? Number.POSITIVE_INFINITY;
  for (let serial = 1; serial <= last; serial++) {
    const atUs = nextTime();
    if (atUs > context.untilUs) return;
    const name = `${args.name}-${serial}`;
    const namespace = args.namespace[(serial - 1) % args.namespace.length]!;
    const ends = lifetime === undefined ? {} : { lifetimeUs: lifetime() };
    if (args.service) yield { atUs, namespace, object: service(name), ...ends };
    const requests = { cpu: cpu(), memory: memory() };
    yield { atUs, namespace, object: deployment(name, args.image, requests, replicas()), ...ends };
  }
}

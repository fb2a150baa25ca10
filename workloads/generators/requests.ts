// `requests`: clients that send requests to a Service, and what its pods' servers need to answer them. Open loop: the rate
// does not fall because answers are slow.
import * as z from 'zod';
import type { Arrival } from '../../engine/index.ts';
import { type Argument, defineWorkload } from '../arguments.ts';
import * as common from '../common.ts';
import { distribution, positive, scalar } from '../distributions.ts';
import { type RateProfile, rateProfile, requestTimes } from '../request-rate.ts';
import { durationUs, wholeNumber } from '../units.ts';

const name = z
  .string({ error: 'must be a text' })
  .regex(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/, 'must consist of lower case letters, digits and "-"')
  .max(63, 'must have at most 63 characters');

const whole = scalar(wholeNumber).refine((value) => Number.isSafeInteger(value), {
  message: 'must be a whole number of 0 or more',
});

const rate: Argument<RateProfile> = {
  schema: rateProfile,
  type: 'number, or rates over time',
  help: 'requests a second: a number; [{at: 0s, rate: 10}, {at: 1m, rate: 100}] in steps; {ramp: [{at, rate}, …]} in straight lines',
};

export const requests = defineWorkload({
  name: 'requests',
  about: 'requests to a Service, balanced over its pods as each node knows them',
  args: {
    service: { schema: name, type: 'text', help: 'the Service' },
    namespace: { schema: name, type: 'text', defaultTo: 'default', help: 'its namespace' },
    name: {
      schema: name.optional(),
      type: 'text',
      help: 'name in metrics and in requests.csv; without it the Service; two uses of one Service need different names',
    },
    rate,
    arrivals: {
      schema: z.enum(['poisson', 'even'], { error: 'must be poisson or even' }),
      type: 'poisson or even',
      defaultTo: 'poisson',
      help: 'gaps between requests: drawn, or all equal',
    },
    from: {
      schema: z.enum(['nodes', 'outside'], { error: 'must be nodes or outside' }),
      type: 'nodes or outside',
      defaultTo: 'nodes',
      help: 'clients are pods spread over the nodes, or come by the load balancer or the node port',
    },
    clients: {
      schema: whole,
      type: 'whole number',
      defaultTo: 0,
      help: 'number of clients, each with an address and a node of its own, as session affinity sees them; 0: every request is a new client',
    },
    serviceTime: {
      schema: distribution(durationUs),
      type: 'distribution of durations',
      defaultTo: '10ms',
      help: 'time that a pod works on a request',
    },
    cpuTime: {
      schema: distribution(durationUs).optional(),
      type: 'distribution of durations',
      help: 'CPU time that a pod needs for a request, as autoscalers see it beside kubetick.io/cpu; without it none. 20 requests a second of 10ms use 200m',
    },
    concurrency: {
      schema: common.wholeCount().refine((count) => count <= 100_000, { message: 'must not exceed 100000' }),
      type: 'whole number',
      defaultTo: 16,
      help: 'requests that a pod works on at the same time; others wait in line',
    },
    queue: {
      schema: whole,
      type: 'whole number',
      // net.core.somaxconn since Linux 5.4
      defaultTo: 4096,
      help: 'requests that wait in a pod at most; more are refused (overload)',
    },
    startup: {
      schema: scalar(durationUs),
      type: 'duration',
      defaultTo: '0s',
      help: 'from the start of the containers until they listen; before that connections are refused',
    },
    shutdown: {
      schema: z.enum(['close', 'drain', 'ignore'], { error: 'must be close, drain or ignore' }),
      type: 'close, drain or ignore',
      defaultTo: 'close',
      help: 'on SIGTERM: end at once; or take nothing new and finish what is there; or go on until killed',
    },
    timeout: {
      schema: positive(durationUs),
      type: 'duration',
      defaultTo: '5s',
      help: 'a try without an answer by then has failed',
    },
    retries: { schema: whole, type: 'whole number', defaultTo: 0, help: 'more tries after a failure' },
    retryAfter: {
      schema: scalar(durationUs),
      type: 'duration',
      defaultTo: '100ms',
      help: 'from a failure to the next try',
    },
  },
  build: (args) => ({
    workload: {
      namespaces: [args.namespace],
      *arrivals(): Generator<Arrival, void, undefined> {},
      requests: (context) => ({
        name: args.name ?? args.service,
        namespace: args.namespace,
        service: args.service,
        from: args.from,
        clients: args.clients,
        timeoutUs: args.timeout,
        retries: args.retries,
        retryAfterUs: args.retryAfter,
        server: {
          concurrency: args.concurrency,
          queue: args.queue,
          startupUs: args.startup,
          shutdown: args.shutdown,
        },
        next: requestTimes(context, args.rate, args.arrivals),
        serviceUs: common.sampler(context, 'service', args.serviceTime),
        ...(args.cpuTime === undefined ? {} : { cpuUs: common.sampler(context, 'cpu', args.cpuTime) }),
      }),
    },
  }),
});

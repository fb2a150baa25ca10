// Arguments and small tools that several generators share: names, namespaces, requests, arrival times.
import { randomExponential } from 'd3-random';
import * as z from 'zod';
import { type ArgumentProblem, MINUTE, SECOND, type WorkloadContext } from '../engine/index.ts';
import { type Argument, argumentProblem } from './arguments.ts';
import { type Distribution, distribution, scalar } from './distributions.ts';
import { cpuMilli, durationUs, memoryBytes, wholeNumber } from './units.ts';

/** RFC 1123 label, short enough that a number can follow it in a pod's name. */
const label = z
  .string({ error: 'must be a text' })
  .regex(/^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/, 'must consist of lower case letters, digits and "-"')
  .max(40, 'must have at most 40 characters');

export const nameArgument = (name: string): Argument<string> => ({
  schema: label,
  type: 'text',
  defaultTo: name,
  help: 'objects are called NAME-1, NAME-2, …; two uses in one experiment need different names',
});

export const namespaceArgument: Argument<string[]> = {
  schema: z.union(
    [label.transform((one) => [one]), z.array(label).min(1, 'must name at least one namespace')],
    {
      error: 'must be a namespace or a list of namespaces',
    },
  ),
  type: 'text or list of texts',
  defaultTo: 'default',
  help: 'namespace of the objects; several are dealt out in turn',
};

export const imageArgument: Argument<string> = {
  schema: z.string({ error: 'must be a text' }).min(1, 'must not be empty'),
  type: 'text',
  defaultTo: 'nginx:1.27',
  help: 'image of the only container',
};

export const cpuArgument: Argument<Distribution> = {
  schema: distribution(cpuMilli),
  type: 'distribution of CPU quantities',
  defaultTo: '100m',
  help: 'CPU request of a pod, drawn once per object, in steps of 10m; 0 for none',
};

export const memoryArgument: Argument<Distribution> = {
  schema: distribution(memoryBytes),
  type: 'distribution of memory quantities',
  defaultTo: '128Mi',
  help: 'memory request of a pod, drawn once per object, in steps of 16Mi; 0 for none',
};

export const startAtArgument: Argument<number> = {
  schema: scalar(durationUs),
  type: 'duration',
  defaultTo: '0s',
  help: 'nothing arrives before this time',
};

export const lifetimeArgument: Argument<Distribution | undefined> = {
  schema: distribution(durationUs).optional(),
  type: 'distribution of durations',
  help: 'each object is deleted this long after it was created; without it objects stay',
};

export const countArgument: Argument<number | undefined> = {
  schema: wholeCount().optional(),
  type: 'whole number',
  help: 'objects in all; without it they arrive until the end of the run',
};

/** A whole number of 1 or more. */
export function wholeCount(): z.ZodType<number> {
  return scalar(wholeNumber).refine((value) => Number.isSafeInteger(value) && value >= 1, {
    message: 'must be a whole number of 1 or more',
  });
}

const rate = z.number({ error: 'must be a number' }).nonnegative('must not be negative').optional();

export const ratePerSecondArgument: Argument<number | undefined> = {
  schema: rate,
  type: 'number',
  help: 'mean arrivals a second',
};

export const ratePerMinArgument: Argument<number | undefined> = {
  schema: rate,
  type: 'number',
  help: 'mean arrivals a minute; instead of ratePerSecond',
};

/** Arrivals per µs out of the two ways to write it; 0 where neither is given. */
export function ratePerUs(args: {
  ratePerSecond: number | undefined;
  ratePerMin: number | undefined;
}): number | ArgumentProblem {
  const { ratePerSecond, ratePerMin } = args;
  if (ratePerSecond !== undefined && ratePerMin !== undefined) {
    return argumentProblem(['ratePerMin'], 'give ratePerSecond or ratePerMin, not both');
  }
  return ratePerSecond !== undefined ? ratePerSecond / SECOND : (ratePerMin ?? 0) / MINUTE;
}

/** Times of arrivals: a function that gives the next one (µs, whole), for ever. */
export type ArrivalTimes = () => number;

/** Poisson process. Gaps are added as fractions and each time is rounded alone: no drift, however long the run. */
export function poissonTimes(context: WorkloadContext, startAtUs: number, perUs: number): ArrivalTimes {
  const gap = randomExponential.source(context.rng.stream(`${context.streams}/arrivals`).source())(perUs);
  let time = startAtUs;
  return () => {
    time += gap();
    return Math.round(time);
  };
}

/** The n-th of n = 0, 1, … at startAt + n / rate. */
export function evenTimes(startAtUs: number, perUs: number): ArrivalTimes {
  let arrivals = 0;
  return () => Math.round(startAtUs + arrivals++ / perUs);
}

/** Everything at one time. */
export const allAt =
  (startAtUs: number): ArrivalTimes =>
  () =>
    startAtUs;
/** A sampler over the stream of this use and purpose. */
export function sampler(context: WorkloadContext, purpose: string, of: Distribution): () => number {
  // A constant draws nothing: no stream is set up for it.
  return of.constant
    ? of.sampler(() => 0)
    : of.sampler(context.rng.stream(`${context.streams}/${purpose}`).source());
}

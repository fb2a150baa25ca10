// Distributions as workload arguments: `12`, `{ lognormal: { mean: 12, cv: 1 } }`, `{ choice: [1, 2, 4] }`, …
// Parameters are written in the unit of the argument (`{ exponential: { mean: 5m } }` for a duration); samples are
// whole numbers of that unit's base (µs, millicores, bytes, pods). Formulas are those of the textbooks; the draws
// come from d3-random over a named stream, so one seed gives one sequence.
// This is one of the named places that call log, exp and pow: samples are equal on one Node major version.
import { randomExponential, randomLogNormal, randomPareto, randomUniform, randomWeibull } from 'd3-random';
import * as z from 'zod';
import type { Unit } from './units.ts';

/** A source of uniform numbers in [0, 1). */
export type Source = () => number;

export interface Distribution {
  /** Its mean in base units before rounding and before `max` cuts it; Infinity where the tail has none. */
  readonly mean: number;
  /** True where every sample is the same. */
  readonly constant: boolean;
  /** Returns a function that draws whole numbers of base units; one sampler a stream. */
  sampler(source: Source): () => number;
}

/** z such that Φ(z) = 0.99 (tables of the standard normal distribution). */
const Z99 = 2.3263478740408408;

/** A checked distribution before rounding; its samples are rounded first and held within `min` … `max` then. */
interface Raw {
  readonly mean: number;
  readonly min?: number;
  readonly max?: number | undefined;
  /** Samples are values that the user wrote: they are not rounded to steps of the unit. */
  readonly exact?: boolean;
  readonly draw: (source: Source) => () => number;
}

/** Parameters of the forms, by name. Each takes the unit and gives a checked, unrounded distribution. */
const forms = {
  uniform: (unit: Unit) =>
    z
      .strictObject({ min: scalar(unit), max: scalar(unit) })
      .refine(({ min, max }) => min <= max, { path: ['max'], message: 'must not be smaller than min' })
      .transform(({ min, max }): Raw => {
        // Both ends can occur, each as often as any other value: [min - ½, max + ½) rounds to min … max.
        const half = unit.step / 2;
        return {
          mean: (min + max) / 2,
          min,
          max,
          draw: (source) => randomUniform.source(source)(min - half, max + half),
        };
      }),

  exponential: (unit: Unit) =>
    z.strictObject({ mean: positive(unit), max: positive(unit).optional() }).transform(
      ({ mean, max }): Raw => ({
        mean,
        max,
        draw: (source) => randomExponential.source(source)(1 / mean),
      }),
    ),

  lognormal: (unit: Unit) =>
    z
      .strictObject({
        mean: positive(unit).optional(),
        cv: z.number().positive().optional(),
        p50: positive(unit).optional(),
        p99: positive(unit).optional(),
        max: positive(unit).optional(),
      })
      .transform((args, context): Raw => {
        const parameters = lognormalParameters(args);
        if (typeof parameters === 'string') {
          context.issues.push({ code: 'custom', message: parameters, input: args });
          return z.NEVER;
        }
        const { mu, sigma } = parameters;
        return {
          mean: Math.exp(mu + sigma ** 2 / 2),
          max: args.max,
          draw: (source) => randomLogNormal.source(source)(mu, sigma),
        };
      }),

  pareto: (unit: Unit) =>
    z
      .strictObject({ min: positive(unit), alpha: z.number().positive(), max: positive(unit).optional() })
      .refine(({ min, max }) => max === undefined || max >= min, {
        path: ['max'],
        message: 'must not be smaller than min',
      })
      .transform(
        ({ min, alpha, max }): Raw => ({
          mean: alpha > 1 ? (alpha * min) / (alpha - 1) : Number.POSITIVE_INFINITY,
          min,
          max,
          draw: (source) => {
            const unitPareto = randomPareto.source(source)(alpha);
            return () => min * unitPareto();
          },
        }),
      ),

  weibull: (unit: Unit) =>
    z
      .strictObject({ scale: positive(unit), shape: z.number().positive(), max: positive(unit).optional() })
      .transform(
        ({ scale, shape, max }): Raw => ({
          mean: scale * gamma(1 + 1 / shape),
          max,
          draw: (source) => randomWeibull.source(source)(shape, 0, scale),
        }),
      ),

  /** Ranks 1 … max with probability ∝ rank^-exponent. */
  zipf: (unit: Unit) =>
    z
      .strictObject({ max: scalar(unit), exponent: z.number().nonnegative().default(1) })
      .refine(({ max }) => max >= 1 && max <= 1e6, {
        path: ['max'],
        message: 'must lie between 1 and 1000000',
      })
      .transform(({ max, exponent }): Raw => {
        const values = Array.from({ length: max }, (_, index) => index + 1);
        return discrete(
          values,
          values.map((rank) => rank ** -exponent),
        );
      }),

  /** One of a list, with equal chances or by weight. */
  choice: (unit: Unit) =>
    z
      .union([
        z
          .array(scalar(unit))
          .min(1)
          .transform((values) => ({ values, weights: values.map(() => 1) })),
        z
          .strictObject({
            values: z.array(scalar(unit)).min(1),
            weights: z.array(z.number().nonnegative()).min(1),
          })
          .refine(({ values, weights }) => values.length === weights.length, {
            path: ['weights'],
            message: 'must have as many entries as values',
          })
          .refine(({ weights }) => weights.some((weight) => weight > 0), {
            path: ['weights'],
            message: 'at least one must be larger than 0',
          }),
      ])
      .transform(({ values, weights }): Raw => discrete(values, weights)),
} as const;

export const distributionForms: readonly string[] = Object.keys(forms).sort();

/** Schema of an argument that is a number of `unit` or a distribution over it. */
export function distribution(unit: Unit): z.ZodType<Distribution> {
  return z.unknown().transform((raw, context): Distribution => {
    const issues = context.issues;
    const fail = (message: string, path: PropertyKey[] = []): typeof z.NEVER => {
      issues.push({ code: 'custom', message, path, input: raw });
      return z.NEVER;
    };
    if (typeof raw !== 'object' || raw === null) {
      const value = unit.parse(raw);
      const problem = scalarProblem(unit, value, raw);
      return problem === null
        ? constant(value)
        : fail(`${problem}, or a distribution such as { uniform: … }`);
    }
    const names = Object.keys(raw);
    const name = names[0];
    if (Array.isArray(raw) || names.length !== 1 || name === undefined || !(name in forms)) {
      return fail(
        `must be ${unit.form}, or one of ${distributionForms.map((form) => `{ ${form}: … }`).join(', ')}`,
      );
    }
    const parsed = forms[name as keyof typeof forms](unit).safeParse((raw as Record<string, unknown>)[name]);
    if (parsed.success) return rounded(parsed.data, unit);
    for (const issue of flatten(parsed.error.issues)) fail(issue.message, [name, ...issue.path]);
    return z.NEVER;
  });
}

/** Schema of one value of `unit`, in base units. */
export function scalar(unit: Unit): z.ZodType<number> {
  return z.unknown().transform((raw, context): number => {
    const value = unit.parse(raw);
    const problem = scalarProblem(unit, value, raw);
    if (problem === null) return value;
    context.issues.push({ code: 'custom', message: problem, input: raw });
    return z.NEVER;
  });
}

/** As `scalar`, above zero. */
export function positive(unit: Unit): z.ZodType<number> {
  return scalar(unit).refine((value) => value > 0, { message: 'must be larger than 0' });
}

export function constant(value: number): Distribution {
  return { mean: value, constant: true, sampler: () => () => value };
}

function scalarProblem(unit: Unit, value: number, raw: unknown): string | null {
  if (raw === undefined) return 'is required';
  if (Number.isNaN(value) || value < unit.min) return `must be ${unit.form}, not ${JSON.stringify(raw)}`;
  return null;
}

/** An error of a union hides which member was meant; the issues of the best-matching member speak for it. */
function flatten(issues: readonly z.core.$ZodIssue[]): { path: PropertyKey[]; message: string }[] {
  return issues.flatMap((issue) => {
    if (issue.code !== 'invalid_union' || issue.errors.length === 0)
      return [{ path: issue.path, message: issue.message }];
    const members = issue.errors.map((member) => flatten(member));
    const deepest = members.reduce((best, member) => (depth(member) > depth(best) ? member : best));
    return deepest.map((inner) => ({ path: [...issue.path, ...inner.path], message: inner.message }));
  });
}

const depth = (issues: readonly { path: PropertyKey[] }[]): number =>
  Math.max(0, ...issues.map(({ path }) => path.length));

/** mean and cv, or p50 and p99: mu and sigma of the underlying normal distribution, or what is wrong. */
function lognormalParameters(args: {
  mean?: number | undefined;
  cv?: number | undefined;
  p50?: number | undefined;
  p99?: number | undefined;
}): { mu: number; sigma: number } | string {
  const { mean, cv, p50, p99 } = args;
  if (mean !== undefined && p50 === undefined && p99 === undefined) {
    // mean = exp(mu + sigma²/2), cv² = exp(sigma²) - 1.
    const variance = Math.log(1 + (cv ?? 1) ** 2);
    return { mu: Math.log(mean) - variance / 2, sigma: Math.sqrt(variance) };
  }
  if (p50 !== undefined && p99 !== undefined && mean === undefined && cv === undefined) {
    if (p99 < p50) return 'p99 must not be smaller than p50';
    return { mu: Math.log(p50), sigma: (Math.log(p99) - Math.log(p50)) / Z99 };
  }
  return 'takes mean with an optional cv (default 1), or p50 with p99';
}

/** Rounds to steps of the unit: continuous requests would otherwise make a template of each pod. */
function rounded(raw: Raw, unit: Unit): Distribution {
  const step = raw.exact === true ? 1 : unit.step;
  const min = Math.max(unit.min, raw.min ?? unit.min);
  const max = raw.max ?? Number.MAX_SAFE_INTEGER;
  return {
    mean: raw.mean,
    constant: false,
    sampler: (source) => {
      const draw = raw.draw(source);
      return () => Math.min(max, Math.max(min, Math.round(draw() / step) * step));
    },
  };
}

function discrete(values: readonly number[], weights: readonly number[]): Raw {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let running = 0;
  const upTo = weights.map((weight) => (running += weight) / total);
  return {
    exact: true,
    mean: values.reduce((sum, value, index) => sum + value * (weights[index]! / total), 0),
    draw: (source) => () => values[firstAbove(upTo, source())]!,
  };
}

/** Index of the first entry of the rising list `upTo` that is larger than `u`; the last one if rounding left none. */
function firstAbove(upTo: readonly number[], u: number): number {
  let low = 0;
  let high = upTo.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (upTo[middle]! > u) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Γ(x) for x ≥ 1 by Lanczos' approximation (g = 7, 9 terms; Numerical Recipes §6.1): relative error below 1e-13. */
function gamma(x: number): number {
  const terms = [
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  const shifted = x - 1;
  const sum = terms.reduce(
    (partial, term, index) => partial + term / (shifted + index + 1),
    0.99999999999980993,
  );
  const t = shifted + 7.5;
  return Math.sqrt(2 * Math.PI) * t ** (shifted + 0.5) * Math.exp(-t) * sum;
}

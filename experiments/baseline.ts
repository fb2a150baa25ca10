// The baseline of a gate: one JSON file, meant to be committed. It holds what is compared and nothing else: by variant and
// replication the seed, the fingerprint and the numbers of summary.csv that have a direction.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import * as z from 'zod';
import type { Replication, VariantRuns } from '../reports/compare/compare.ts';
import { metricKind } from '../reports/compare/directions.ts';
import { jsonText } from '../reports/summary.ts';
import { UserError } from './problems.ts';
import type { RecordedVariant } from './replications.ts';
import { type RunManifest, versions } from './run-directory.ts';

export interface BaselineRun extends Replication {
  readonly fingerprint: string;
}

export interface BaselineVariant extends VariantRuns {
  readonly runs: readonly BaselineRun[];
}

export interface Baseline {
  readonly experiment: string;
  readonly versions: RunManifest['versions'];
  readonly variants: readonly BaselineVariant[];
}

const baselineSchema = z.object({
  apiVersion: z.literal('kubetick.io/v1'),
  kind: z.literal('Baseline'),
  experiment: z.string(),
  versions: z.object({ kubetick: z.string(), kubernetes: z.string(), node: z.number() }),
  variants: z.array(
    z.object({
      variant: z.string(),
      runs: z
        .array(
          z.object({
            replication: z.int().min(1),
            seed: z.union([z.number(), z.string()]),
            fingerprint: z.string(),
            metrics: z.record(z.string(), z.number()),
          }),
        )
        .min(1),
    }),
  ),
});

/** Reads the file; a UserError where it is missing or no baseline. */
export function readBaseline(file: string): Baseline {
  const refuse = (message: string, hint: string): never => {
    throw new UserError({ code: 'E4007', file, message, hint });
  };
  const update = 'kubetick gate … --update-baseline writes it';
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return refuse('there is no baseline', update);
    return refuse(`cannot be read: ${(error as Error).message}`, update);
  }
  const result = baselineSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    return refuse(`is no baseline: ${issue.path.join('.')}: ${issue.message}`, update);
  }
  const { experiment, versions: made, variants } = result.data;
  return {
    experiment,
    versions: made,
    variants: variants.map(({ variant, runs }) => ({
      label: variant,
      runs: runs.map(({ metrics, ...run }) => ({ ...run, metrics: new Map(Object.entries(metrics)) })),
    })),
  };
}

/** Writes the file whole or not at all. */
export function writeBaseline(file: string, experiment: string, variants: readonly RecordedVariant[]): void {
  const temporary = `${file}.${process.pid}.tmp`;
  const text = jsonText({
    apiVersion: 'kubetick.io/v1',
    kind: 'Baseline',
    experiment,
    versions: versions(),
    variants: variants.map(({ name, runs }) => ({
      variant: name,
      runs: runs.map(({ replication, seed, fingerprint, metrics }) => ({
        replication,
        seed,
        fingerprint,
        metrics: Object.fromEntries([...metrics].filter(([metric]) => metricKind(metric).direction !== null)),
      })),
    })),
  });
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UserError({
      code: 'E4002',
      file,
      message: `the baseline cannot be written: ${(error as Error).message.replace(/,[^,]*$/, '')}`,
      hint: 'check the path, permissions and free space',
    });
  }
}

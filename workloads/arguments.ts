// Argument tables of workloads: one list gives the schema that checks them and the text that `kubetick list workloads`
// prints, so that the two cannot differ. All problems of one use are found in one pass, each with its path.
import { closest, distance } from 'fastest-levenshtein';
import type * as z from 'zod';
import type { ArgumentProblem, Workload, WorkloadDefinition } from '../engine/index.ts';

/** One argument. `defaultTo` is written as a user would write it and goes through the same schema. */
export interface Argument<T> {
  readonly schema: z.ZodType<T>;
  /** For people: `duration`, `distribution of CPU quantities`. */
  readonly type: string;
  readonly help: string;
  readonly defaultTo?: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: the type of each argument is inferred from its own schema.
type ArgumentTable = Record<string, Argument<any>>;

export type Parsed<Table extends ArgumentTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Argument<infer T> ? T : never;
};

/** A workload out of its argument table: `build` gets checked values, and may add problems that concern several. */
export function defineWorkload<const Table extends ArgumentTable>(definition: {
  readonly name: string;
  readonly about: string;
  readonly file?: string;
  readonly args: Table;
  build(args: Parsed<Table>): { workload: Workload } | { problems: readonly ArgumentProblem[] };
}): WorkloadDefinition {
  const { args: table } = definition;
  const names = Object.keys(table);
  return {
    name: definition.name,
    about: definition.about,
    ...(definition.file === undefined ? {} : { file: definition.file }),
    args: names.map((name) => {
      const { type, help, defaultTo } = table[name]!;
      return { name, type, help, ...(defaultTo === undefined ? {} : { default: JSON.stringify(defaultTo) }) };
    }),
    create(raw) {
      const problems: ArgumentProblem[] = Object.keys(raw)
        .filter((name) => !names.includes(name))
        .map((name) => ({ path: [name], message: unknownArgument(name, names) }));
      const values: Record<string, unknown> = {};
      for (const name of names) {
        const { schema, defaultTo } = table[name]!;
        const parsed = schema.safeParse(raw[name] ?? defaultTo);
        if (parsed.success) values[name] = parsed.data;
        else problems.push(...parsed.error.issues.map((issue) => toProblem(name, issue)));
      }
      return problems.length > 0 ? { problems } : definition.build(values as Parsed<Table>);
    },
  };
}

/** A problem whose cause is the combination of arguments. */
export function argumentProblem(path: readonly (string | number)[], message: string): ArgumentProblem {
  return { path, message };
}

function toProblem(name: string, issue: z.core.$ZodIssue): ArgumentProblem {
  const path = [name, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))];
  return { path, message: issue.message };
}

function unknownArgument(name: string, names: readonly string[]): string {
  const nearest = closest(name, [...names]);
  const near = distance(name, nearest) <= Math.max(2, name.length / 3);
  return near
    ? `unknown argument; did you mean ${nearest}?`
    : `unknown argument; known are ${names.join(', ')}`;
}

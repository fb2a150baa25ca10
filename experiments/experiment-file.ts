// One Experiment document: `--set` applied, checked against the schema, every problem with its place and, for unknown
// keys, the nearest known one.
import type * as z from 'zod';
import { type ManifestObject, parseFieldPath } from '../workloads/manifests.ts';
import { readYaml } from '../workloads/yaml-text.ts';
import type { UserProblem } from './problems.ts';
import {
  type Experiment,
  experimentSchema,
  knownKeys,
  type ScenarioHeader,
  scenarioSchema,
} from './schema.ts';
import { didYouMean } from './suggest.ts';

type Json = Record<string, unknown>;

const isContainer = (value: unknown): value is Json | unknown[] =>
  typeof value === 'object' && value !== null;

/** `a.0.b` or `a[0].b` with or without the leading `spec.`; metadata is reached as `metadata.…`. */
export function setPath(path: string): (string | number)[] {
  const steps = parseFieldPath(path).map((s) =>
    typeof s === 'string' && /^[0-9]+$/.test(s) ? Number(s) : s,
  );
  return steps[0] === 'spec' || steps[0] === 'metadata' ? steps : ['spec', ...steps];
}

/** Applies one `path=value` to the raw Experiment, in place; the value is read as YAML. */
function applySet(raw: Json, setting: string): UserProblem | null {
  const problem = (message: string, hint?: string): UserProblem => ({
    code: 'E1003',
    path: `--set ${setting}`,
    message,
    ...(hint === undefined ? {} : { hint }),
  });
  const equals = setting.indexOf('=');
  if (equals <= 0) return problem('expected PATH=VALUE', 'for example --set cluster.nodes.0.count=100');
  const steps = setPath(setting.slice(0, equals));
  const value = readYaml(setting.slice(equals + 1));
  if ('problem' in value) return problem(`the value is not valid YAML: ${value.problem.message}`);
  const message = setAt(raw, steps, value.value);
  return message === null ? null : problem(message);
}

/** Puts a value at its place, in place; says why that cannot be. Mappings and lists on the way are made. */
function setAt(raw: Json, steps: readonly (string | number)[], value: unknown): string | null {
  let at: Json | unknown[] = raw;
  for (const [i, step] of steps.entries()) {
    const last = i === steps.length - 1;
    const here = steps.slice(0, i).join('.');
    if (Array.isArray(at)) {
      if (typeof step !== 'number' || step > at.length)
        return `${here} is a list of ${at.length}; ${JSON.stringify(step)} is not an index in it`;
    }
    const container = at as Record<string | number, unknown>;
    if (last) container[step] = structuredClone(value);
    else {
      const next = Object.hasOwn(container, step) ? container[step] : undefined;
      if (next === undefined || next === null) container[step] = typeof steps[i + 1] === 'number' ? [] : {};
      else if (!isContainer(next))
        return `${steps.slice(0, i + 1).join('.')} is ${JSON.stringify(next)}, not a mapping or list`;
      at = container[step] as Json | unknown[];
    }
  }
  return null;
}

/** A value of a variant of a sweep, at its place in the Experiment. */
export interface Change {
  /** As the user wrote it. */
  readonly path: string;
  readonly value: unknown;
  /** Where the sweep says so, as steps in the file. */
  readonly origin: readonly (string | number)[];
}

/** The Experiment of one variant: the values of its axes set, the sweep itself taken out. */
function applyChanges(raw: Json, manifest: ManifestObject, changes: readonly Change[]): UserProblem[] {
  const spec = raw['spec'] as Json;
  delete spec['sweep'];
  if (isContainer(spec['seeds'])) delete (spec['seeds'] as Json)['replications'];
  return changes.flatMap(({ path, value, origin }) => {
    const message = setAt(raw, setPath(path), value);
    if (message === null) return [];
    return [
      {
        code: 'E3012',
        file: manifest.source,
        ...manifest.position(origin),
        path: pathText(origin),
        message: `cannot be set at ${path}: ${message}`,
      },
    ];
  });
}

/** `spec.cluster.nodes[0].count` from the steps of an issue. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path)
    text += typeof step === 'number' ? `[${step}]` : text === '' ? String(step) : `.${String(step)}`;
  return text;
}

function issueProblems(
  issue: z.core.$ZodIssue,
  manifest: ManifestObject,
  schema: z.ZodType,
  raw: unknown,
): UserProblem[] {
  const place = (path: readonly PropertyKey[]) => manifest.position(path as (string | number)[]);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      const known = knownKeys(schema, issue.path);
      return {
        code: 'E3001',
        file: manifest.source,
        ...place(path),
        path: pathText(path),
        message: `unknown key ${JSON.stringify(key)}`,
        hint: didYouMean(key, known),
      };
    });
  }
  const found = issue.path.reduce<unknown>(
    (at, step) => (isContainer(at) ? (at as Record<PropertyKey, unknown>)[step] : undefined),
    raw,
  );
  let message = issue.message
    .replace(/^Invalid input: /, '')
    .replace(/^Invalid option: /, '')
    .replace(/^Too (?:big|small): /, '');
  let code = 'E3002';
  if (issue.code === 'custom') code = (issue.params?.['code'] as string | undefined) ?? code;
  if (issue.code === 'invalid_union') {
    // The most telling branch: one that failed on the value and not on its type.
    const branch = issue.errors.flat().find((inner) => inner.code !== 'invalid_type');
    if (branch?.code === 'custom') {
      message = branch.message;
      code = (branch.params?.['code'] as string | undefined) ?? code;
    } else
      message = `expected ${issue.errors
        .flat()
        .map((inner) => inner.message.replace(/^Invalid input: expected ([^,]+),.*$/, '$1'))
        .join(' or ')}`;
  }
  if (issue.code === 'invalid_type' && found === undefined)
    message = `is missing (${message.replace(/, received undefined$/, '')})`;
  else if (!message.includes('found') && !message.includes('received') && issue.code !== 'custom') {
    message += `, found ${found === undefined ? 'nothing' : JSON.stringify(found)}`;
  }
  return [{ code, file: manifest.source, ...place(issue.path), path: pathText(issue.path), message }];
}

function check<T>(
  manifest: ManifestObject,
  schema: z.ZodType<T>,
  raw: unknown,
): { value: T } | { problems: UserProblem[] } {
  const result = schema.safeParse(raw, { reportInput: false });
  if (result.success) return { value: result.data };
  return { problems: result.error.issues.flatMap((issue) => issueProblems(issue, manifest, schema, raw)) };
}

/** Reads an Experiment after applying the `--set` values; with changes, as one variant of its sweep. */
export function readExperiment(
  manifest: ManifestObject,
  settings: readonly string[],
  changes?: readonly Change[],
): { value: Experiment } | { problems: UserProblem[] } {
  const raw = structuredClone(manifest.raw) as Json;
  const problems: UserProblem[] = [];
  for (const setting of settings) {
    const problem = applySet(raw, setting);
    if (problem !== null) problems.push(problem);
  }
  if (raw['kind'] !== 'Experiment') {
    const kind = typeof raw['kind'] === 'string' ? raw['kind'] : '';
    return {
      problems: [
        {
          code: 'E3002',
          file: manifest.source,
          ...manifest.position('kind'),
          path: 'kind',
          message: `unknown kind ${JSON.stringify(kind)} in ${String(raw['apiVersion'])}; expected "Experiment"`,
        },
      ],
    };
  }
  if (changes !== undefined && isContainer(raw['spec']))
    problems.push(...applyChanges(raw, manifest, changes));
  const checked = check(manifest, experimentSchema, raw);
  if ('problems' in checked) problems.push(...checked.problems);
  return problems.length > 0 || 'problems' in checked ? { problems } : checked;
}

export function readScenarioHeader(
  manifest: ManifestObject,
): { value: ScenarioHeader } | { problems: UserProblem[] } {
  return check(manifest, scenarioSchema, manifest.raw);
}

// `spec.sweep` to its variants: axes with lists and ranges, their products, named variants that extend others, and
// what `except` leaves out. Every mistake is told at its place, all at once; nothing is resolved here.
import { checkExpect } from '../engine/metrics/expect.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { type Change, pathText, setPath } from './experiment-file.ts';
import type { UserProblem } from './problems.ts';
import { type Experiment, experimentSchema, unknownStep } from './schema.ts';
import { didYouMean } from './suggest.ts';

export interface Variant {
  /** `default` without a sweep; else the named variant and `axis=value` of each axis, joined by commas. */
  readonly name: string;
  /** Value of each axis as text; `variant` for the named one. */
  readonly values: Readonly<Record<string, string>>;
  readonly changes: readonly Change[];
}

type Sweep = NonNullable<Experiment['spec']['sweep']>;
type Axis = NonNullable<Sweep['axes']>[string];
type Place = readonly (string | number)[];

/** More variants than this are a slip of a range. */
const VARIANTS_MAX = 100_000;
/** Key of the named variant among the values. */
const NAMED = 'variant';

/** Variants in order: named ones as written, within each the product of the axes, the last axis fastest. */
export function expandSweep(
  experiment: Experiment,
  manifest: ManifestObject,
): { readonly variants: readonly Variant[] } | { readonly problems: readonly UserProblem[] } {
  const { sweep } = experiment.spec;
  if (sweep === undefined) return { variants: [{ name: 'default', values: {}, changes: [] }] };
  const expander = new Expander(sweep, manifest);
  const variants = expander.expand();
  return expander.problems.length > 0 ? { problems: expander.problems } : { variants };
}

/** One choice of an axis, or one named variant. */
interface Choice {
  readonly text: string;
  readonly json: string;
  readonly changes: readonly Change[];
}

class Expander {
  readonly problems: UserProblem[] = [];
  private readonly sweep: Sweep;
  private readonly manifest: ManifestObject;

  constructor(sweep: Sweep, manifest: ManifestObject) {
    this.sweep = sweep;
    this.manifest = manifest;
  }

  expand(): Variant[] {
    const dimensions = new Map<string, readonly Choice[]>();
    const named = this.named();
    if (named.length > 0) dimensions.set(NAMED, named);
    for (const [name, axis] of Object.entries(this.sweep.axes ?? {})) {
      const at = ['axes', name];
      if (name === 'true' || name === 'false')
        this.problem(
          at,
          `an axis cannot be named ${name}`,
          'YAML reads y, n, yes, no, on and off as booleans: quote the name',
        );
      else if (name === NAMED)
        this.problem(at, `an axis cannot be named "${NAMED}"`, 'named variants have that name');
      else dimensions.set(name, this.choices(at, axis));
    }
    (this.sweep.expect ?? []).forEach((text, i) => {
      const message = checkExpect(text);
      if (message !== null) this.problem(['expect', i], message, '', 'E3008');
    });
    if (dimensions.size === 0) this.problem([], 'the sweep has neither axes nor variants');
    const excepted = this.exceptions(dimensions);
    if (this.problems.length > 0) return [];
    const count = [...dimensions.values()].reduce((product, { length }) => product * length, 1);
    if (count > VARIANTS_MAX) {
      this.problem([], `${count} variants, at most ${VARIANTS_MAX} are expanded`);
      return [];
    }
    const all = combinations([...dimensions.entries()]).filter((picked) => !excepted(picked));
    if (all.length === 0) this.problem(['except'], 'every combination is left out');
    return all.map((picked) => ({
      name: picked.map(([axis, { text }]) => (axis === NAMED ? text : `${axis}=${text}`)).join(','),
      values: Object.fromEntries(picked.map(([axis, { text }]) => [axis, text])),
      changes: picked.flatMap(([, { changes }]) => changes),
    }));
  }

  private choices(at: Place, axis: Axis): Choice[] {
    this.checkPath(axis.at, [...at, 'at'], [...at, 'at']);
    const isRange = axis.from !== undefined || axis.to !== undefined || axis.step !== undefined;
    if (axis.values !== undefined && isRange)
      this.problem(at, 'has values and a range', 'give either `values`, or `from`, `to` and `step`');
    else if (axis.values === undefined && !isRange)
      this.problem(at, 'has no values', 'give `values: […]`, or `from`, `to` and `step`');
    const values = axis.values ?? (isRange ? this.range(at, axis) : []);
    const place = ['spec', 'sweep', ...at];
    const choices = values.map((value, i) => ({
      text: textOf(value, i),
      json: JSON.stringify(value),
      changes: [
        { path: axis.at, value, origin: axis.values === undefined ? place : [...place, 'values', i] },
      ],
    }));
    const seen = new Set<string>();
    choices.forEach(({ text }, i) => {
      if (seen.has(text)) this.problem([...at, 'values', i], `the value ${text} stands here twice`);
      seen.add(text);
    });
    return choices;
  }

  /** Values of a range by multiplication, rounded to 12 digits: 0.1 to 0.3 by 0.1 is 0.1, 0.2, 0.3. */
  private range(at: Place, { from, to, step = 1 }: Axis): number[] {
    if (from === undefined || to === undefined) {
      this.problem(at, `a range needs ${from === undefined ? '`from`' : '`to`'}`);
      return [];
    }
    const steps = (to - from) / step;
    if (step === 0 || steps < 0) {
      this.problem(at, `from ${from} by steps of ${step} never comes to ${to}`);
      return [];
    }
    const count = Math.floor(steps + 1e-9) + 1;
    if (count > VARIANTS_MAX) {
      this.problem(at, `the range has ${count} values, at most ${VARIANTS_MAX} are expanded`);
      return [];
    }
    return Array.from({ length: count }, (_, i) => Number((from + i * step).toPrecision(12)));
  }

  private named(): Choice[] {
    const { variants } = this.sweep;
    if (variants === undefined) return [];
    const names = Object.keys(variants);
    return names.map((name) => {
      for (const path of Object.keys(variants[name]!.set ?? {}))
        this.checkPath(path, ['variants', name, 'set', path], ['variants', name, 'set', path]);
      return { text: name, json: JSON.stringify(name), changes: this.inherited(name, []) };
    });
  }

  /** Changes of a variant: those of what it extends first, its own on top. */
  private inherited(name: string, below: readonly string[]): Change[] {
    const variants = this.sweep.variants!;
    const { extends: base, set = {} } = variants[name]!;
    const own = Object.entries(set).map(([path, value]) => ({
      path,
      value,
      origin: ['spec', 'sweep', 'variants', name, 'set', path],
    }));
    if (base === undefined) return own;
    const at = ['variants', name, 'extends'];
    if (!Object.hasOwn(variants, base)) {
      if (below.length === 0)
        this.problem(at, `no variant named ${JSON.stringify(base)}`, didYouMean(base, Object.keys(variants)));
      return own;
    }
    const chain = [...below, name];
    if (chain.includes(base)) {
      if (base === chain[0])
        this.problem(['variants', base, 'extends'], `extends itself: ${[...chain, base].join(' → ')}`);
      return own;
    }
    return [...this.inherited(base, chain), ...own];
  }

  private checkPath(path: string, at: Place, hintAt: Place): void {
    const steps = setPath(path);
    if (steps[0] === 'metadata' || steps[1] === 'sweep' || steps[1] === 'seeds') {
      this.problem(at, `${path} is not part of what a variant can change`, 'give a path inside spec');
      return;
    }
    const unknown = unknownStep(experimentSchema, steps);
    if (unknown === null) return;
    const parent = pathText(steps.slice(0, unknown.at));
    const key = String(steps[unknown.at]);
    if (unknown.list) this.problem(hintAt, `${parent} is a list; ${JSON.stringify(key)} is not a number`);
    else
      this.problem(
        hintAt,
        `${path}: unknown key ${JSON.stringify(key)} in ${parent}`,
        didYouMean(key, unknown.known),
      );
  }

  private exceptions(
    dimensions: ReadonlyMap<string, readonly Choice[]>,
  ): (picked: readonly (readonly [string, Choice])[]) => boolean {
    const rules = (this.sweep.except ?? []).map((rule, i) => {
      if (Object.keys(rule).length === 0) this.problem(['except', i], 'leaves everything out');
      return new Map(
        Object.entries(rule).map(([axis, wanted]) => {
          const values = (Array.isArray(wanted) ? wanted : [wanted]).map((value) => JSON.stringify(value));
          const known = dimensions.get(axis);
          const at = ['except', i, axis];
          if (known === undefined)
            this.problem(
              at,
              `no axis named ${JSON.stringify(axis)}`,
              didYouMean(axis, [...dimensions.keys()]),
            );
          else
            for (const value of values)
              if (known.length > 0 && !known.some(({ json }) => json === value))
                this.problem(
                  at,
                  `${value} is no value of ${axis}`,
                  `it has ${known
                    .slice(0, 12)
                    .map(({ json }) => json)
                    .join(', ')}`,
                );
          return [axis, new Set(values)] as const;
        }),
      );
    });
    return (picked) =>
      rules.some((rule) => picked.every(([axis, { json }]) => rule.get(axis)?.has(json) ?? true));
  }

  private problem(at: Place, message: string, hint = '', code = 'E3012'): void {
    const place = ['spec', 'sweep', ...at];
    this.problems.push({
      code,
      file: this.manifest.source,
      ...this.manifest.position(place),
      path: pathText(place),
      message,
      ...(hint === '' ? {} : { hint }),
    });
  }
}

/** Values that print on one short line stand in names as they are, others by their number. */
function textOf(value: unknown, index: number): string {
  if (typeof value === 'object' && value !== null) return `#${index + 1}`;
  const text = String(value);
  return text !== '' && text.length <= 60 && !/[\s,]/.test(text) ? text : `#${index + 1}`;
}

function combinations(
  dimensions: readonly (readonly [string, readonly Choice[]])[],
): (readonly (readonly [string, Choice])[])[] {
  let all: (readonly (readonly [string, Choice])[])[] = [[]];
  for (const [axis, choices] of dimensions)
    all = all.flatMap((picked) => choices.map((choice) => [...picked, [axis, choice] as const]));
  return all;
}

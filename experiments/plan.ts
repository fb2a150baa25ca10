// The runs of an experiment: every variant resolved and checked before any is run, times its replications. A plan is a
// function of the files and options alone, so that shards and workers on other machines make the same one.
import { join } from 'node:path';
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { expandSweep, type Variant } from './expand.ts';
import { type Change, pathText, readExperiment, setPath } from './experiment-file.ts';
import { readInput } from './input.ts';
import { judgeObject } from './judge.ts';
import { type Loaded, type LoadOptions, loadScenario } from './load.ts';
import { UserError, type UserProblem } from './problems.ts';
import { replicationName, variantFolder } from './run-directory.ts';
import { withPortableSources } from './source-names.ts';

export interface PlannedVariant {
  readonly name: string;
  readonly values: Readonly<Record<string, string>>;
  /** Of replication 1; the others differ in the number only: the engine derives their random streams from it. */
  readonly scenario: ResolvedScenario;
  /** Its warm-up is settled by pilots before it is run. */
  readonly autoWarmUp: boolean;
  /** `<variant>-<hash>`, inside the directory of the sweep. */
  readonly folder: string;
}

export interface PlannedRun {
  readonly variant: PlannedVariant;
  readonly replication: number;
  /** Inside the directory of the sweep, with `/`. */
  readonly directory: string;
}

export interface Plan {
  readonly experiment: string;
  readonly variants: readonly PlannedVariant[];
  readonly replications: number;
  /** Expectations on the mean over the replications of each variant. */
  readonly expect: readonly string[];
  readonly runs: readonly PlannedRun[];
}

export type PlanOptions = Pick<
  LoadOptions,
  'set' | 'seed' | 'plugin' | 'skipInvalid' | 'readStdin' | 'until'
>;

/** Texts of traces longer than this are kept once for all variants, characters. */
const SHARED_TEXT_MIN = 4096;

/** Loads an Experiment and all its variants. Throws UserError with every problem of every variant. */
export async function loadPlan(paths: readonly string[], options: PlanOptions = {}): Promise<Plan> {
  const manifest = theExperiment(paths, options);
  const read = readExperiment(manifest, options.set ?? []);
  if ('problems' in read) throw new UserError(read.problems);
  const expanded = expandSweep(read.value, manifest);
  if ('problems' in expanded) throw new UserError(expanded.problems);
  const { sweep, seeds } = read.value.spec;
  const scenarios = await resolveAll(paths, expanded.variants, manifest, options);
  const variants = expanded.variants.map(({ name, values }, i) => {
    const { scenario, autoWarmUp } = scenarios[i]!;
    return { name, values, scenario, autoWarmUp, folder: variantFolder(scenario) };
  });
  return planOf({
    experiment: read.value.metadata.name,
    variants,
    replications: seeds?.replications ?? 1,
    expect: sweep?.expect ?? [],
  });
}

function planOf(plan: Omit<Plan, 'runs'>): Plan {
  const replications = Array.from({ length: plan.replications }, (_, i) => i + 1);
  const runs = plan.variants.flatMap((variant) => replications.map((number) => plannedRun(variant, number)));
  return { ...plan, runs };
}

/** The plan with a warm-up for the variants that have left it open, the same for all of them: they are compared. */
export function withWarmUp(plan: Plan, warmUpUs: number): Plan {
  const variants = plan.variants.map((variant) => {
    if (!variant.autoWarmUp) return variant;
    const scenario = { ...variant.scenario, warmUpUs };
    return { ...variant, scenario, folder: variantFolder(scenario) };
  });
  return planOf({ ...plan, variants });
}

export function plannedRun(variant: PlannedVariant, replication: number): PlannedRun {
  return { variant, replication, directory: `${variant.folder}/${replicationName(replication)}` };
}

/** What is simulated. */
export function scenarioOf({ variant, replication }: PlannedRun): ResolvedScenario {
  return { ...variant.scenario, replication };
}

/** `runs/<experiment>`, as `kubetick run` would choose it. */
export function defaultSweepDirectory(plan: Plan): string {
  return join('runs', plan.experiment);
}

function theExperiment(paths: readonly string[], { readStdin }: PlanOptions) {
  const input = readInput(paths, judgeObject, readStdin === undefined ? {} : { readStdin });
  const { experiments, scenarios, problems } = input;
  const [first] = experiments;
  if (first !== undefined && experiments.length + scenarios.length === 1) return first;
  if (first !== undefined)
    throw new UserError({
      code: 'E3003',
      file: [...experiments, ...scenarios.map(({ header }) => header)][1]!.source,
      message: `another Experiment or scenario; the first is in ${first.source}`,
    });
  if (problems.length > 0) throw new UserError(problems.map(({ problem }) => problem));
  throw new UserError({
    code: 'E1005',
    path: paths.join(' '),
    message: 'no Experiment in what was given',
    hint: 'a sweep is described by `spec.sweep` and `spec.seeds` of an Experiment (docs/sweeps.md)',
  });
}

async function resolveAll(
  paths: readonly string[],
  variants: readonly Variant[],
  manifest: ManifestObject,
  options: PlanOptions,
): Promise<Loaded[]> {
  const scenarios: Loaded[] = [];
  const found = new Map<string, { readonly problem: UserProblem; readonly variants: string[] }>();
  const texts = new Map<string, string>();
  for (const { name, changes } of variants) {
    try {
      const loaded = await loadScenario(paths, { ...options, variant: { name, changes } });
      const scenario = withSharedTexts(withPortableSources(loaded.scenario, paths), texts);
      scenarios.push({ ...loaded, scenario });
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      for (const problem of error.problems.map((one) => atItsValue(one, changes, manifest))) {
        const key = JSON.stringify(problem);
        const before = found.get(key);
        if (before === undefined) found.set(key, { problem, variants: [name] });
        else before.variants.push(name);
      }
    }
  }
  if (found.size === 0) return scenarios;
  throw new UserError(
    [...found.values()].map(({ problem, variants: of }) => {
      // What is wrong in all variants is wrong in the Experiment.
      if (of.length === variants.length) return problem;
      const more = of.length === 1 ? '' : ` and ${of.length - 1} more`;
      return { ...problem, message: `${problem.message}\nin variant ${of[0]}${more}` };
    }),
  );
}

/** What is wrong with a value of an axis is told where that value stands. */
function atItsValue(problem: UserProblem, changes: readonly Change[], manifest: ManifestObject): UserProblem {
  const { path, file } = problem;
  if (path === undefined || file !== manifest.source) return problem;
  const change = changes.findLast((one) => {
    const at = pathText(setPath(one.path));
    return path === at || path.startsWith(`${at}.`) || path.startsWith(`${at}[`);
  });
  if (change === undefined) return problem;
  const origin = pathText(change.origin);
  return { ...problem, ...manifest.position(change.origin), path: `${path}, from ${origin}` };
}

function withSharedTexts(scenario: ResolvedScenario, texts: Map<string, string>): ResolvedScenario {
  const shared = (value: unknown): unknown => {
    if (typeof value !== 'string' || value.length < SHARED_TEXT_MIN) return value;
    const known = texts.get(value);
    if (known === undefined) texts.set(value, value);
    return known ?? value;
  };
  const workloads = scenario.workloads.map(({ use, args }) => ({
    use,
    args: Object.fromEntries(Object.entries(args).map(([key, value]) => [key, shared(value)])),
  }));
  return { ...scenario, workloads };
}

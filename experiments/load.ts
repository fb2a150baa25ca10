// PATHs and options to one resolved scenario, or to all problems at once. Everything a run depends on is settled here:
// files read, objects judged by the API server's rules, defaults filled in, references followed.
import type { ResolvedScenario } from '../engine/contracts/scenario.ts';
import { tryQuantity } from '../engine/kinds/quantity.ts';
import type { ManifestObject } from '../workloads/manifests.ts';
import { parseDuration } from './duration.ts';
import { type Change, readExperiment, readScenarioHeader } from './experiment-file.ts';
import { folderOf, nameFromPath, pathFrom } from './files.ts';
import { type Input, type InputProblem, readInput } from './input.ts';
import { type Judge, judgeObject } from './judge.ts';
import { LossBook } from './loss.ts';
import { amongNeighbours } from './neighbours.ts';
import { DEFAULT_NODE } from './node-groups.ts';
import { duplicateProblems, type InputObject, withoutDuplicates } from './objects.ts';
import { UserError, type UserProblem } from './problems.ts';
import { loadPolicies, type Policies, type PolicyPath } from './registry.ts';
import { resolveExperiment } from './resolve-experiment.ts';
import { resolveManifests } from './resolve-manifests.ts';
import { resolveScenarioFile } from './resolve-scenario.ts';
import { checkConfig, noteUnused } from './scheduler-config.ts';
import { SCHEDULER_PERF_PATH, schedulerPerfCase } from './scheduler-perf.ts';
import type { RunSettings } from './settings.ts';

export interface LoadOptions {
  /** Leave out what is invalid instead of refusing to run. */
  readonly skipInvalid?: boolean;
  readonly nodes?: number;
  readonly nodeCpu?: string;
  readonly nodeMemory?: string;
  readonly until?: string;
  readonly seed?: number | string;
  readonly set?: readonly string[];
  readonly readStdin?: () => Uint8Array;
  readonly judge?: Judge;
  /** One variant of the Experiment's sweep, in place of its base values. */
  readonly variant?: { readonly name: string; readonly changes: readonly Change[] };
  /** Policy files besides those that the Experiment names. */
  readonly plugin?: readonly string[];
}

export interface Loaded {
  readonly scenario: ResolvedScenario;
  /** `time.warmUp: auto`: the warm-up is still to be settled by a pilot run (warm-up.ts). */
  readonly autoWarmUp: boolean;
}

/** Loads what `kubetick run PATH...` runs. Throws UserError with every problem found. */
export async function loadScenario(paths: readonly string[], options: LoadOptions = {}): Promise<Loaded> {
  const problems: UserProblem[] = [];
  const settings = readSettings(options, problems);
  const benchmark = paths.length === 1 ? SCHEDULER_PERF_PATH.exec(paths[0]!) : null;
  if (benchmark !== null) {
    if (problems.length > 0) throw new UserError(problems);
    const { scenario } = schedulerPerfCase(benchmark[1]!, benchmark[2]!, settings);
    return { scenario, autoWarmUp: false };
  }
  const judge = options.judge ?? judgeObject;
  const readOptions = options.readStdin === undefined ? {} : { readStdin: options.readStdin };
  const input = readInput(paths, judge, readOptions);
  const loss = new LossBook();
  const kept = takeProblems(input, options.skipInvalid === true, loss, problems);
  const described = [...input.experiments, ...input.scenarios.map((s) => s.header)];
  if (described.length > 1) {
    for (const manifest of described.slice(1)) {
      problems.push({
        code: 'E3003',
        file: manifest.source,
        ...manifest.position([]),
        message: `another Experiment or scenario; the first is in ${described[0]!.source}`,
      });
    }
    throw new UserError(problems);
  }
  const experiment = input.experiments[0];
  const scenario = input.scenarios[0];
  checkOptions(options, experiment !== undefined, scenario !== undefined, problems);
  const read =
    experiment === undefined ? null : readExperiment(experiment, options.set ?? [], options.variant?.changes);
  const named: PolicyPath[] = (options.plugin ?? []).map((path) => ({ path }));
  if (experiment !== undefined && read !== null && 'value' in read)
    named.unshift(...ownPaths(experiment, read.value.spec.plugins ?? []));
  const policies = await loadPolicies(named, problems);
  const context = { settings, judge, loss, problems, skipInvalid: options.skipInvalid === true, policies };
  // Without an Experiment the default profile holds.
  if (experiment === undefined) noteUnused(checkConfig(undefined, policies).unused, loss);
  let resolved: ResolvedScenario | undefined;
  if (experiment !== undefined && read !== null) {
    if ('problems' in read) problems.push(...read.problems);
    else resolved = resolveExperiment(read.value, experiment, folderOf(experiment.source), kept, context);
  } else if (scenario !== undefined) {
    const read = readScenarioHeader(scenario.header);
    if ('problems' in read) problems.push(...read.problems);
    else {
      const header = read.value;
      resolved = resolveScenarioFile(header, scenario.header, scenario.objects, kept, context);
      if (problems.length === 0)
        resolved = amongNeighbours(resolved, header, (name) => {
          // What is lost of a copy was told of the scenario itself.
          const silent = { ...context, loss: new LossBook() };
          const copy = { ...header, scenario: name };
          return resolveScenarioFile(copy, scenario.header, scenario.objectsIn(name), [], silent);
        });
    }
  } else {
    if (kept.length === 0 && problems.length === 0) {
      problems.push({
        code: 'E1105',
        message: `nothing to run in ${paths.join(', ')}`,
        hint: 'every document was empty or left out',
      });
    }
    resolved = resolveManifests(nameFromPath(paths[0] ?? '-', process.cwd()), kept, context);
  }
  if (problems.length > 0 || resolved === undefined) throw new UserError(problems);
  const { name: variant = resolved.variant } = options.variant ?? {};
  const autoWarmUp = read !== null && 'value' in read && read.value.spec.time?.warmUp === 'auto';
  return { scenario: withPolicies({ ...resolved, variant }, policies), autoWarmUp };
}

/** Files that the Experiment names, from its own folder. */
function ownPaths(experiment: ManifestObject, plugins: readonly string[]): PolicyPath[] {
  return plugins.map((plugin, i) => ({
    path: pathFrom(folderOf(experiment.source), plugin),
    missing: ({ code, file, message }) => ({
      code,
      file: experiment.source,
      ...experiment.position(['spec', 'plugins', i]),
      path: `spec.plugins[${i}]`,
      message: `${file}: ${message}`,
    }),
  }));
}

function withPolicies(scenario: ResolvedScenario, { files }: Policies): ResolvedScenario {
  if (files.length === 0) return scenario;
  return { ...scenario, policies: { ...scenario.policies, plugins: files } };
}

/** Problems of documents: to the user, or with `--skip-invalid` to the loss report. Gives the objects that remain. */
function takeProblems(input: Input, skip: boolean, loss: LossBook, problems: UserProblem[]): InputObject[] {
  const left: InputProblem[] = [];
  const skipped = new Map<string, { first: InputProblem; more: number }>();
  for (const entry of input.problems) {
    if (!skip || !entry.skippable) left.push(entry);
    else {
      // One entry an object, however many problems it has.
      const key = `${entry.problem.file} ${entry.kind === '' ? `${entry.problem.line}` : entry.kind}`;
      const before = skipped.get(key);
      if (before === undefined) skipped.set(key, { first: entry, more: 0 });
      else before.more++;
    }
  }
  for (const { first, more } of skipped.values()) noteSkipped(first, more, loss);
  problems.push(...left.map((entry) => entry.problem));
  const duplicates = duplicateProblems(input.objects);
  if (duplicates.length === 0) return input.objects;
  if (!skip) {
    problems.push(...duplicates);
    return input.objects;
  }
  const { kept, dropped } = withoutDuplicates(input.objects);
  for (const entry of dropped) {
    loss.add(
      entry.manifest.source,
      entry.object.kind,
      '',
      `skipped: ${entry.name} is defined twice, the first one is used`,
    );
  }
  return kept;
}

function noteSkipped({ problem, kind }: InputProblem, more: number, loss: LossBook): void {
  const place = problem.line === undefined ? '' : `line ${problem.line}: `;
  const what = problem.message.replaceAll('\n', ' ');
  const others = more === 0 ? '' : ` (and ${more} more)`;
  loss.add(problem.file ?? '', kind, '', `skipped: ${place}${problem.code} ${what}${others}`);
}

function readSettings(options: LoadOptions, problems: UserProblem[]): RunSettings {
  const bad = (option: string, value: unknown, expected: string): void => {
    problems.push({
      code: 'E1003',
      path: option,
      message: `found ${JSON.stringify(value)}, expected ${expected}`,
    });
  };
  const { nodes, nodeCpu, nodeMemory, until, seed } = options;
  if (nodes !== undefined && !(Number.isInteger(nodes) && nodes >= 0 && nodes <= 1_000_000)) {
    bad('--nodes', nodes, 'a whole number from 0 to 1000000');
  }
  const quantity = (option: string, value: string | undefined, fallback: string): string => {
    if (value === undefined) return fallback;
    const parsed = tryQuantity(value);
    if (parsed === undefined || parsed.nanos <= 0n)
      bad(option, value, 'a quantity above 0 such as 4, 500m or 16Gi');
    return value;
  };
  const shape = {
    cpu: quantity('--node-cpu', nodeCpu, DEFAULT_NODE.cpu),
    memory: quantity('--node-memory', nodeMemory, DEFAULT_NODE.memory),
    pods: DEFAULT_NODE.pods,
  };
  const untilUs = until === undefined ? undefined : parseDuration(String(until));
  if (until !== undefined && (untilUs === undefined || untilUs === 0)) {
    bad('--until', until, 'a duration above 0 such as 250ms, 5s, 10m, 2h or 1d');
  }
  if (seed !== undefined && (seed === '' || (typeof seed === 'number' && !Number.isFinite(seed)))) {
    bad('--seed', seed, 'a number or a text');
  }
  // A seed that is written as a whole number is one, so that `--seed 7` and `seed: 7` mean the same run.
  const asNumber = typeof seed === 'string' && /^-?[0-9]{1,15}$/.test(seed) ? Number(seed) : seed;
  return { nodes, shape, untilUs, seed: asNumber };
}

/** Options that say nothing beside an Experiment, and those that need one. */
function checkOptions(
  options: LoadOptions,
  experiment: boolean,
  scenario: boolean,
  problems: UserProblem[],
): void {
  if (!experiment && (options.set?.length ?? 0) > 0) {
    problems.push({
      code: 'E1005',
      path: `--set ${options.set![0]}`,
      message: '--set changes an Experiment, and none was given',
      hint: 'give an Experiment file, or use --nodes, --node-cpu, --node-memory, --until, --seed',
    });
  }
  if (!experiment && !scenario) return;
  const given = (['nodes', 'nodeCpu', 'nodeMemory'] as const).filter((key) => options[key] !== undefined);
  for (const key of given) {
    const option = key === 'nodes' ? '--nodes' : key === 'nodeCpu' ? '--node-cpu' : '--node-memory';
    const field = key === 'nodes' ? 'count' : key === 'nodeCpu' ? 'cpu' : 'memory';
    problems.push({
      code: 'E1005',
      path: option,
      message: `${option} describes a cluster, but the ${experiment ? 'Experiment' : 'scenario file'} has its own`,
      ...(experiment ? { hint: `use --set cluster.nodes.0.${field}=${options[key]}` } : {}),
    });
  }
}

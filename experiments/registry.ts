// What a run may use, by name: what comes with the program, and what the user's policy files add. A registry belongs to
// a run; nothing is ever registered in the process.
import type { CostPreset } from '../engine/contracts/costs.ts';
import type { PolicyFile } from '../engine/contracts/scenario.ts';
import { PolicyFault, type Registry } from '../engine/index.ts';
import { costPresets } from '../policies/costs/index.ts';
import { schedulerRegistry } from '../policies/scheduler/index.ts';
import { workloads } from '../workloads/index.ts';
import { guardedExtender } from './extender-guards.ts';
import { guardedController, guardedPlugin, guardedWorkload } from './plugin-guards.ts';
import { type Compiler, loadCompiler, loadPolicyFile, placeOf, runPolicyFile } from './plugin-modules.ts';
import { type Policy, policiesOf } from './plugin-shapes.ts';
import { UserError, type UserProblem } from './problems.ts';

export interface OwnPolicy {
  readonly kind: Policy['kind'];
  readonly name: string;
  readonly file: string;
}

export interface Policies {
  readonly registry: Registry;
  readonly costs: Readonly<Record<string, CostPreset>>;
  /** As scenarios carry them. */
  readonly files: readonly PolicyFile[];
  /** Some file could not be loaded: names that are missing may stand in it. */
  readonly isPartial: boolean;
  /** What the files brought, in order. */
  readonly own: readonly OwnPolicy[];
}

/** What comes with the program. */
export const BUILT_IN: Policies = {
  registry: { workloads, scheduler: schedulerRegistry },
  costs: costPresets,
  files: [],
  isPartial: false,
  own: [],
};

/** Names that are taken, by kind. */
const TAKEN: Readonly<Record<Policy['kind'], readonly string[]>> = {
  'scheduler plug-in': [...schedulerRegistry.plugins, ...schedulerRegistry.unmodelled].map(
    ({ name }) => name,
  ),
  'scheduler extender': [],
  workload: workloads.map(({ name }) => name),
  // One of that name takes its place.
  controller: [],
  'cost preset': Object.keys(costPresets),
};

/** A file to load, and how to tell that it is not there: at the place that names it. */
export interface PolicyPath {
  readonly path: string;
  missing?(problem: UserProblem): UserProblem;
}

/** Loads policy files; what is wrong with them goes into `problems`. Without files: what comes with the program. */
export async function loadPolicies(paths: readonly PolicyPath[], problems: UserProblem[]): Promise<Policies> {
  if (paths.length === 0) return BUILT_IN;
  const compile: Compiler = await loadCompiler();
  const before = problems.length;
  const found: Found[] = [];
  const seen = new Set<string>();
  for (const { path, missing } of paths) {
    if (seen.has(path)) continue;
    seen.add(path);
    const loaded = loadPolicyFile(path, compile);
    if ('problem' in loaded) {
      const { problem } = loaded;
      const isMissing = /^E110[12]$/.test(problem.code) && problem.path === undefined;
      problems.push(isMissing && missing !== undefined ? missing(problem) : problem);
      continue;
    }
    const { policies, problems: wrong } = policiesOf(loaded.exported);
    for (const { name, message, hint } of wrong) {
      problems.push({
        code: 'E3102',
        file: path,
        ...(name === '' ? {} : { path: name }),
        message,
        ...(hint === undefined ? {} : { hint }),
      });
    }
    found.push({ file: path, source: loaded.policy, policies });
  }
  problems.push(...clashes(found));
  return { ...merged(found), isPartial: problems.length > before };
}

/** The same from what a scenario carries: modules run anew, for this run alone. */
export function policiesOfScenario(files: readonly PolicyFile[]): Policies {
  return merged(
    files.map((source) => ({
      file: source.modules[0]!.file,
      source,
      policies: policiesOf(runPolicyFile(source)).policies,
    })),
  );
}

interface Found {
  readonly file: string;
  readonly source: PolicyFile;
  readonly policies: readonly Policy[];
}

function clashes(found: readonly Found[]): UserProblem[] {
  const problems: UserProblem[] = [];
  const owners = new Map<string, string>();
  for (const { file, policies } of found) {
    for (const { kind, definition } of policies) {
      const { name } = definition;
      const key = `${kind}\n${name}`;
      const other = owners.get(key);
      const where = { code: 'E3103', file, path: name };
      if (TAKEN[kind].includes(name)) {
        problems.push({
          ...where,
          message: `the program has a ${kind} named "${name}" already`,
          hint: 'give yours another name; a profile can disable the built-in one',
        });
      } else if (other !== undefined) {
        problems.push({
          ...where,
          message: `${other === file ? 'this file' : other} has a ${kind} named "${name}" already`,
          hint: 'rename one of the two',
        });
      } else owners.set(key, file);
    }
  }
  return problems;
}

function merged(found: readonly Found[]): Policies {
  const all = found.flatMap(({ file, policies }) => policies.map((policy) => ({ file, ...policy })));
  const registry: Registry = {
    workloads: [
      ...workloads,
      ...all.flatMap((p) => (p.kind === 'workload' ? guardedWorkload(p.definition, p.file) : [])),
    ],
    scheduler: {
      ...schedulerRegistry,
      plugins: [
        ...schedulerRegistry.plugins,
        ...all.flatMap((p) => (p.kind === 'scheduler plug-in' ? guardedPlugin(p.definition, p.file) : [])),
      ],
      extenders: all.flatMap((p) =>
        p.kind === 'scheduler extender' ? guardedExtender(p.definition, p.file) : [],
      ),
    },
    controllers: all.flatMap((p) => (p.kind === 'controller' ? guardedController(p.definition, p.file) : [])),
  };
  const presets = all.flatMap((p) => (p.kind === 'cost preset' ? p.definition : []));
  return {
    registry,
    costs: { ...costPresets, ...Object.fromEntries(presets.map((preset) => [preset.name, preset])) },
    files: found.map(({ source }) => source),
    isPartial: false,
    own: all.map(({ kind, definition, file }) => ({ kind, name: definition.name, file })),
  };
}

/** Tells a policy's mistake as bad input: where in its file, which pod and node, when. */
export function withFaultsTold<T>(action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof PolicyFault) throw new UserError(faultProblem(error));
    throw error;
  }
}

export function faultProblem(fault: PolicyFault): UserProblem {
  const { pod, node, timeUs } = fault;
  const scene = [
    pod === '' ? '' : `pod ${pod}`,
    node === '' ? '' : `node ${node}`,
    timeUs < 0 ? '' : `virtual time ${(timeUs / 1e6).toFixed(6)} s`,
  ].filter((part) => part !== '');
  return {
    code: 'E3105',
    ...(placeOf(fault.cause) ?? { file: fault.file }),
    path: `${fault.policy} ${fault.method}`,
    message: [fault.message, scene.join(', ')].filter((line) => line !== '').join('\n'),
  };
}

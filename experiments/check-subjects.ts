// Whom `kubetick check-plugin` checks: the scheduler plug-ins of a policy file, with the arguments that a configuration
// gives them, or their defaults.
import type { KubeObject } from '../engine/index.ts';
import { readDocuments } from '../workloads/manifests.ts';
import { vocabularyOf } from './check-cases.ts';
import type { Subject } from './check-plugin.ts';
import { readPaths } from './files.ts';
import { UserError, type UserProblem } from './problems.ts';
import { loadPolicies, type Policies } from './registry.ts';
import { checkConfig, configProblem } from './scheduler-config.ts';

/** Throws one UserError with every problem. */
export async function subjectsOf(file: string, config?: string): Promise<Subject[]> {
  const problems: UserProblem[] = [];
  const policies = await loadPolicies([{ path: file }], problems);
  const given = problems.length > 0 || config === undefined ? null : argsIn(config, policies, problems);
  if (problems.length > 0) throw new UserError(problems);
  const words = vocabularyOf(
    policies.files.flatMap(({ modules }) => modules.map(({ code }) => code)).join('\n'),
  );
  const own = new Set(
    policies.own.filter(({ kind }) => kind === 'scheduler plug-in').map(({ name }) => name),
  );
  if (own.size === 0) {
    throw new UserError({
      code: 'E3102',
      file,
      message: 'the file has no scheduler plug-in: nothing to check',
    });
  }
  const subjects: Subject[] = [];
  for (const definition of policies.registry.scheduler.plugins) {
    if (!own.has(definition.name)) continue;
    if (given?.has(definition.name) === true) {
      subjects.push({ definition, args: given.get(definition.name), words });
      continue;
    }
    const parsed = definition.args?.safeParse({});
    if (parsed === undefined || parsed.success) subjects.push({ definition, args: parsed?.data, words });
    else
      problems.push({
        code: 'E1005',
        file,
        path: definition.name,
        message: `it needs arguments: ${parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
        hint: 'give them with --config FILE, a KubeSchedulerConfiguration that enables it',
      });
  }
  if (problems.length > 0) throw new UserError(problems);
  return subjects;
}

/** Arguments by plug-in, as the profiles of a configuration have them. */
function argsIn(config: string, policies: Policies, problems: UserProblem[]): Map<string, unknown> {
  const { sources, problems: unread } = readPaths([config]);
  problems.push(...unread);
  const args = new Map<string, unknown>();
  for (const { name, text } of sources) {
    const { documents, problems: broken } = readDocuments(name, text);
    problems.push(...broken.map(({ document: _document, item: _item, ...problem }) => problem));
    for (const document of documents) {
      const checked = checkConfig(document.raw as unknown as KubeObject, policies);
      problems.push(...checked.problems.map((problem) => configProblem(problem, document)));
      problems.push(...checked.faults);
      for (const profile of checked.settings?.profiles ?? [])
        for (const use of profile.plugins) args.set(use.definition.name, use.args);
    }
  }
  return args;
}

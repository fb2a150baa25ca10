// `kubetick check-plugin FILE`: looks for cases in which the scheduler plug-ins of a policy file do not do what they
// declare, and prints the smallest one found as YAML. Exit code 3 when there is one.
import type { CheckResult, Subject } from '../../experiments/check-plugin.ts';
import { ExitCode, type Io, UserError } from '../errors.ts';

export interface CheckPluginArguments {
  readonly file: string;
  readonly config?: string;
  readonly seed?: string | number;
  readonly runs?: number;
  readonly json?: boolean;
}

const RUNS = 200;

export async function checkPluginCommand(args: CheckPluginArguments, io: Io): Promise<number> {
  const { seed = 1, runs = RUNS } = args;
  const seedNumber = Number(seed);
  if (!Number.isSafeInteger(seedNumber))
    throw new UserError({
      code: 'E1003',
      path: '--seed',
      message: `found ${JSON.stringify(seed)}, expected a whole number`,
    });
  if (runs < 1 || runs > 1_000_000)
    throw new UserError({
      code: 'E1003',
      path: '--runs',
      message: `found ${runs}, expected a whole number from 1 to 1000000`,
    });
  const [{ subjectsOf }, { checkPlugin }] = await Promise.all([
    import('../../experiments/check-subjects.ts'),
    import('../../experiments/check-plugin.ts'),
  ]);
  const subjects = await subjectsOf(args.file, args.config);
  let failed = false;
  for (const subject of subjects) {
    const results = await checkPlugin(subject, { seed: seedNumber, runs });
    failed ||= results.some(({ violation }) => violation !== null);
    if (args.json) {
      const { name } = subject.definition;
      const checks = results.map(({ check, cases, violation }) => ({ check, cases, violation }));
      io.stdout.write(`${JSON.stringify({ plugin: name, file: args.file, seed: seedNumber, checks })}\n`);
    } else io.stdout.write(await reportOf(subject, results));
  }
  return failed ? ExitCode.expectationFailed : ExitCode.ok;
}

async function reportOf({ definition }: Subject, results: readonly CheckResult[]): Promise<string> {
  const { stringify } = await import('yaml');
  const lines = [definition.name];
  for (const { check, about, cases, violation } of results) {
    const verdict = violation === null ? 'holds' : 'FAILS';
    lines.push(`  ${verdict}  ${check.padEnd(9)}  ${about} (${cases} ${cases === 1 ? 'case' : 'cases'})`);
  }
  for (const { check, violation } of results) {
    if (violation === null) continue;
    const { text, node, was, is, cluster, pod, other } = violation;
    lines.push('', `${definition.name} ${check}: ${text}`);
    lines.push(`  ${node === '' ? '' : `${node}: `}${was}`, `  ${node === '' ? '' : `${node}: `}${is}`);
    lines.push(
      '# the cluster',
      ...cluster
        .map((object) => stringify(object).trimEnd())
        .join('\n---\n')
        .split('\n'),
    );
    lines.push('---', '# the pod', stringify(pod).trimEnd());
    if (other !== undefined) {
      const same = new Set(cluster.map((object) => JSON.stringify(object)));
      const changed = other.filter((object) => !same.has(JSON.stringify(object)));
      const kept = new Set(other.map((object) => object.metadata.name));
      for (const object of changed) lines.push('---', '# instead, or besides', stringify(object).trimEnd());
      for (const object of cluster)
        if (changed.length === 0 && !kept.has(object.metadata.name))
          lines.push('---', `# without ${object.kind} ${object.metadata.name}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

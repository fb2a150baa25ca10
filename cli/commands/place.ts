// `kubetick place`: what the scheduler decides about pending pods on a snapshot, and why. For programs one JSON line a
// case; for people one table a pod: nodes against plug-ins, with the winner, its margin, and what the event would say.
import { ExitCode, type Io, UserError } from '../errors.ts';
import { tableDraw } from '../tables.ts';

export interface PlaceArguments {
  readonly paths: readonly string[];
  readonly cluster?: readonly string[];
  readonly pending?: string;
  readonly config?: string;
  /** Policy files. */
  readonly plugin?: readonly string[];
  /** `table` or `json`. */
  readonly output?: string;
  /** Rows of a table. */
  readonly nodes?: number;
  readonly noHints?: boolean;
}

/** Pods of a case for which hints are tried: each takes some ten decisions. */
const HINTED_PODS_MAX = 20;

export async function placePods(args: PlaceArguments, io: Io): Promise<number> {
  const { output = 'table' } = args;
  if (output !== 'table' && output !== 'json') {
    throw new UserError({
      code: 'E1003',
      path: '--output',
      message: `found ${JSON.stringify(output)}, expected table or json`,
    });
  }
  const { decide, placePolicies, readPlaceCases } = await import('../../experiments/place.ts');
  const files = {
    cases: args.paths,
    cluster: args.cluster ?? [],
    ...(args.pending === undefined ? {} : { pending: args.pending }),
    ...(args.config === undefined ? {} : { config: args.config }),
  };
  const hints = args.noHints === true ? 0 : HINTED_PODS_MAX;
  const policies = await placePolicies(args.plugin ?? []);
  const cases = readPlaceCases(files, {
    policies,
    ...(io.readStdin === undefined ? {} : { readStdin: io.readStdin }),
  });
  if (output === 'json') {
    for (const each of cases) io.stdout.write(`${JSON.stringify(decide(each, hints))}\n`);
    return ExitCode.ok;
  }
  const { placementCounts, placementText, ROWS_DEFAULT } = await import('../placement-text.ts');
  const options = { draw: await tableDraw(), rows: Math.max(1, args.nodes ?? ROWS_DEFAULT) };
  for (const each of cases) {
    const placement = decide(each, hints);
    const nodes = Object.keys(placement.nodes).length;
    io.stdout.write(`${placement.name}: ${placement.pods.length} pods, ${nodes} nodes\n`);
    for (const pod of placement.pods) io.stdout.write(`\n${placementText(pod, options)}`);
    io.stdout.write(`\n${placementCounts(placement.pods)}\n`);
    const waiting = placement.pods.filter(({ result }) => result === 'unschedulable' || result === 'gated');
    if (hints > 0 && waiting.length > hints) {
      const rest = waiting.length - hints;
      io.stdout.write(`what would make them fit was not tried for ${rest} pods: give them with --pending\n`);
    }
  }
  return ExitCode.ok;
}

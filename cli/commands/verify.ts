// `kubetick verify RUN`: repeats the run of a result directory in this process and compares every file with it,
// byte by byte. Says where the first difference is and what kind of thing went another way (times, kinds of
// events, objects, decisions, summary).

import type { Simulate } from '../../experiments/execute.ts';
import type { RunManifest } from '../../experiments/run-directory.ts';
import type { Difference } from '../../reports/first-difference.ts';
import { ExitCode, type Io } from '../errors.ts';
import { Interrupted, simulateInterruptibly } from '../interruptible.ts';

export interface VerifyArguments {
  /** A result directory. */
  readonly run: string;
  readonly json?: boolean;
}

/** What an ingredient of a fingerprint covers. */
const INGREDIENTS: readonly (readonly [string, string])[] = [
  ['t', 'times of events'],
  ['k', 'kinds of events'],
  ['o', 'objects'],
  ['d', 'decisions'],
  ['s', 'summary'],
];

interface Verdict {
  readonly run: string;
  readonly repeats: boolean;
  readonly fingerprint: { readonly was: string; readonly is: string };
  /** The first ingredient of the fingerprint that differs; null when none does. */
  readonly ingredient: string | null;
  readonly files: number;
  readonly difference: ({ readonly file: string } & Difference) | null;
}

/** Runs the command; returns its exit code. A directory that is no result is thrown as UserError. */
export async function verify(
  args: VerifyArguments,
  io: Io,
  simulate: Simulate = simulateInterruptibly,
): Promise<number> {
  const [{ execute }, { readRun, versions }, { mkdtempSync, rmSync }, { tmpdir }, { join }] =
    await Promise.all([
      import('../../experiments/execute.ts'),
      import('../../experiments/run-directory.ts'),
      import('node:fs'),
      import('node:os'),
      import('node:path'),
    ]);
  const { manifest, scenario } = readRun(args.run);
  warnOfVersions(manifest, versions(), io);
  const scratch = mkdtempSync(join(tmpdir(), 'kubetick-verify-'));
  try {
    const again = join(scratch, 'run');
    const { result } = await execute(scenario, again, simulate, {}, manifest.tables);
    const { compared, difference } = await compareDirectories(args.run, again);
    const ingredient = firstIngredient(manifest.ingredients, result.ingredients);
    const verdict: Verdict = {
      run: args.run,
      repeats: difference === null && manifest.fingerprint === result.summary.fingerprint,
      fingerprint: { was: manifest.fingerprint, is: result.summary.fingerprint },
      ingredient,
      files: compared,
      difference,
    };
    io.stdout.write(args.json ? `${JSON.stringify(verdict)}\n` : verdictText(verdict));
    return verdict.repeats ? ExitCode.ok : ExitCode.notRepeatable;
  } catch (error) {
    if (error instanceof Interrupted) return ExitCode.interrupted;
    throw error;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function compareDirectories(
  was: string,
  is: string,
): Promise<{ compared: number; difference: Verdict['difference'] }> {
  const [{ firstDifference }, { REPEATABLE_FILES }, { existsSync }, { join }] = await Promise.all([
    import('../../reports/first-difference.ts'),
    import('../../experiments/run-directory.ts'),
    import('node:fs'),
    import('node:path'),
  ]);
  let compared = 0;
  for (const file of REPEATABLE_FILES) {
    const [wasThere, isThere] = [existsSync(join(was, file)), existsSync(join(is, file))];
    if (!wasThere && !isThere) continue;
    compared++;
    const difference =
      wasThere && isThere
        ? firstDifference(join(was, file), join(is, file))
        : { line: 1, column: '', was: wasThere ? 'the file' : null, is: isThere ? 'the file' : null };
    if (difference !== null) return { compared, difference: { file, ...difference } };
  }
  return { compared, difference: null };
}

function firstIngredient(
  was: Readonly<Record<string, string>>,
  is: Readonly<Record<string, string>>,
): string | null {
  for (const [letter] of INGREDIENTS) if (was[letter] !== is[letter]) return letter;
  return null;
}

function verdictText(verdict: Verdict): string {
  const { run, difference, fingerprint, ingredient } = verdict;
  if (verdict.repeats)
    return `${run}: repeats; ${verdict.files} files equal, fingerprint ${fingerprint.is}\n`;
  const lines = [`${run}: does not repeat`];
  if (difference !== null) {
    const column = difference.column === '' ? '' : ` ${difference.column}`;
    lines.push(`  first difference: ${difference.file}:${difference.line}${column}`);
    lines.push(
      `    recorded  ${difference.was ?? '(nothing)'}`,
      `    now       ${difference.is ?? '(nothing)'}`,
    );
  }
  if (ingredient === null)
    lines.push('  the run itself repeats (equal fingerprints): the recorded files were changed afterwards');
  else {
    const meaning = INGREDIENTS.find(([letter]) => letter === ingredient)![1];
    lines.push(`  first differing ingredient: ${ingredient} (${meaning})`);
    lines.push(`  fingerprint ${fingerprint.was} recorded, ${fingerprint.is} now`);
  }
  return `${lines.join('\n')}\n`;
}

function warnOfVersions(manifest: RunManifest, now: RunManifest['versions'], io: Io): void {
  const was = manifest.versions;
  if (was?.kubetick !== now.kubetick)
    io.stderr.write(
      `recorded by kubetick ${was?.kubetick}, repeated by ${now.kubetick}: results may differ\n`,
    );
  if (was?.node !== now.node)
    io.stderr.write(`recorded on Node ${was?.node}, repeated on ${now.node}: results may differ\n`);
}

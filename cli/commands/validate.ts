// `kubetick validate PATH...`: every object judged as the API server would judge it, every Experiment checked, without
// running. For people grouped by file; with --json one line per object, as other programs read them.
import { ExitCode, formatProblem, type Io, type UserProblem } from '../errors.ts';

export interface ValidateArguments {
  readonly paths: readonly string[];
  readonly json?: boolean;
}

/** Runs the command; exit code 2 when anything is rejected. */
export async function validate(args: ValidateArguments, io: Io): Promise<number> {
  const { validatePaths } = await import('../../experiments/validate.ts');
  const options = io.readStdin === undefined ? {} : { readStdin: io.readStdin };
  const { lines, problems } = validatePaths(args.paths, options);
  if (args.json) {
    let chunk = '';
    for (const {
      file,
      document,
      item,
      apiVersion,
      kind,
      namespace,
      name,
      accepted,
      problems: found,
    } of lines) {
      const printed = found.map(({ path, message, line, column }) => ({ path, message, line, column }));
      const parsed = kind === undefined ? {} : { apiVersion, kind, namespace, name };
      chunk += `${JSON.stringify({ file, document, item, ...parsed, accepted, problems: printed })}\n`;
      if (chunk.length > 65_536) {
        io.stdout.write(chunk);
        chunk = '';
      }
    }
    io.stdout.write(chunk);
    for (const problem of problems) io.stderr.write(`${JSON.stringify(problem)}\n`);
  } else printForPeople(lines, problems, io);
  const rejected = lines.some((line) => !line.accepted) || problems.length > 0;
  return rejected ? ExitCode.badInput : ExitCode.ok;
}

type Line = import('../../experiments/validate.ts').ValidationLine;

const plural = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

function printForPeople(lines: readonly Line[], problems: readonly UserProblem[], io: Io): void {
  const files = new Map<string, Line[]>();
  for (const line of lines) {
    const of = files.get(line.file);
    if (of === undefined) files.set(line.file, [line]);
    else of.push(line);
  }
  let warnings = 0;
  for (const [file, of] of files) {
    const rejected = of.filter((line) => !line.accepted).length;
    const verdict =
      rejected === 0
        ? plural(of.length, 'object') + ', all accepted'
        : `${plural(of.length, 'object')}, ${rejected} rejected`;
    io.stdout.write(`${file}: ${verdict}\n`);
    for (const line of of) {
      for (const problem of line.problems) {
        if (line.accepted) {
          warnings++;
          io.stdout.write(
            `  warning ${problem.line}:${problem.column} ${[line.title, problem.path].filter((t) => t !== '').join(' ')}: ${problem.message}\n`,
          );
        } else
          io.stdout.write(
            `${formatProblem({ ...problem, path: [line.title, problem.path].filter((t) => t !== '').join(' ') }).replace(/^/gm, '  ')}\n`,
          );
      }
    }
  }
  for (const problem of problems) io.stderr.write(`${formatProblem(problem)}\n`);
  const rejected = lines.filter((line) => !line.accepted).length;
  io.stdout.write(
    `${plural(files.size, 'file')}, ${plural(lines.length, 'object')}: ${lines.length - rejected} accepted, ${rejected} rejected${warnings > 0 ? `, ${plural(warnings, 'warning')}` : ''}\n`,
  );
}

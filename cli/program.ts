// The commands: parses, calls, turns errors into exit codes. Commands are imported when they are called, so that
// `kubetick --help` loads nothing but texts. Returns the exit code; never ends the process.
import packageJson from '../package.json' with { type: 'json' };
import { COMMANDS, type CommandSpec, commandNamed } from './command-table.ts';
import { ExitCode, type Io, reportError, UserError } from './errors.ts';
import { commandHelp, overview } from './help.ts';

type Arguments = Readonly<Record<string, unknown>>;

/** What runs a command; each import is made when its command is called. */
const HANDLERS: Readonly<
  Record<string, (positional: readonly string[], options: Arguments, io: Io) => Promise<number>>
> = {
  async run(paths, options, io) {
    const { run } = await import('./commands/run.ts');
    return run({ paths, ...options }, io);
  },
  async plan(paths, options, io) {
    const { planCommand } = await import('./commands/plan.ts');
    return planCommand({ paths, ...options }, io);
  },
  async sweep(paths, options, io) {
    const { sweepCommand } = await import('./commands/sweep.ts');
    return sweepCommand({ paths, ...options }, io);
  },
  async worker([url], options, io) {
    const { workerCommand } = await import('./commands/worker.ts');
    return workerCommand({ url: url!, ...options }, io);
  },
  async verify([directory], options, io) {
    const { verify } = await import('./commands/verify.ts');
    return verify({ run: directory!, ...options }, io);
  },
  async validate(paths, options, io) {
    const { validate } = await import('./commands/validate.ts');
    return validate({ paths, ...options }, io);
  },
  async place(paths, options, io) {
    const { placePods } = await import('./commands/place.ts');
    return placePods({ paths, ...options }, io);
  },
  async explain([run, object], options, io) {
    const { explainPod } = await import('./commands/explain.ts');
    return explainPod({ run: run!, object: object!, ...options }, io);
  },
  async summary([run], options, io) {
    const { summarise } = await import('./commands/summary.ts');
    return summarise({ run: run!, ...options }, io);
  },
  async compare(sources, options, io) {
    const { compare } = await import('./commands/compare.ts');
    return compare({ sources, ...options }, io);
  },
  async report(sources, options, io) {
    const { report } = await import('./commands/report.ts');
    return report({ sources, ...options }, io);
  },
  async gate(paths, options, io) {
    const { gate } = await import('./commands/gate.ts');
    return gate({ paths, ...options }, io);
  },
  async query(words, options, io) {
    const { query } = await import('./commands/query.ts');
    return query({ words, ...options }, io);
  },
  async 'check-plugin'([file], options, io) {
    const { checkPluginCommand } = await import('./commands/check-plugin.ts');
    return checkPluginCommand({ file: file!, ...options }, io);
  },
  async list([what], options, io) {
    const { list } = await import('./commands/list.ts');
    return list({ what, ...options }, io);
  },
  async completion(_positional, _options, io) {
    const { completionScript } = await import('./arguments.ts');
    io.stdout.write(await completionScript());
    return ExitCode.ok;
  },
};

/** Runs one command line (without `node` and the script). */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const json = argv.includes('--json');
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return reportError(error, io, argv, json);
  }
}

async function dispatch(argv: readonly string[], io: Io): Promise<number> {
  if (argv.includes('--get-yargs-completions')) {
    const { completions } = await import('./arguments.ts');
    io.stdout.write(completions(argv));
    return ExitCode.ok;
  }
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.stderr.write(overview(packageJson.version));
    return ExitCode.badInput;
  }
  if (first === '--version' || first === '-v' || first === 'version') {
    io.stdout.write(`${packageJson.version}\n`);
    return ExitCode.ok;
  }
  const help = wantsHelp(rest);
  if (first === '--help' || first === '-h' || first === 'help') {
    const about = rest.find((word) => !word.startsWith('-'));
    io.stdout.write(
      about === undefined ? overview(packageJson.version) : commandHelp(await findCommand(about)),
    );
    return ExitCode.ok;
  }
  const command = await findCommand(first);
  if (help) {
    io.stdout.write(commandHelp(command));
    return ExitCode.ok;
  }
  const { parseArguments } = await import('./arguments.ts');
  const parsed = parseArguments(command, rest);
  if ('problems' in parsed) throw new UserError(parsed.problems);
  return HANDLERS[command.name]!(parsed.positional, parsed.options, io);
}

function wantsHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const options = end < 0 ? argv : argv.slice(0, end);
  return options.includes('--help') || options.includes('-h');
}

async function findCommand(name: string): Promise<CommandSpec> {
  const command = commandNamed(name);
  if (command !== undefined) return command;
  const { didYouMean } = await import('../experiments/suggest.ts');
  if (name.startsWith('-')) {
    throw new UserError({
      code: 'E1002',
      path: name,
      message: `no option ${name} before a command`,
      hint: 'usage: kubetick COMMAND [options]',
    });
  }
  throw new UserError({
    code: 'E1001',
    message: `no command named ${JSON.stringify(name)}`,
    hint: didYouMean(
      name,
      COMMANDS.map((c) => c.name),
    ),
  });
}

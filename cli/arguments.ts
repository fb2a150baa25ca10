// The command line to checked arguments, by yargs. What it does not like becomes a problem with a code and, for
// misspelt options, the nearest one; all of them at once.
import yargs from 'yargs';
import type { UserProblem } from '../experiments/problems.ts';
import { didYouMean } from '../experiments/suggest.ts';
import {
  COMMANDS,
  COMMON_OPTIONS,
  type CommandSpec,
  type OptionSpec,
  optionLabel,
  usageOf,
} from './command-table.ts';

export interface Parsed {
  /** Values of the positional argument. */
  readonly positional: readonly string[];
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

const CONFIGURATION = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'greedy-arrays': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'short-option-groups': false,
  'strip-aliased': true,
} as const;

/** `skip-invalid` → `skipInvalid`, as command functions name their arguments. */
const camel = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

function parserFor(command: CommandSpec, argv: readonly string[]) {
  const parser = yargs([...argv])
    .help(false)
    .version(false)
    .locale('en')
    .exitProcess(false)
    .fail(false);
  parser.parserConfiguration(CONFIGURATION);
  for (const option of command.options) {
    if (option.letter !== undefined) parser.alias(option.name, option.letter);
    if (option.type === 'flag') parser.option(option.name, { type: 'boolean' });
    else if (option.type === 'list')
      parser.option(option.name, { type: 'string', array: true, requiresArg: true });
    else parser.option(option.name, { type: 'string' });
  }
  return parser;
}

function optionValue(
  option: OptionSpec,
  given: unknown,
  problems: UserProblem[],
): string | number | boolean | readonly string[] | undefined {
  const bad = (message: string): undefined => {
    problems.push({ code: 'E1003', path: `--${option.name}`, message });
    return undefined;
  };
  if (option.type === 'list') {
    const values = (Array.isArray(given) ? given : [given]).map(String);
    return values.some((value) => value === '') ? bad(`needs a value: ${optionLabel(option)}`) : values;
  }
  if (Array.isArray(given)) {
    if (option.type === 'flag') return true;
    return bad(`is given ${given.length} times; it takes one value`);
  }
  if (option.type === 'flag') return given === true;
  const text = String(given);
  if (text === '' || given === true) return bad(`needs a value: ${optionLabel(option)}`);
  if (option.type === 'text') return text;
  return /^[0-9]+$/.test(text)
    ? Number(text)
    : bad(`found ${JSON.stringify(text)}, expected a whole number that is not negative`);
}

/** `--cluster -` as `--cluster=-`: the parser takes a lone dash for no value. */
function withDashesJoined(command: CommandSpec, argv: readonly string[]): string[] {
  const takers = new Set(
    command.options
      .filter(({ type }) => type !== 'flag')
      .flatMap(({ name, letter }) => (letter === undefined ? [`--${name}`] : [`--${name}`, `-${letter}`])),
  );
  const joined: string[] = [];
  for (const word of argv) {
    const before = joined.at(-1);
    if (word === '-' && before !== undefined && takers.has(before)) joined[joined.length - 1] = `${before}=-`;
    else joined.push(word);
  }
  return joined;
}

/** Values and problems of one command's arguments. `argv` is without the command's name. */
export function parseArguments(
  command: CommandSpec,
  argv: readonly string[],
): Parsed | { readonly problems: UserProblem[] } {
  const problems: UserProblem[] = [];
  const raw = parserFor(command, withDashesJoined(command, argv)).parse() as {
    _: (string | number)[];
    [option: string]: unknown;
  };
  const options: Record<string, string | number | boolean | readonly string[]> = {};
  const known = [...command.options, ...COMMON_OPTIONS];
  for (const [name, given] of Object.entries(raw)) {
    if (name === '_' || name === '$0' || given === undefined) continue;
    const option = command.options.find((o) => o.name === name);
    if (option === undefined) {
      const dashes = name.length === 1 ? '-' : '--';
      problems.push({
        code: 'E1002',
        path: `${dashes}${name}`,
        message: `\`kubetick ${command.name}\` has no option ${dashes}${name}`,
        hint: didYouMean(
          name,
          known.map((o) => o.name),
        ).replace(/"([^"]+)"/, '"--$1"'),
      });
      continue;
    }
    const value = optionValue(option, given, problems);
    if (value !== undefined) options[camel(name)] = value;
  }
  const positional = raw._.map(String);
  const { positional: spec } = command;
  const isSecondWanted = command.second !== undefined && command.second.optional !== true;
  const wanted = (spec?.required === true ? 1 : 0) + (isSecondWanted ? 1 : 0);
  const max = spec === undefined ? 0 : spec.many ? Number.POSITIVE_INFINITY : Math.max(1, wanted);
  if (spec?.required === true && positional.length === 0) {
    problems.push({ code: 'E1004', message: `${spec.name} is missing`, hint: `usage: ${usageOf(command)}` });
  } else if (isSecondWanted && positional.length < wanted) {
    const message = `${command.second!.name} is missing`;
    problems.push({ code: 'E1004', message, hint: `usage: ${usageOf(command)}` });
  }
  if (positional.length > max) {
    const extra = positional
      .slice(max)
      .map((word) => JSON.stringify(word))
      .join(', ');
    problems.push({ code: 'E1004', message: `unexpected ${extra}`, hint: `usage: ${usageOf(command)}` });
  }
  return problems.length > 0 ? { problems } : { positional, options };
}

/** The text of `kubetick completion`: yargs' script, with every command and option known to it. */
export async function completionScript(): Promise<string> {
  return await new Promise((resolve, reject) => {
    declareAll(yargs(['completion']))
      .completion('completion', false)
      .parse(['completion'], {}, (error, _argv, output) => (error ? reject(error) : resolve(`${output}\n`)));
  });
}

/**
 * Answers the shell's question (`--get-yargs-completions kubetick run --no`): candidates, one a line. For anything
 * that is neither a command nor an option there are none, and the shell offers files.
 */
export function completions(argv: readonly string[]): string {
  const [, first = '', ...rest] = argv.slice(argv.indexOf('--get-yargs-completions') + 1);
  const current = rest.at(-1) ?? first;
  const command = COMMANDS.find(({ name }) => name === first);
  const options = [...(command?.options ?? []), ...COMMON_OPTIONS].map(({ name }) => `--${name}`);
  const candidates = current.startsWith('-')
    ? options
    : rest.length === 0
      ? COMMANDS.map(({ name }) => name)
      : [];
  return candidates
    .filter((candidate) => candidate.startsWith(current))
    .map((candidate) => `${candidate}\n`)
    .join('');
}

function declareAll(parser: ReturnType<typeof yargs>): ReturnType<typeof yargs> {
  parser.scriptName('kubetick').locale('en').exitProcess(false);
  for (const command of COMMANDS) {
    parser.command(command.name, command.about, (inner) => {
      for (const option of command.options) {
        inner.option(option.name, {
          type: option.type === 'flag' ? 'boolean' : 'string',
          describe: option.help,
        });
      }
      return inner;
    });
  }
  return parser;
}

// Help texts out of the command table: all commands by group, and one command with its options.
import {
  COMMANDS,
  COMMON_OPTIONS,
  type CommandSpec,
  type OptionSpec,
  optionLabel,
  usageOf,
} from './command-table.ts';

const WIDTH = 100;

/** Breaks a text into lines of at most `width` characters. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

/** Two columns: labels, and texts wrapped beside them. */
function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(28, Math.max(...rows.map(([label]) => label.length)));
  return rows.flatMap(([label, text]) => {
    const lines = wrap(text, WIDTH - left - 4);
    const first =
      label.length > left
        ? [`  ${label}`, `  ${' '.repeat(left)}  ${lines[0]}`]
        : [`  ${label.padEnd(left)}  ${lines[0]}`];
    return [...first, ...lines.slice(1).map((line) => `  ${' '.repeat(left)}  ${line}`)];
  });
}

function groupsOf<T extends { readonly group: string }>(entries: readonly T[]): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const entry of entries) {
    const group = groups.get(entry.group);
    if (group === undefined) groups.set(entry.group, [entry]);
    else group.push(entry);
  }
  return [...groups];
}

const optionText = (option: OptionSpec): string =>
  option.default === undefined ? option.help : `${option.help} (default ${option.default})`;

/** `kubetick --help`. */
export function overview(version: string): string {
  const lines = [
    `kubetick ${version}: a deterministic discrete-event performance simulator of Kubernetes clusters`,
    '',
    'Usage: kubetick COMMAND [options]',
  ];
  for (const [group, commands] of groupsOf(COMMANDS)) {
    lines.push('', `${group}:`, ...columns(commands.map((c) => [c.name, c.about] as const)));
  }
  lines.push('', 'Options:', ...columns(COMMON_OPTIONS.map((o) => [optionLabel(o), optionText(o)] as const)));
  const examples = COMMANDS.slice(0, 3).flatMap((command) => command.examples.slice(0, 2));
  lines.push('', 'Examples:', ...examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`]));
  lines.push('', 'kubetick COMMAND --help says more about a command.');
  lines.push(
    'Exit codes: 0 fine, 1 our bug, 2 bad input, 3 an expectation failed, 4 a run did not repeat, 130 interrupted.',
  );
  return `${lines.join('\n')}\n`;
}

/** `kubetick COMMAND --help`. */
export function commandHelp(command: CommandSpec): string {
  const lines = [`Usage: ${usageOf(command)}`, '', `  ${command.about}`];
  const both = [command.positional, command.second].flatMap((each) => each ?? []);
  if (both.length > 0)
    lines.push('', 'Arguments:', ...columns(both.map(({ name, help }) => [name, help] as const)));
  for (const [group, options] of groupsOf([...command.options, COMMON_OPTIONS[0]!])) {
    lines.push('', `${group}:`, ...columns(options.map((o) => [optionLabel(o), optionText(o)] as const)));
  }
  if (command.examples.length > 0) {
    lines.push(
      '',
      'Examples:',
      ...command.examples.flatMap(([line, what]) => [`  ${line}`, `      ${what}`]),
    );
  }
  if (command.notes.length > 0) lines.push('', ...command.notes.flatMap((note) => wrap(note, WIDTH)));
  return `${lines.join('\n')}\n`;
}

// Help, version, completion, lists, and how our own bugs are told.
import { describe, expect, test } from 'vitest';
import { COMMANDS } from '../../../cli/command-table.ts';
import { formatBug, formatProblem, formatProblems, reportError } from '../../../cli/errors.ts';
import { InvariantError } from '../../../engine/index.ts';
import packageJson from '../../../package.json' with { type: 'json' };
import { runCommand } from './harness.ts';

describe('help', () => {
  test.each(['--help', '-h', 'help'])('kubetick %s names every command and shows examples', async (word) => {
    const { code, stdout, stderr } = await runCommand([word]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { name, about } of COMMANDS)
      expect(stdout).toMatch(new RegExp(`^  ${name} +${about.slice(0, 20)}`, 'm'));
    expect(stdout).toContain('Examples:\n  kubetick run app.yaml\n');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(115);
  });

  test('without a command the help goes to standard error, exit code 2', async () => {
    const { code, stdout, stderr } = await runCommand([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: kubetick COMMAND');
  });

  test.each(COMMANDS.map((command) => [command.name, command] as const))(
    '%s --help shows every option',
    async (name, command) => {
      for (const args of [
        [name, '--help'],
        [name, 'x', '--bad', '-h'],
        ['help', name],
      ]) {
        const { code, stdout } = await runCommand(args);
        expect(code).toBe(0);
        for (const option of command.options) expect(stdout).toContain(`--${option.name}`);
        for (const [example] of command.examples) expect(stdout).toContain(example);
      }
    },
  );
});

test.each(['--version', '-v', 'version'])('%s prints the version', async (word) => {
  expect(await runCommand([word])).toEqual({
    code: 0,
    stdout: `${packageJson.version}\n`,
    stderr: '',
    written: [],
  });
});

describe('completion', () => {
  test('prints a script', async () => {
    const { code, stdout } = await runCommand(['completion']);
    expect(code).toBe(0);
    expect(stdout).toContain('kubetick');
    expect(stdout).toContain('complete ');
  });

  test('offers commands, and the options of a command', async () => {
    const commands = await runCommand(['--get-yargs-completions', 'kubetick', '']);
    expect(commands.stdout).toContain('validate');
    const options = await runCommand(['--get-yargs-completions', 'kubetick', 'run', '--no']);
    expect(options.stdout.split('\n')).toEqual(
      expect.arrayContaining(['--nodes', '--node-cpu', '--node-memory']),
    );
  });
});

describe('list', () => {
  const names = async (): Promise<string[]> => {
    const { stdout } = await runCommand(['list', '--json']);
    return (JSON.parse(stdout) as { name: string }[]).map(({ name }) => name);
  };

  test('names the lists', async () => {
    expect(await names()).toEqual(
      expect.arrayContaining([
        'workloads',
        'costs',
        'scheduler',
        'controllers',
        'kinds',
        'tables',
        'metrics',
        'errors',
      ]),
    );
  });

  test('each is a table, and rows of JSON', async () => {
    for (const name of await names()) {
      const { code, stdout } = await runCommand(['list', name, '--json']);
      const rows = JSON.parse(stdout) as Record<string, unknown>[];
      expect({ name, code, some: rows.length > 0 }).toEqual({ name, code: 0, some: true });
      const table = (await runCommand(['list', name])).stdout.split('\n');
      expect(table[0]).toMatch(/^[A-Z]/);
      expect(table.length).toBeGreaterThan(rows.length);
    }
  });

  test('workloads come with their arguments', async () => {
    const rows = JSON.parse((await runCommand(['list', 'workloads', '--json'])).stdout) as {
      name: string;
      args: { name: string }[];
    }[];
    expect(rows.find(({ name }) => name === 'pods')!.args.map(({ name }) => name)).toContain('count');
  });
});

describe('errors', () => {
  test('have code, place, finding and hint', () => {
    expect(
      formatProblem({
        code: 'E2014',
        file: 'a.yaml',
        line: 7,
        column: 32,
        path: 'spec.x',
        message: 'one\ntwo',
        hint: 'do this',
      }),
    ).toBe('E2014 a.yaml:7:32 spec.x\n  one\n  two\n  do this');
    expect(formatProblem({ code: 'E1101', file: 'a.yaml', message: 'gone' })).toBe('E1101 a.yaml\n  gone');
  });

  test('are cut off after 200', () => {
    const text = formatProblems(Array.from({ length: 250 }, () => ({ code: 'E1', message: 'm' })));
    expect(text.split('\n').slice(-3)).toEqual(['… and 50 more', '250 problems', '']);
  });

  test('of ours tell what repeats them, exit code 1', () => {
    const error = new InvariantError('pods were lost', {
      seed: 7,
      timeUs: 1_500_000,
      lastEvents: ['1.4 s bind p-1'],
      pods: 3,
    });
    const text = formatBug(error, ['run', 'my app.yaml', '--seed', '7']);
    expect(text.split('\n').filter((line) => !line.trim().startsWith('at '))).toEqual([
      'internal error: pods were lost',
      '  seed 7',
      '  virtual time 1.500000 s',
      '  pods 3',
      '  last events:',
      '    1.4 s bind p-1',
      'This is a bug in kubetick, not in your input. To repeat it:',
      "  kubetick run 'my app.yaml' --seed 7",
      '',
    ]);
    let stderr = '';
    const io = { stdout: { write: () => true }, stderr: { write: (t: string) => (stderr += t) }, env: {} };
    expect(reportError(error, io, ['run'])).toBe(1);
    expect(stderr).toContain('pods were lost');
  });
});

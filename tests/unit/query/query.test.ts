// `kubetick query`: what it answers over CSV and Parquet, over one run and several, and what it refuses.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { main } from '../../../cli/program.ts';
import { TABLES } from '../../../engine/contracts/tables.ts';
import type { UserError } from '../../../experiments/problems.ts';
import { loadDuckDb } from '../../../experiments/query/duckdb.ts';

/** Three Deployments of two pods on two nodes: enough for every table, cheap to run. */
const EXPERIMENT = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: {name: tiny}
spec:
  cluster:
    nodes: [{count: 2, name: node, cpu: 4, memory: 8Gi, pods: 110}]
  workload:
    generators:
      - {use: deployments, count: 3, replicas: 2, cpu: 100m, memory: 64Mi}
  time: {run: 30s}
  seeds: {seed: 7}
`;

const hasDuckDb = await loadDuckDb().then(
  () => true,
  () => false,
);
if (!hasDuckDb) console.warn('skipped: @duckdb/node-api is not installed, queries are not answered here');

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);

async function kubetick(
  args: readonly string[],
  stdin = '',
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const code = await main(args, {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    env: {},
    readStdin: () => new TextEncoder().encode(stdin),
  });
  return { code, out, err };
}

async function answer(words: readonly string[]): Promise<Record<string, unknown>[]> {
  const { code, out, err } = await kubetick(['query', ...words, '--format', 'json']);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out) as Record<string, unknown>[];
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-query-'));
  writeFileSync(at('e.yaml'), EXPERIMENT);
  const run = async (out: string, ...more: string[]): Promise<void> => {
    const { code, err } = await kubetick(['run', at('e.yaml'), '--out', at(out), '--quiet', ...more]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  };
  await run('csv');
  await run('parquet', '--format', 'parquet');
  await run('sweep/two-1/r01', '--set', 'cluster.nodes.0.count=2');
  await run('sweep/four-1/r01', '--set', 'cluster.nodes.0.count=4', '--format', 'parquet');
  // As `kubetick sweep` would have named them: labels of a run come from its manifest.
  for (const [variant, run] of [
    ['two', 'sweep/two-1/r01'],
    ['four', 'sweep/four-1/r01'],
  ] as const) {
    for (const name of ['manifest.json', 'summary.json', 'summary.csv']) {
      const text = readFileSync(at(run, name), 'utf8');
      writeFileSync(
        at(run, name),
        name.endsWith('.csv')
          ? text.replace('tiny,default,1', `tiny,${variant},1`)
          : text.replace('"variant": "default"', `"variant": "${variant}"`),
      );
    }
  }
  const runs = ['two', 'four'].map((variant) => ({
    variant,
    replication: 1,
    seed: 7,
    directory: `${variant}-1/r01`,
    fingerprint: '',
    status: 'done',
  }));
  const variants = [
    { variant: 'two', values: { nodes: '2', policy: 'least' } },
    { variant: 'four', values: { nodes: '4', policy: 'most' } },
  ];
  writeFileSync(at('sweep/sweep.json'), JSON.stringify({ experiment: 'tiny', variants, runs }));
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!hasDuckDb)('answers', () => {
  it.each(TABLES.map(({ name }) => name))(
    '%s: CSV and Parquet give back the bytes of the CSV',
    async (table) => {
      if (!existsSync(at('csv', `${table}.csv`))) {
        // A run without volumes or streams of requests has no such table; it can be asked all the same.
        expect(await answer([at('csv'), `select count(*) as n from ${table}`])).toEqual([{ n: 0 }]);
        return;
      }
      const csv = readFileSync(at('csv', `${table}.csv`), 'utf8');
      for (const run of ['csv', 'parquet']) {
        const { code, out } = await kubetick(['query', at(run), `from ${table}`, '--format', 'csv']);
        expect({ run, code, out }).toEqual({ run, code: 0, out: csv });
      }
    },
  );

  it('times are exact: differences have no tail', async () => {
    const sql = 'select ready_s - created_s as startup, typeof(ready_s) as type from pods limit 1';
    for (const run of ['csv', 'parquet']) {
      const { out } = await kubetick(['query', at(run), sql, '--format', 'csv']);
      expect(out).toMatch(/^startup,type\n\d+\.\d{6},"?DECIMAL\(18,6\)"?\n$/);
    }
  });

  it('an empty cell is null, also of text', async () => {
    expect(
      await answer([at('csv'), 'select count(*) as n from pods where reason is null and finished_s is null']),
    ).toEqual([{ n: 6 }]);
  });

  it('numbers are numbers in JSON, in lists and structs, too', async () => {
    const sql =
      "select sum(cpu_milli) as cpu, list(cpu_milli)[1:2] as l, {'s': 1.5, 'n': null} as o, 1/0 as inf, 2::hugeint ** 3 as p from pods";
    expect(await answer([at('csv'), sql])).toEqual([
      { cpu: 600, l: [100, 100], o: { s: 1.5, n: null }, inf: 'Infinity', p: 8 },
    ]);
  });

  it('several runs: run, and labels where a table has none', async () => {
    expect(
      await answer([
        at('csv'),
        at('parquet'),
        'select run, variant, replication, experiment, count(*) > 0 as some from events group by all order by run',
      ]),
    ).toEqual([
      { run: 1, variant: 'default', replication: 1, experiment: 'tiny', some: true },
      { run: 2, variant: 'default', replication: 1, experiment: 'tiny', some: true },
    ]);
  });

  it('a sweep: parameters as columns, numbers where all values are', async () => {
    expect(
      await answer([at('sweep'), 'select run, variant, axis_nodes, nodes, policy from runs order by run']),
    ).toEqual([
      { run: 1, variant: 'two', axis_nodes: 2, nodes: 2, policy: 'least' },
      { run: 2, variant: 'four', axis_nodes: 4, nodes: 4, policy: 'most' },
    ]);
    // 3 Deployments of 2 pods in each run; a run in CSV and one in Parquet in one table.
    expect(
      await answer([
        at('sweep'),
        'select "axis.nodes" as nodes, count(*) as pods from pods join summary using (run) group by 1 order by 1',
      ]),
    ).toEqual([
      { nodes: 2, pods: 6 },
      { nodes: 4, pods: 6 },
    ]);
    expect(await answer([`${at('sweep')}:four`, 'select count(*) as n from runs'])).toEqual([{ n: 1 }]);
  });

  it('a directory named twice is one run', async () => {
    const sql = 'select count(*) as n from runs';
    expect(await answer([at('sweep'), at('sweep/two-1/r01'), at('sweep/two-1'), sql])).toEqual([{ n: 2 }]);
  });

  it('a table of an older version: columns that came later are null', async () => {
    cpSync(at('csv'), at('old'), { recursive: true });
    const pods = readFileSync(at('csv/pods.csv'), 'utf8');
    // Without the last four columns: labels, volumes_s, stateful, running_s.
    writeFileSync(at('old/pods.csv'), pods.replaceAll(/(?:,[^,\n]*){4}$/gm, ''));
    expect(await answer([at('old'), 'select count(pod) as pods, count(labels) as labels from pods'])).toEqual(
      [{ pods: 6, labels: 0 }],
    );
  });

  it('several statements: the last one answers', async () => {
    const sql = 'create macro twice(x) as 2 * x; select twice(21) as n';
    expect(await answer([at('csv'), sql])).toEqual([{ n: 42 }]);
  });

  it('SQL from standard input', async () => {
    const { code, out } = await kubetick(
      ['query', at('csv'), '-', '-o', 'csv'],
      '-- a comment\nselect 1 as one;\n',
    );
    expect({ code, out }).toEqual({ code: 0, out: 'one\n1\n' });
  });

  it('the same bytes at every repeat, also without order', async () => {
    const ask = () =>
      kubetick([
        'query',
        at('sweep'),
        'select node, avg(ready_s) a, count(*) from pods group by node',
        '-o',
        'csv',
      ]);
    expect((await ask()).out).toBe((await ask()).out);
  });
});

describe.skipIf(!hasDuckDb)('forms', () => {
  const sql = "select 'a|b' as text, 1.5 as number union all select 'c', null order by 1";

  it('a table, and how many rows it leaves out', async () => {
    const { out } = await kubetick(['query', at('csv'), sql, '--rows', '1']);
    expect(out).toBe(
      `┌──────┬────────┐
│ text │ number │
├──────┼────────┤
│ a|b  │    1.5 │
└──────┴────────┘
1 of 2 rows: --rows N shows more, --format csv or json all
`,
    );
  });

  it('Markdown', async () => {
    const { out } = await kubetick(['query', at('csv'), sql, '--format', 'markdown']);
    expect(out).toBe('| text | number |\n| --- | ---: |\n| a\\|b | 1.5 |\n| c |  |\n');
  });

  it.each([
    ['json', '[]\n'],
    ['csv', 'pod\n'],
    ['table', 'pod: no rows\n'],
    ['markdown', '| pod |\n| --- |\n'],
  ])('no rows as %s', async (format, text) => {
    const { out } = await kubetick(['query', at('csv'), 'select pod from pods where false', '-o', format]);
    expect(out).toBe(text);
  });
});

describe.skipIf(!hasDuckDb)('refused: exit 2, nothing printed, files untouched', () => {
  it.each([
    ['no SQL', 'selec 1', 'Parser Error: syntax error at or near "selec"', 'tables: runs, summary, pods,'],
    ['no such table', 'from pod', 'Table with name pod does not exist', 'tables: runs, summary, pods,'],
    [
      'no such column',
      'select nod from nodes',
      'Referenced column "nod" not found',
      'nodes: experiment, variant,',
    ],
    ['another file', "from read_csv('/etc/passwd')", 'file system operations are disabled', 'tables:'],
    [
      'a new file',
      "copy pods to '/tmp/kubetick-query-out.csv'",
      'file system operations are disabled',
      'tables:',
    ],
    ['a file of the run', "copy (select 1) to 'PODS'", 'A query reads; COPY is not run here', 'tables:'],
    [
      'the same by a detour',
      "explain analyze copy (select 1) to 'PODS'",
      'A query reads; EXPLAIN',
      'tables:',
    ],
    ['a database', "attach '/tmp/kubetick-query.db'", 'A query reads; ATTACH is not run here', 'tables:'],
    ['rows', 'insert into runs (run) values (9)', 'A query reads; INSERT is not run here', 'tables:'],
    ['the lock', 'set enable_external_access = true', 'A query reads; SET is not run here', 'tables:'],
    ['an extension', 'install httpfs', 'A query reads; LOAD is not run here', 'tables:'],
    ['a value that is none', "select 'a'::int", "Could not convert string 'a' to INT32", 'tables:'],
    ['a parameter without value', 'select ?', 'Values were not provided', 'tables:'],
  ])('%s', async (_, statement, message, hint) => {
    const pods = at('csv', 'pods.csv');
    const before = readFileSync(pods, 'utf8');
    const { code, out, err } = await kubetick(['query', at('csv'), statement.replace('PODS', pods)]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('E4009 SQL');
    expect(err).toContain(message);
    expect(err).toContain(hint);
    expect(readFileSync(pods, 'utf8')).toBe(before);
    expect(existsSync('/tmp/kubetick-query-out.csv') || existsSync('/tmp/kubetick-query.db')).toBe(false);
  });

  it('a table that is broken is told with its file', async () => {
    cpSync(at('csv'), at('broken'), { recursive: true });
    writeFileSync(
      at('broken/nodes.csv'),
      readFileSync(at('csv/nodes.csv'), 'utf8').replace(',4000,', ',many,'),
    );
    const { code, err } = await kubetick(['query', at('broken'), 'select sum(cpu_milli) from nodes']);
    expect(code).toBe(2);
    expect(err).toContain('nodes.csv');
  });
});

describe('without a database', () => {
  it('the other commands read Parquet as they read CSV', async () => {
    const summary = async (run: string): Promise<unknown> => {
      const { code, out } = await kubetick(['summary', at(run), '--by', 'owner', '--output', 'json']);
      expect(code).toBe(0);
      return (JSON.parse(out) as { cohorts: unknown }).cohorts;
    };
    expect(await summary('parquet')).toEqual(await summary('csv'));
    // The run is repeated into the form that was recorded, and every file has the same bytes.
    const { code, out } = await kubetick(['verify', at('parquet'), '--json']);
    expect({ code, verdict: JSON.parse(out) }).toMatchObject({
      code: 0,
      // Two summaries, the seven tables of such a run, the manifest.
      verdict: { repeats: true, files: 10 },
    });
  });

  it('lists tables and columns', async () => {
    const { code, out } = await kubetick(['query', at('sweep'), '--schema', '--format', 'csv']);
    expect(code).toBe(0);
    expect(out).toContain('pods,created_s,time,stored in etcd\n');
    expect(out).toContain('runs,axis_nodes,int,value of the axis nodes of the sweep\n');
    const tables = await kubetick(['query', at('csv'), '--tables', '--format', 'csv']);
    expect(tables.out.split('\n').map((line) => line.split(',')[0])).toEqual([
      'table',
      'runs',
      'summary',
      ...TABLES.map(({ name }) => name),
      '',
    ]);
  });

  it('says what to install', async () => {
    const error = await loadDuckDb(() => Promise.reject(new Error("Cannot find package 'x'\nmore"))).catch(
      (thrown: unknown) => thrown,
    );
    expect((error as UserError).problems).toEqual([
      {
        code: 'E4008',
        message: "DuckDB cannot be loaded: Cannot find package 'x'",
        hint: expect.stringContaining('npm install @duckdb/node-api'),
      },
    ]);
  });

  it.each([
    ['no argument', [], 'E1004\n  RUNS is missing'],
    ['one argument', ['csv'], 'E1004\n  SQL is missing'],
    ['empty SQL', ['csv', ' ; -- nothing'], 'E1004 SQL\n  is empty'],
    ['no such directory', ['nope', 'select 1'], 'E4006'],
    ['no directory', ['e.yaml', 'select 1'], 'E4006'],
    ['a form that is none', ['csv', 'select 1', '--format', 'xml'], 'E1003 --format\n  found "xml"'],
  ])('%s', async (_, words, text) => {
    const [source, ...rest] = words;
    const args = source === undefined ? [] : [at(source), ...rest];
    const { code, out, err } = await kubetick(['query', ...args]);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(text);
  });
});

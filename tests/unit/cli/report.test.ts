// `kubetick report`: what it refuses, what it writes, that names from the input cannot break the page, and what it says
// where there is nothing to show. tests/e2e/report-page.test.ts opens the page in a browser.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PODS_TABLE } from '../../../engine/contracts/tables.ts';
import { reportData } from '../../../experiments/report-data.ts';
import { reportPage } from '../../../reports/html/page.ts';
import { writeSweep } from '../compare/sweep-fixture.ts';
import { runCommand } from './harness.ts';

let folder = '';
const at = (name: string): string => join(folder, name);
/** Script and style have no part in what is tested here. */
const BROWSER = { script: 'void 0', style: '*{}' };
const pageOf = (...sources: string[]): string => reportPage(reportData(sources), BROWSER);
const textOf = (page: string): string => page.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');

const RUN = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: small }
spec:
  cluster: { nodes: [{ count: 2, cpu: 2 }] }
  workload: { generators: [{ use: deployments, count: 2, replicas: 3, cpu: 500m }] }
  time: { run: 2m }
`;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'kubetick-report-'));
  writeFileSync(at('small.yaml'), RUN);
  const { code, stderr } = await runCommand(['run', at('small.yaml'), '--out', at('run'), '--quiet']);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the run with some files changed. */
function changed(name: string, files: Readonly<Record<string, (text: string) => string>>): string {
  const copy = at(name);
  mkdirSync(copy);
  for (const file of readdirSync(at('run'))) {
    const change = files[file];
    if (change === undefined) copyFileSync(join(at('run'), file), join(copy, file));
    else writeFileSync(join(copy, file), change(readFileSync(join(at('run'), file), 'utf8')));
  }
  return copy;
}

describe('what is refused', () => {
  const refused = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr, written } = await runCommand(['report', ...args]);
    expect({ code, stdout, written }).toEqual({ code: 2, stdout: '', written: [] });
    return stderr.trimEnd();
  };

  test('nothing to make', async () =>
    expect(await refused(at('run'))).toBe(
      `E1005 --html\n  found nothing to make, expected --html FILE or --slo\n  for example: kubetick report ${at('run')} --html report.html`,
    ));
  test('no runs, and nowhere to write, at once', async () =>
    expect(await refused('nowhere', '--html', 'no/such/page.html')).toBe(
      'E4002 no/such/page.html\n  there is no folder no/such\n  make it, or give another --html\nE4006 nowhere\n  there is no such directory\n  give a directory written by `kubetick sweep` or `kubetick run`, or DIR:VARIANT\n2 problems',
    ));
  test('a folder in place of the file', async () =>
    expect(await refused(at('run'), '--html', folder)).toContain(
      'found a folder, expected the name of a file',
    ));
  test('a folder without results', async () => {
    mkdirSync(at('empty'));
    expect(await refused(at('empty'), '--html', 'x.html')).toContain('there is no summary.json in it');
  });
  test.each([
    [
      'pods.csv',
      (text: string) => text.slice(0, -120),
      /^E4003 .*pods\.csv:7\n {2}found \d+ cells, expected \d+\n/,
    ],
    ['pods.csv', () => 'a,b\n', /expected also pod, created_s/],
    [
      'nodes.csv',
      (text: string) => text.replace(/0\.000000/, 'soon'),
      /^E4003 .*nodes\.csv:2\n {2}added_s: found "soon"/,
    ],
    ['summary.json', () => '{', /^E4006 .*summary\.json\n {2}cannot be read/],
    ['manifest.json', () => '{}', /not a result directory: it has no readable manifest\.json/],
  ])('a broken %s', async (file, change, message) => {
    const broken = changed(`broken-${Math.abs(message.source.length)}-${file}`, { [file]: change });
    expect(await refused(broken, '--html', 'x.html')).toMatch(message);
  });
});

describe('what is written', () => {
  test('one file, whose name is printed; the same bytes each time', async () => {
    const first = await runCommand(['report', at('run'), '--html', 'page.html']);
    expect(first).toMatchObject({ code: 0, stdout: 'page.html\n', stderr: '', written: ['page.html'] });
    await runCommand(['report', at('run'), '--html', at('a.html')]);
    await runCommand(['report', at('run'), '--html', at('b.html')]);
    const [a, b] = [readFileSync(at('a.html')), readFileSync(at('b.html'))];
    expect(a.equals(b)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('an older page is replaced whole', async () => {
    writeFileSync(at('old.html'), 'before');
    await runCommand(['report', at('run'), '--html', at('old.html')]);
    expect(readFileSync(at('old.html'), 'utf8')).toMatch(/^<!DOCTYPE html>[\s\S]*<\/html>\n$/);
  });

  test('nothing from outside: the policy forbids it, and no address stands in the page', () => {
    const page = pageOf(at('run'));
    expect(page).toContain(`content="default-src 'none'; script-src 'sha256-`);
    expect(page).not.toMatch(/(?:src|href)="(?!#)/);
    expect(page).not.toMatch(/https?:\/\//);
    expect(page).not.toMatch(/ style="| on[a-z]+="/);
  });

  test('what is needed to repeat it', () => {
    const text = textOf(pageOf(at('run')));
    const { fingerprint } = JSON.parse(readFileSync(join(at('run'), 'summary.json'), 'utf8'));
    expect(text).toContain(`kubetick verify ${at('run')}`);
    expect(text).toContain(`kubetick report ${at('run')} --html report.html`);
    expect(text).toContain(fingerprint);
    expect(text).toContain('Kubernetes 1.36');
    expect(text).toContain('&quot;use&quot;: &quot;deployments&quot;');
  });
});

describe('what it says where there is little to show', () => {
  test('no expectation, one replication', () => {
    const text = textOf(pageOf(at('run')));
    expect(text).toContain('No expectations were set');
    expect(text).toContain('No expect in this experiment');
    expect(text).toContain('One replication: there is no interval');
    expect(text).toContain('Nothing in the input was left out');
  });

  test('a sweep without tables: numbers and comparison, and what is missing', () => {
    const runs = [2, 2.2, 2.1].flatMap((startup, i) => [
      { variant: 'a', replication: i + 1, seed: 7, startup },
      { variant: 'b', replication: i + 1, seed: 7, startup: startup + 1 + i / 1000, pending: 1 },
    ]);
    writeSweep(at('sweep'), runs);
    const text = textOf(pageOf(at('sweep')));
    expect(text).toContain('a: 0 of 3 runs have kept their tables');
    expect(text).toContain('The runs have no tables to draw time series from');
    expect(text).toContain('No pod was seen Ready, or the runs have not kept pods.csv');
    expect(text).toContain('b against a');
    expect(text).toMatch(/▼ worse/);
    expect(text).not.toContain('NaN');
  });

  test('a run without pods and without nodes', () => {
    const header = (text: string): string => text.slice(0, text.indexOf('\n') + 1);
    changed('none', {
      'pods.csv': header,
      'nodes.csv': header,
      'timeseries.csv': header,
      'summary.json': (text) =>
        JSON.stringify({
          ...JSON.parse(text),
          latency: {},
          throughput: {},
          utilisation: {},
          virtualSeconds: 0,
        }),
    });
    const text = textOf(pageOf(at('none')));
    expect(text).toContain('No pod was seen Ready');
    expect(text).toContain('there is no placement to show');
    expect(text).not.toContain('NaN');
    expect(text).not.toContain('Infinity');
  });

  test('two sweeps without a variant in common are shown, not compared', () => {
    writeSweep(
      at('one'),
      ['x', 'y'].map((variant) => ({ variant, replication: 1, seed: 7, startup: 1 })),
    );
    writeSweep(
      at('two'),
      ['v', 'w'].map((variant) => ({ variant, replication: 1, seed: 7, startup: 1 })),
    );
    const text = textOf(pageOf(at('one'), at('two')));
    expect(text).toContain('not compared: has 2 variants (x, y)');
    for (const variant of ['x', 'y', 'v', 'w']) expect(text).toContain(variant);
  });
});

describe('hostile names', () => {
  const EVIL = `</script><script>alert(1)</script><img src=x onerror=alert(2)>"'&`;
  const csv = `"${EVIL.replaceAll('"', '""')}"`;

  test('of experiments, variants, pods, nodes, reasons and fields stay text', () => {
    const evil = changed('evil', {
      'summary.json': (text) => {
        const summary = JSON.parse(text);
        return JSON.stringify({
          ...summary,
          experiment: EVIL,
          variant: EVIL,
          seed: EVIL,
          fingerprint: EVIL,
          expect: [{ text: EVIL, holds: false, observed: null }],
          loss: [{ source: EVIL, kind: EVIL, field: EVIL, count: 1, note: EVIL }],
        });
      },
      'manifest.json': (text) => {
        const manifest = JSON.parse(text);
        manifest.scenario.workloads.push({ use: EVIL, args: { [EVIL]: EVIL } });
        manifest.ingredients = { [EVIL]: EVIL };
        return JSON.stringify({ ...manifest, versions: { kubetick: EVIL, kubernetes: EVIL, node: EVIL } });
      },
      'nodes.csv': (text) => text.replaceAll('node-1', csv),
      'timeseries.csv': (text) => `${text}1.000000,requests.${'<b>'}.rate,5\n`,
      'pods.csv': (text) => {
        const names = PODS_TABLE.columns.map(({ name }) => name);
        const lines = text
          .trimEnd()
          .split('\n')
          .map((line) => line.split(','));
        for (const cells of lines.slice(1))
          for (const column of ['namespace', 'pod', 'owner_kind', 'owner', 'node', 'reason'])
            cells[names.indexOf(column)] = csv;
        const pending = [...lines[1]!];
        pending[names.indexOf('phase')] = 'Pending';
        pending[names.indexOf('deleted_s')] = '';
        return `${[...lines, pending].map((cells) => cells.join(',')).join('\n')}\n`;
      },
    });
    const page = pageOf(evil, at('run'));
    // As many scripts as a page of quiet names has, and no element that a name brought along.
    const count = (pattern: RegExp, text: string): number => [...text.matchAll(pattern)].length;
    const quiet = pageOf(at('run'), at('run'));
    expect(count(/<script/g, page)).toBe(count(/<script/g, quiet));
    expect(count(/<\/script/g, page)).toBe(count(/<\/script/g, quiet));
    expect(page).not.toContain('<img');
    expect(page).not.toContain('<b>.rate');
    const block = /<script type="application\/json" id="report-data">(.*)<\/script>\n/.exec(page)![1]!;
    expect(JSON.parse(block).placements[0].cells.map(([name]: [string]) => name)).toContain(EVIL);
  });
});

test('the directory is only read', () => {
  expect(existsSync(at('run'))).toBe(true);
  expect(readdirSync(at('run')).filter((name) => /html|tmp/.test(name))).toEqual([]);
});

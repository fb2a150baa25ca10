// Rules about source text: what the model may not call, how files begin, how long they get.
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { files, isGenerated, isSource, read } from './tree.ts';

/** Clock, chance and locale of the machine: none of them may reach a decision or a result. */
const BANNED_MEMBERS: readonly RegExp[] = [
  /^Date\.now$/,
  /^Math\.random$/,
  /^performance\.now$/,
  /^Intl\./,
  /\.localeCompare$/,
  /\.toLocale\w*$/,
];
/** Globals that a browser page lacks, or that let real time in. */
const BANNED_GLOBALS = new Set([
  'process',
  'Buffer',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'Intl',
  'require',
]);

/** Uses that stand, each with its reason. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  // Whether a CronJob's time zone exists is a question to the time zone database, and JavaScript has no other door to it.
  'engine/kinds/cronjob.ts': ['Intl', 'Intl.DateTimeFormat'],
  'engine/controllers/cron-times.ts': ['Intl', 'Intl.DateTimeFormat'],
};

/** `line: what` for each banned use in a source text. */
function bannedUses(text: string): string[] {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.ES2023, true);
  const declared = declaredNames(source);
  const found: string[] = [];
  const report = (node: ts.Node, what: string): void => {
    found.push(`${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) {
      const path = `${ts.isIdentifier(node.expression) ? node.expression.text : ''}.${node.name.text}`;
      if (BANNED_MEMBERS.some((banned) => banned.test(path))) report(node, path);
    }
    if (
      ts.isNewExpression(node) &&
      node.expression.getText() === 'Date' &&
      (node.arguments ?? []).length === 0
    ) {
      report(node, 'new Date()');
    }
    if (ts.isIdentifier(node) && BANNED_GLOBALS.has(node.text) && !declared.has(node.text) && isUse(node))
      report(node, node.text);
    if (
      (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
      node.moduleSpecifier !== undefined
    ) {
      const from = (node.moduleSpecifier as ts.StringLiteral).text;
      if (from.startsWith('node:')) report(node, from);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** Variables, parameters and functions of the file: such a name is not the global one. */
function declaredNames(source: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isBindingElement(node);
    if (declares && node.name !== undefined && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}

/** True where a name is used as a value: called, read from, given along; not a member, a key or a type's field. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  return ts.isCallExpression(parent) || ts.isNewExpression(parent) || ts.isBinaryExpression(parent);
}

/** Where a run's numbers are made. Adapters to files and threads live in experiments/ and cli/. */
const inModel = (path: string): boolean =>
  /^(?:engine|policies|workloads|reports\/stats)\//.test(path) && path.endsWith('.ts');

function offences(path: string): string[] {
  const allowed = ALLOWED[path] ?? [];
  return bannedUses(read(path))
    .filter((use) => !allowed.includes(use.replace(/^\d+: /, '')))
    .map((use) => `${path}:${use}`);
}

describe('the model calls nothing of the machine', () => {
  test('no clock, chance, locale, or module of Node in engine, policies, workloads, statistics', () => {
    const model = files(inModel);
    expect(model.length).toBeGreaterThan(50);
    expect(model.flatMap((path) => offences(path))).toEqual([]);
  });

  test.each([
    ['const t = Date.now();', 'Date.now'],
    ['const t = new Date();', 'new Date()'],
    ['const u = Math.random();', 'Math.random'],
    ['const t = performance.now();', 'performance.now'],
    ['names.sort((a, b) => a.localeCompare(b));', '.localeCompare'],
    ['const s = (5).toLocaleString();', '.toLocaleString'],
    ['const f = new Intl.NumberFormat();', 'Intl'],
    ["import { readFileSync } from 'node:fs';", 'node:fs'],
    ["export * from 'node:os';", 'node:os'],
    ['const m = process.memoryUsage();', 'process'],
    ['const b = Buffer.from([]);', 'Buffer'],
    ['setTimeout(() => 0, 5);', 'setTimeout'],
  ])('would find %s', (text, what) => {
    expect(bannedUses(text).join()).toContain(what);
  });

  test.each([
    '// Date.now() and Math.random() stand in a comment',
    "const text = 'Date.now()';",
    'const then = new Date(0);',
    'interface Job { process: string }',
    'const kept = { process: 1 };',
    'const p = job.process;',
    'function wake(process: { wake(): void }) { process.wake(); }',
  ])('leaves %s alone', (text) => {
    expect(bannedUses(text)).toEqual([]);
  });
});

describe('files', () => {
  const sources = files((path) => isSource(path) || path.startsWith('.ci/'));

  test('each opens with a comment that says what it is for', () => {
    const bare = sources.filter((path) => {
      const [first = '', second = ''] = read(path).split('\n');
      const head = first.startsWith('#!') ? second : first;
      return !/^(?:\/\/|\/\*|#) ?\S/.test(head);
    });
    expect(bare).toEqual([]);
  });

  /** Longer ones, each with the reason why it is one subject. */
  const LONG: Readonly<Record<string, string>> = {};

  test('none is longer than 500 lines without a reason', () => {
    const long = sources
      .filter((path) => !isGenerated(path))
      .map((path) => ({ path, lines: read(path).trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > 500);
    expect(long.filter(({ path }) => !(path in LONG))).toEqual([]);
    // A reason that is no longer needed goes, too.
    expect(Object.keys(LONG).filter((path) => !long.some((one) => one.path === path))).toEqual([]);
  });

  test('none says that it is unfinished', () => {
    // Built from parts, so that this file does not find itself.
    const words = [
      'TO' + 'DO',
      'FIX' + 'ME',
      'XX' + 'X',
      'not imple' + 'mented',
      'unimple' + 'mented',
      'for ' + 'now',
    ];
    const unfinished = new RegExp(`\\b(?:${words.join('|')})\\b`);
    expect(sources.filter((path) => !isGenerated(path) && unfinished.test(read(path)))).toEqual([]);
  });

  test('every test runs: none is skipped without a condition, none runs alone', () => {
    const word = /\b(?:it|test|describe)\.(?:skip|to[d]o|only|fails)\(/;
    expect(sources.filter((path) => path.startsWith('tests/') && word.test(read(path)))).toEqual([]);
  });
});

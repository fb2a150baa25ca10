// Policy files: TypeScript or JavaScript of the user's, read with what they import, types removed, and run. A module is
// compiled once, when the files are loaded; what a run executes is the compiled text that its scenario carries, so a
// result directory can be repeated where the files are gone.
//
// A policy may import `kubetick`, `zod` and files beside it, nothing else: a result must not depend on what happens to
// be installed, nor on a clock or on chance. That is a guard against slips, no sandbox.
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compileFunction } from 'node:vm';
import * as z from 'zod';
import type { PolicyFile, PolicyModule } from '../engine/contracts/scenario.ts';
import * as api from './plugin-api.ts';
import type { UserProblem } from './problems.ts';
import { didYouMean } from './suggest.ts';

const ENDINGS = /\.(?:ts|mts|js|mjs)$/;
/** How module texts are called in stack traces. */
const SCHEME = 'kubetick-policy:';

/** Removes types and turns imports into `require`; keeps lines where they are. */
export type Compiler = (text: string, file: string) => string;

/** The compiler, loaded when the first policy file is. */
export async function loadCompiler(): Promise<Compiler> {
  const { transform } = await import('sucrase');
  return (text, file) =>
    transform(text, {
      transforms: ['typescript', 'imports'],
      filePath: file,
      disableESTransforms: true,
      production: true,
    }).code;
}

/**
 * The place in a policy file that an error came from, if it came from one: the innermost frame counts. Without column:
 * compiling keeps lines where they are, not columns.
 */
export function placeOf(error: unknown): { file: string; line: number } | null {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const frame = /kubetick-policy:(.+?):(\d+):\d+/.exec(stack);
  return frame === null ? null : { file: frame[1]!, line: Number(frame[2]) };
}

/** `TypeError: x is not a function`; what is thrown need not be an Error. */
export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return `threw ${JSON.stringify(error) ?? String(error)}`;
  return error.name === 'Error' ? error.message : `${error.name}: ${error.message}`;
}

/** A problem that is found while modules are read: it ends loading of its file. */
class Refused extends Error {
  readonly problem: UserProblem;

  constructor(problem: UserProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

export interface LoadedFile {
  readonly policy: PolicyFile;
  /** `export default` of the file; undefined: there is none. */
  readonly exported: unknown;
}

/** Reads, compiles and runs one file with what it imports. */
export function loadPolicyFile(file: string, compile: Compiler): LoadedFile | { problem: UserProblem } {
  const loader = new Loader(compile);
  try {
    const exports = loader.module(file, file, null);
    return { policy: { modules: loader.modules }, exported: exports['default'] };
  } catch (error) {
    if (error instanceof Refused) return { problem: error.problem };
    const at = placeOf(error);
    return {
      problem: {
        code: 'E3104',
        ...(at ?? { file }),
        message: `throws while it is loaded: ${textOf(error)}`,
      },
    };
  }
}

/** Runs compiled modules anew: each run has module variables of its own. */
export function runPolicyFile({ modules }: PolicyFile): unknown {
  const made = new Map<number, Exports>();
  const module = (index: number): Exports => {
    const before = made.get(index);
    if (before !== undefined) return before;
    const exports: Exports = {};
    made.set(index, exports);
    const { code, file, imports } = modules[index]!;
    return evaluate(code, file, exports, (specifier) => {
      const target = imports[specifier];
      return target === undefined ? provided(specifier) : module(target);
    });
  };
  return module(0)['default'];
}

type Exports = Record<string, unknown>;

class Loader {
  readonly modules: PolicyModule[] = [];
  readonly #byFile = new Map<string, { index: number; exports: Exports }>();
  readonly #compile: Compiler;

  constructor(compile: Compiler) {
    this.#compile = compile;
  }

  /** `from`: who imports it, as which specifier. */
  module(file: string, specifier: string, from: string | null): Exports {
    const known = this.#byFile.get(join(file));
    if (known !== undefined) return known.exports;
    const text = read(file, specifier, from);
    const code = this.#compiled(text, file);
    const exports: Exports = {};
    const index = this.modules.length;
    this.#byFile.set(join(file), { index, exports });
    const imports: Record<string, number> = {};
    const sha256 = createHash('sha256').update(text).digest('hex');
    this.modules.push({ file, sha256, code, imports });
    return evaluate(code, file, exports, (wanted) => {
      if (!wanted.startsWith('.')) return provided(wanted, file);
      const target = resolved(join(dirname(file), wanted));
      const inner = this.module(target, wanted, file);
      imports[wanted] = this.#byFile.get(join(target))!.index;
      return inner;
    });
  }

  #compiled(text: string, file: string): string {
    let code: string;
    try {
      code = this.#compile(text, file);
      compileFunction(code, PARAMETERS, { filename: SCHEME + file });
      return code;
    } catch (error) {
      throw new Refused({ code: 'E3101', file, ...syntaxPlace(error, text), message: syntaxText(error) });
    }
  }
}

/** A path without ending means the .ts or .js file; `.js` also means the .ts file that it is made of. */
function resolved(path: string): string {
  const candidates = ENDINGS.test(path)
    ? [path, path.replace(/\.(m?)js$/, '.$1ts')]
    : [`${path}.ts`, `${path}.js`, `${path}.mjs`, join(path, 'index.ts')];
  return candidates.find((candidate) => isFile(candidate)) ?? path;
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function read(file: string, specifier: string, from: string | null): string {
  if (!ENDINGS.test(file)) {
    const where = from === null ? { file } : { file: from, path: `import ${JSON.stringify(specifier)}` };
    throw new Refused({
      code: 'E3102',
      ...where,
      message: `found ${JSON.stringify(specifier)}, expected a file that ends in .ts, .mts, .js or .mjs`,
    });
  }
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    throw new Refused({
      code: missing ? 'E1101' : 'E1102',
      file: from ?? file,
      ...(from === null ? {} : { path: `import ${JSON.stringify(specifier)}` }),
      message: missing ? 'no such file or folder' : `cannot be read (${code ?? String(error)})`,
    });
  }
}

/** Line and column of a syntax error: told by the compiler, or drawn by Node under the compiled line. */
function syntaxPlace(error: unknown, text: string): { line?: number; column?: number } {
  const { loc, stack = '' } = error as { loc?: { line: number; column: number }; stack?: string };
  if (loc !== undefined) return { line: loc.line, column: loc.column };
  const shown = /^kubetick-policy:.*:(\d+)\n(.*)\n( *)\^/.exec(stack);
  if (shown === null) return {};
  const line = Number(shown[1]);
  const isUnchanged = text.split('\n')[line - 1] === shown[2];
  return { line, ...(isUnchanged ? { column: shown[3]!.length + 1 } : {}) };
}

function syntaxText(error: unknown): string {
  const text = (error as Error).message
    .replace(/^Error transforming [^:]*: /, '')
    .replace(/ \(\d+:\d+\)$/, '');
  return `not valid TypeScript: ${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}

// ---- what a module sees ----

const PARAMETERS = [
  'exports',
  'require',
  'module',
  'Math',
  'Date',
  'performance',
  'process',
  'fetch',
  'crypto',
];

function evaluate(code: string, file: string, exports: Exports, require: (name: string) => unknown): Exports {
  const run = compileFunction(code, PARAMETERS, { filename: SCHEME + file });
  const module = { exports };
  run(exports, require, module, pureMath, PureDate, ...FORBIDDEN);
  return module.exports;
}

const refuse = (name: string, instead: string): never => {
  throw new Error(`${name} is not there for policies, whose runs must repeat: ${instead}`);
};

const NO_CHANCE = 'draw from the rng that a workload is given, or derive it from pod.uid';
const NO_CLOCK = 'virtual time is what the run gives you';

const pureMath: Math = Object.create(Math, {
  random: { value: () => refuse('Math.random', NO_CHANCE) },
}) as Math;

const PureDate = new Proxy(Date, {
  construct: (target, args) =>
    args.length === 0
      ? refuse('new Date()', NO_CLOCK)
      : (Reflect.construct(target, args as unknown[]) as object),
  get: (target, key) =>
    key === 'now' ? () => refuse('Date.now', NO_CLOCK) : (Reflect.get(target, key) as unknown),
});

const forbidden = (name: string, instead: string): unknown =>
  new Proxy(() => undefined, {
    get: () => refuse(name, instead),
    apply: () => refuse(name, instead),
  });
const FORBIDDEN: readonly unknown[] = [
  forbidden('performance', NO_CLOCK),
  forbidden('process', 'pass settings as args'),
  forbidden('fetch', 'put the data in a file of its own and import it'),
  forbidden('crypto', NO_CHANCE),
];

/** A module of the program's own, that tells of names it does not have. */
const door = (name: string, members: Readonly<Record<string, unknown>>): unknown =>
  new Proxy(members, {
    get(target, key) {
      if (key === '__esModule') return true;
      if (typeof key === 'symbol' || key in target) return target[key as string];
      if (key === 'default') return target;
      throw new Error(`${name} exports no "${key}": ${didYouMean(key, Object.keys(target))}`);
    },
  });

const DOORS: Readonly<Record<string, unknown>> = { kubetick: door('kubetick', api), zod: door('zod', z) };

function provided(specifier: string, from = ''): unknown {
  if (Object.hasOwn(DOORS, specifier)) return DOORS[specifier];
  throw new Refused({
    code: 'E3101',
    file: from,
    path: `import ${JSON.stringify(specifier)}`,
    message: `a policy may import "kubetick", "zod" and files beside it, not ${JSON.stringify(specifier)}`,
    hint: 'results must not depend on what is installed: copy the part you need into a file of your own',
  });
}

// Builds what is run: cli/main.ts -> dist/kubetick.js and bench/main.ts -> dist/bench.js, each one file without a
// node_modules beside it; dist/lib holds libraries that few commands need, so that the others do not read them; dist/index.js
// is what `import … from 'kubetick'` gives to programs, its types are made by `npm run build:types`. Commands are imported lazily by cli/main.ts; esbuild keeps that laziness inside the one
// file (a module's body runs at its first import()), which is what makes `kubetick --help` cheap.
// Options: --watch rebuilds at each change; --meta prints what each file is made of; --out DIR builds there.
import { chmodSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { browserText } from './browser-text.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const watch = process.argv.includes('--watch');
const meta = process.argv.includes('--meta');
const outAt = process.argv.indexOf('--out');
const outdir = outAt < 0 ? join(root, 'dist') : resolve(process.argv[outAt + 1] ?? 'dist');

/** CommonJS dependencies inside an ES module still call require() for Node's own modules. */
const requireForCommonJs =
  "import { createRequire as createRequireForBundle } from 'node:module';\n" +
  'const require = createRequireForBundle(import.meta.url);\n' +
  // piscina looks for the script of its workers beside itself.
  "const bundleFolder = createRequireForBundle(import.meta.url)('node:url').fileURLToPath(new URL('.', import.meta.url));";

/** Loaded by the commands that use them, from a file of their own. */
const SELDOM = ['sucrase', 'fast-check', 'piscina', 'hyparquet-writer'];

/** @type {esbuild.Plugin} */
const seldom = {
  name: 'seldom',
  setup(build) {
    build.onResolve({ filter: /[\\/]redis-library\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './lib/redis-library.js', external: true },
    );
    build.onResolve({ filter: new RegExp(`^(?:${SELDOM.join('|')})$`) }, ({ path, kind, importer }) =>
      // Inside of a library others stay what they are: part of it.
      kind === 'entry-point' || importer.includes('node_modules')
        ? undefined
        : { path: `./lib/${path}.js`, external: true },
    );
  },
};

/** Messages of schemas are English, as all messages are: the other languages of zod stay out. @type {esbuild.Plugin} */
const english = {
  name: 'english',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** Script and style of the HTML report stand in the program as texts. @type {esbuild.Plugin} */
const browser = {
  name: 'browser',
  setup(build) {
    build.onLoad({ filter: /[\\/]reports[\\/]html[\\/]browser-text\.ts$/ }, async () => ({
      contents: `const text = ${JSON.stringify(await browserText())};\nexport const browserText = () => text;`,
    }));
  },
};

/** @type {esbuild.BuildOptions} */
const options = {
  absWorkingDir: root,
  entryPoints: {
    kubetick: 'cli/main.ts',
    bench: 'bench/main.ts',
    index: 'experiments/plugin-api.ts',
    ...Object.fromEntries(SELDOM.map((name) => [`lib/${name}`, name])),
    'lib/redis-library': 'experiments/queue/redis-library.ts',
    'lib/worker': 'node_modules/piscina/dist/worker.js',
  },
  plugins: [seldom, english, browser],
  outdir,
  bundle: true,
  define: { __dirname: 'bundleFolder' },
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // Stack traces must name functions, and a bug report quotes lines: names and line breaks stay. Not `keepNames`: it sets
  // the name of every closure when it is made, which costs 5 % of a run.
  minifySyntax: true,
  legalComments: 'eof',
  // ES module builds of dependencies first: only those can be tree-shaken.
  mainFields: ['module', 'main'],
  banner: { js: `#!/usr/bin/env node\n${requireForCommonJs}` },
  // A development dependency that finds its own parts with require(): dist/bench.js runs in a checkout only.
  // piscina's workers run without @napi-rs/nice, which would only lower their priority.
  external: ['benchmark', '@napi-rs/nice'],
  logLevel: 'warning',
  metafile: true,
};

/** @param {esbuild.Metafile} metafile */
function printInputs(metafile) {
  for (const [file, output] of Object.entries(metafile.outputs)) {
    const parts = new Map();
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const part = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? input.split('/')[0];
      parts.set(part, (parts.get(part) ?? 0) + bytesInOutput);
    }
    console.log(`${file}  ${(output.bytes / 1000).toFixed(0)} kB`);
    for (const [part, bytes] of [...parts].sort((a, b) => b[1] - a[1]).slice(0, 20)) {
      console.log(`  ${(bytes / 1000).toFixed(1).padStart(8)} kB  ${part}`);
    }
  }
}

if (watch) {
  const context = await esbuild.context(options);
  await context.watch();
  console.log('rebuilding at each change; Ctrl-C ends');
} else {
  // esbuild has printed what is wrong; its exception would only repeat that.
  const result = await esbuild.build(options).catch(() => process.exit(1));
  // npx runs the package's own bin through a link to this file, which must be executable.
  chmodSync(join(outdir, 'kubetick.js'), 0o755);
  if (meta) printInputs(result.metafile);
}

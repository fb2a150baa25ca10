// The script and the style of the HTML report as texts, each one file with what it imports (uPlot among it): for
// tools/build.mjs, which puts them into dist/kubetick.js, and for a checkout, which asks this tool at run time.
// Run by itself it prints {"script", "style"}.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** @returns {Promise<{ script: string, style: string }>} */
export async function browserText() {
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['reports/html/browser/main.ts', 'reports/html/style.css'],
    outdir: 'out',
    write: false,
    bundle: true,
    minify: true,
    platform: 'browser',
    target: ['es2022', 'chrome109', 'firefox115', 'safari16'],
    format: 'iife',
    // Names and text of a page are UTF-8 already.
    charset: 'utf8',
    legalComments: 'inline',
    mainFields: ['module', 'main'],
    logLevel: 'warning',
    tsconfigRaw: '{}',
  });
  const text = (/** @type {string} */ end) =>
    result.outputFiles.find(({ path }) => path.endsWith(end))?.text.trim() ?? '';
  return { script: text('.js'), style: text('.css') };
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(JSON.stringify(await browserText()));

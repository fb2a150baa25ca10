// The files of the checkout as the tidy tests see them: everything that could be committed, without what is built,
// installed or recorded.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');

const SKIPPED = new Set(['.git', 'node_modules', 'dist', 'runs', 'coverage', '.bench', '.artifacts']);

/** Paths relative to the root with `/`, sorted. */
export function files(matching: (path: string) => boolean): string[] {
  const found: string[] = [];
  const visit = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) {
        if (!SKIPPED.has(entry.name)) visit(path);
      } else if (entry.isFile()) {
        const name = relative(root, path).split(sep).join('/');
        if (matching(name)) found.push(name);
      }
    }
  };
  visit(root);
  return found.sort();
}

export const read = (path: string): string => readFileSync(join(root, path), 'utf8');

export const isSource = (path: string): boolean => /\.(?:ts|mts|js|mjs)$/.test(path);
export const isGenerated = (path: string): boolean => /\.generated\.ts$/.test(path);

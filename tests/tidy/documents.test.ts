// Rules about what readers are told: links lead somewhere, and nothing names the machine that a file was written on.
import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { files, read, root } from './tree.ts';

const documents = files((path) => path.endsWith('.md'));

/** Link targets of a Markdown text, without those in code. */
function links(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target!);
}

/** Anchors as GitHub makes them of headings. */
function anchors(text: string): Set<string> {
  const headings = [...text.replace(/```[\s\S]*?```/g, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)];
  return new Set(
    headings.map(([, heading]) =>
      heading!
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/ /g, '-'),
    ),
  );
}

function brokenLinks(path: string, text: string): string[] {
  return links(text)
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file, anchor] = target.split('#');
      const full = file === '' ? path : normalize(join(dirname(path), file!));
      if (full.startsWith('..') || !existsSync(join(root, full))) return true;
      if (anchor === undefined) return false;
      return (
        statSync(join(root, full)).isDirectory() || !anchors(file === '' ? text : read(full)).has(anchor)
      );
    })
    .map((target) => `${path}: ${target}`);
}

describe('links', () => {
  test('every relative link and anchor in the documents exists', () => {
    expect(documents).toContain('README.md');
    expect(documents.flatMap((path) => brokenLinks(path, read(path)))).toEqual([]);
  });

  test.each([
    ['[a](missing.md)', 1],
    ['[a](LICENSE) [b](docs/architecture.md)', 0],
    ['# One two\n[a](#one-two)', 0],
    ['# One two\n[a](#three)', 1],
    ['[a](../outside.md)', 1],
    ['`[a](missing.md)` and https://example.com', 0],
  ])('%j has %i broken', (text, count) => {
    expect(brokenLinks('README.md', text)).toHaveLength(count);
  });
});

describe('machines', () => {
  const texts = files((path) =>
    /\.(?:ts|mjs|js|json|md|ya?ml|sh|cpp|html|css)$|^\.ci\/|^\.npmrc$/.test(path),
  );

  test('no file names the folder or the home it was written in', () => {
    const home = homedir();
    const places = [`${root}/`, ...(home.split('/').length > 2 ? [`${home}/`] : [])];
    const named = texts.filter((path) => places.some((place) => read(path).includes(place)));
    expect(named).toEqual([]);
  });

  test('the lock file names no registry', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "https?:/);
  });

  test('the lock file holds the optional packages of every platform (else: node tools/complete-lock.mjs)', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (name) => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
      ),
    );
    // npm ci refuses such a file on every machine.
    expect(missing).toEqual([]);
  });
});

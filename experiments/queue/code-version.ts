// Which code makes the runs: results are equal bit for bit only where program and major version of Node are the same, so
// a sweep hands its runs to workers of its own version alone.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { versions } from '../run-directory.ts';

export interface CodeVersion {
  /** Hash of the program, 12 hex digits; queues are named after it. */
  readonly id: string;
  /** For people: `kubetick 0.1.0 (build 0a1b2c3d4e5f) on Node 20`. */
  readonly text: string;
}

/** What decides on results in a checkout. */
const SOURCES = ['engine', 'experiments', 'policies', 'reports', 'workloads'];

/** Version of the running program: of its one file when it is built, of its sources in a checkout. */
export function codeVersion(): CodeVersion {
  const { kubetick, node } = versions();
  const hash = createHash('sha256').update(`${kubetick}\n${node}\n`);
  const own = fileURLToPath(import.meta.url);
  if (own.endsWith('.js')) hash.update(readFileSync(own));
  else addSources(hash, fileURLToPath(new URL('../..', import.meta.url)));
  const build = hash.digest('hex').slice(0, 12);
  return { id: build, text: `kubetick ${kubetick} (build ${build}) on Node ${node}` };
}

function addSources(hash: ReturnType<typeof createHash>, root: string): void {
  const files = SOURCES.flatMap((room) =>
    readdirSync(join(root, room), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
  ).sort();
  for (const file of [...files, join(root, 'package-lock.json')]) {
    const text = readFileSync(file);
    hash.update(`${file.slice(root.length)} ${text.length}\n`).update(text);
  }
}

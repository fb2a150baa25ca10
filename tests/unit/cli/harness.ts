// Runs command lines in this process, in an empty folder with the files of a case, and tells what was printed, the exit
// code and every file that the command left behind.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { main } from '../../../cli/program.ts';

/** A file: its text, or what is wrong with it. A name that ends in `/` is a folder. */
export type FileSpec =
  | string
  | { readonly gzip: string; readonly cutAt?: number; readonly flipAt?: number }
  | { readonly bytes: readonly number[] }
  | { readonly text: string; readonly unreadable: true }
  | { readonly link: string };

export type Files = Readonly<Record<string, FileSpec>>;

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Files that the command made. */
  readonly written: string[];
}

/** User without rights, for files that even root's tests must not read. */
const NOBODY = 65_534;

function contentOf(spec: Exclude<FileSpec, { link: string }>): string | Uint8Array {
  if (typeof spec === 'string') return spec;
  if ('text' in spec) return spec.text;
  if ('bytes' in spec) return Uint8Array.from(spec.bytes);
  let bytes: Uint8Array = gzipSync(spec.gzip);
  if (spec.cutAt !== undefined) bytes = bytes.subarray(0, spec.cutAt);
  if (spec.flipAt !== undefined) bytes[spec.flipAt]! ^= 0xff;
  return bytes;
}

function place(folder: string, name: string, spec: FileSpec): void {
  const path = join(folder, name);
  const unreadable = typeof spec === 'object' && 'unreadable' in spec;
  if (name.endsWith('/')) {
    mkdirSync(path, { recursive: true });
  } else {
    mkdirSync(dirname(path), { recursive: true });
    if (typeof spec === 'object' && 'link' in spec) symlinkSync(spec.link, path);
    else writeFileSync(path, contentOf(spec));
  }
  if (unreadable) chmodSync(path, 0);
}

const listing = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();

/** Runs one command line in a folder that holds `files` and is removed afterwards. */
export async function runCommand(
  args: readonly string[],
  files: Files = {},
  options: { readonly stdin?: string } = {},
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'kubetick-test-'));
  const before = process.cwd();
  const asNobody =
    process.getuid?.() === 0 && Object.values(files).some((f) => typeof f === 'object' && 'unreadable' in f);
  for (const [name, spec] of Object.entries(files)) place(folder, name, spec);
  const had = new Set(listing(folder));
  let stdout = '';
  let stderr = '';
  process.chdir(folder);
  if (asNobody) {
    chmodSync(folder, 0o755);
    chownSync(folder, NOBODY, NOBODY);
    process.seteuid!(NOBODY);
  }
  try {
    const code = await main(args, {
      stdout: { write: (text: string) => (stdout += text) },
      stderr: { write: (text: string) => (stderr += text) },
      env: {},
      readStdin: () => new TextEncoder().encode(options.stdin ?? ''),
    });
    if (asNobody) process.seteuid!(0);
    const written = listing(folder).filter((name) => !had.has(name));
    return { code, stdout, stderr, written };
  } finally {
    if (asNobody) process.seteuid!(0);
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line of a table of bad inputs. `expected`: standard error, without the line break at its end. */
export interface BadInput {
  readonly name: string;
  readonly args: readonly string[];
  readonly files?: Files;
  readonly expected: string;
}

// The adapter to the file system: PATH arguments to texts. Files, folders (searched), `*` patterns, standard input,
// gzip; whatever cannot be read becomes a problem, never an exception.
import type { Dirent } from 'node:fs';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, normalize, sep } from 'node:path';
import { constants, gunzipSync, inflateRawSync } from 'node:zlib';
import type { UserProblem } from './problems.ts';

export interface SourceText {
  /** As the user named it (a file of a folder: folder/relative path), `-` for standard input. */
  readonly name: string;
  readonly text: string;
  /** Found by searching a folder or a pattern rather than named: then it may hold no object at all. */
  readonly searched: boolean;
}

export interface ReadPaths {
  readonly sources: SourceText[];
  readonly problems: UserProblem[];
}

export interface ReadPathsOptions {
  readonly readStdin?: () => Uint8Array;
  /** Folder that relative paths start from; default: the current one. */
  readonly base?: string;
}

const MANIFEST = /\.(?:ya?ml|json)(?:\.gz)?$/;
/** One string of V8 holds 2^29 - 24 characters. */
const TEXT_MAX = 2 ** 29 - 24;

/** Order by bytes, the same on every machine. */
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Reads every file that the paths mean, in the order given; folders in byte order of their relative paths. */
export function readPaths(paths: readonly string[], options: ReadPathsOptions = {}): ReadPaths {
  const reader = new PathReader(options);
  for (const path of paths) reader.path(path);
  return { sources: reader.sources, problems: reader.problems };
}

class PathReader {
  readonly sources: SourceText[] = [];
  readonly problems: UserProblem[] = [];
  private readonly seen = new Set<string>();
  private readonly options: ReadPathsOptions;

  constructor(options: ReadPathsOptions) {
    this.options = options;
  }

  path(path: string): void {
    if (path === '-') {
      this.standardInput();
      return;
    }
    let stat: ReturnType<typeof statSync>;
    try {
      stat = statSync(this.real(path));
    } catch (error) {
      if (/[*?]/.test(path)) this.pattern(path);
      else this.fail(path, error);
      return;
    }
    if (stat.isDirectory()) this.folder(path);
    else if (stat.isFile() || stat.isFIFO()) this.file(path, false);
    else this.problems.push({ code: 'E1102', file: path, message: 'is neither a file nor a folder' });
  }

  private real(path: string): string {
    const base = this.options.base;
    return base === undefined || path.startsWith('/') ? path : join(base, path);
  }

  private standardInput(): void {
    if (this.seen.has('-')) return;
    this.seen.add('-');
    try {
      const bytes = this.options.readStdin === undefined ? readFileSync(0) : this.options.readStdin();
      this.bytes('-', bytes, false);
    } catch (error) {
      this.fail('-', error);
    }
  }

  /** All manifests below a folder; files that it does not want are passed over in silence. */
  private folder(path: string): void {
    const before = this.sources.length + this.problems.length;
    const found = this.search(path);
    for (const file of found.sort(byBytes)) this.file(file, true);
    if (this.sources.length + this.problems.length === before) {
      this.problems.push({
        code: 'E1105',
        file: path,
        message: 'the folder holds no .yaml, .yml or .json file',
      });
    }
  }

  private search(path: string, into: string[] = []): string[] {
    let entries: Dirent[];
    try {
      entries = readdirSync(this.real(path), { withFileTypes: true });
    } catch (error) {
      this.fail(path, error);
      return into;
    }
    for (const entry of entries) {
      const inner =
        path === '.' ? entry.name : path.endsWith('/') ? `${path}${entry.name}` : `${path}/${entry.name}`;
      if (entry.isDirectory()) {
        // Folders of tools, never of manifests; a link to a folder is not followed (it may lead back here).
        if (entry.name !== 'node_modules' && entry.name !== '.git') this.search(inner, into);
      } else if (MANIFEST.test(entry.name)) {
        if (entry.isFile() || (entry.isSymbolicLink() && this.isFile(inner))) into.push(inner);
      }
    }
    return into;
  }

  private isFile(path: string): boolean {
    try {
      return statSync(this.real(path)).isFile();
    } catch {
      // A dangling link is reported when it is read.
      return true;
    }
  }

  /** `dir/*.yaml`, `**` for any depth. */
  private pattern(path: string): void {
    const plain = normalize(path).split(sep);
    const firstMagic = plain.findIndex((part) => /[*?]/.test(part));
    const root = plain.slice(0, firstMagic).join('/') || (path.startsWith('/') ? '/' : '.');
    const rest = plain.slice(firstMagic).join('/');
    const source = rest
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('**/', '\u0000')
      .replaceAll('**', '\u0001')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')
      .replaceAll('\u0000', '(?:.*/)?')
      .replaceAll('\u0001', '.*');
    const regex = new RegExp(`^${source}$`);
    const files: string[] = [];
    const walk = (folder: string, relative: string): void => {
      let entries: Dirent[];
      try {
        entries = readdirSync(this.real(folder), { withFileTypes: true });
      } catch {
        return;
      }
      for (const entry of entries) {
        const name = relative === '' ? entry.name : `${relative}/${entry.name}`;
        if (entry.isDirectory()) walk(`${folder}/${entry.name}`, name);
        else if (regex.test(name)) files.push(root === '.' ? name : `${root}/${name}`);
      }
    };
    walk(root, '');
    if (files.length === 0)
      this.problems.push({ code: 'E1101', file: path, message: 'no file matches this pattern' });
    for (const file of files.sort(byBytes)) this.file(file, true);
  }

  private file(path: string, searched: boolean): void {
    const key = normalize(path);
    if (this.seen.has(key)) return;
    this.seen.add(key);
    let descriptor: number | undefined;
    try {
      descriptor = openSync(this.real(path), 'r');
      if (fstatSync(descriptor).size > 2 ** 31) {
        this.problems.push({ code: 'E1106', file: path, message: 'the file is larger than 2 GiB' });
        return;
      }
      this.bytes(path, readFileSync(descriptor), searched);
    } catch (error) {
      this.fail(path, error);
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  private bytes(name: string, bytes: Uint8Array, searched: boolean): void {
    const result = decode(bytes);
    if ('message' in result) this.problems.push({ file: name, ...result });
    else this.sources.push({ name, text: result.text, searched });
  }

  private fail(path: string, error: unknown): void {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const texts: Readonly<Record<string, string>> = {
      EACCES: 'permission denied',
      EPERM: 'permission denied',
      EISDIR: 'is a folder',
      ELOOP: 'too many symbolic links',
      ENAMETOOLONG: 'the name is too long',
    };
    this.problems.push({
      code: missing ? 'E1101' : 'E1102',
      file: path,
      message: missing
        ? 'no such file or folder'
        : (texts[code] ?? `cannot be read (${code || String(error)})`),
    });
  }
}

type Decoded =
  | { readonly text: string }
  | { readonly code: string; readonly message: string; readonly hint?: string };

/** Bytes to text: gunzipped where they begin as gzip does, whatever the file is called. */
export function decode(bytes: Uint8Array): Decoded {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) {
    const plain = gunzip(bytes);
    return plain instanceof Uint8Array ? decodeText(plain) : plain;
  }
  return decodeText(bytes);
}

function gunzip(bytes: Uint8Array): Uint8Array | { code: string; message: string; hint?: string } {
  try {
    return gunzipSync(bytes, { maxOutputLength: TEXT_MAX });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE')
      return { code: 'E1106', message: 'the unpacked text is larger than 512 MiB' };
    if (code === 'Z_BUF_ERROR') {
      const unpacked = partLength(bytes);
      return {
        code: 'E1103',
        message: `gzip stream ends at byte ${bytes.length} before its end mark (${unpacked} bytes could be unpacked)`,
        hint: 'the file was cut off: copy or download it again',
      };
    }
    return {
      code: 'E1103',
      message: `gzip stream is damaged: ${(error as Error).message}`,
      hint: 'copy or download it again',
    };
  }
}

/** How much of a cut-off stream can be unpacked; the header of gzip has 10 bytes without optional fields. */
function partLength(bytes: Uint8Array): number {
  try {
    return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: TEXT_MAX }).length;
  } catch {
    try {
      return inflateRawSync(bytes.subarray(10), { finishFlush: constants.Z_SYNC_FLUSH }).length;
    } catch {
      return 0;
    }
  }
}

function decodeText(bytes: Uint8Array): Decoded {
  if (bytes.length > TEXT_MAX)
    return { code: 'E1106', message: `the text is ${bytes.length} bytes long, more than 512 MiB` };
  const mark = (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
  const encoding = mark === 0xfffe ? 'utf-16le' : mark === 0xfeff ? 'utf-16be' : 'utf-8';
  if (encoding === 'utf-8') {
    const zero = bytes.indexOf(0);
    if (zero >= 0) return { code: 'E1104', message: `not a text file: byte ${zero} is zero` };
  }
  try {
    return { text: new TextDecoder(encoding, { fatal: true }).decode(bytes) };
  } catch {
    return { code: 'E1104', message: `not a text file: the bytes are not valid ${encoding.toUpperCase()}` };
  }
}

/** A name for a run made from the first path: letters, digits, `-` and `.` as in object names. */
export function nameFromPath(path: string, cwd: string): string {
  if (path === '-') return 'stdin';
  const clean = path.replace(/\/+$/, '');
  const last = basename(clean === '' || clean === '.' || clean === '..' ? join(cwd, clean) : clean);
  const name = last
    .replace(/(?:\.(?:ya?ml|json))?(?:\.gz)?$/i, '')
    .toLowerCase()
    .replace(/[^a-z0-9.-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '');
  return name === '' ? 'run' : name.slice(0, 63);
}

/** Folder of an Experiment's file, where its relative paths start. */
export const folderOf = (file: string): string => (file === '-' ? '.' : dirname(file));

/** A path written in a file of that folder. */
export const pathFrom = (folder: string, path: string): string =>
  folder === '.' || path.startsWith('/')
    ? path.replace(/^\.\//, '')
    : `${folder}/${path.replace(/^\.\//, '')}`;

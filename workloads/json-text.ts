// A JSON reader for manifests: several values in one text, duplicate keys found, the place of every error and of every
// value. JSON.parse does none of these, so the text is read here, at some 50 MB/s.
import type { TextProblem } from './yaml-text.ts';

class JsonStop extends Error {
  readonly problem: TextProblem;
  constructor(kind: TextProblem['kind'], offset: number, message: string) {
    super(message);
    this.problem = { kind, offset, message };
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?/y;
/** A deeper text is an attack, not a manifest (Go stops at 10,000; the recursion here needs less). */
const DEPTH_MAX = 2_000;

class JsonReader {
  at: number;
  private readonly text: string;
  private readonly offsets: Map<string, number> | undefined;

  constructor(text: string, at: number, offsets?: Map<string, number>) {
    this.text = text;
    this.at = at;
    this.offsets = offsets;
  }

  skipSpace(): void {
    for (;;) {
      const c = this.text.charCodeAt(this.at);
      if (c !== 32 && c !== 10 && c !== 13 && c !== 9) return;
      this.at++;
    }
  }

  value(path: string, depth: number): unknown {
    if (depth > DEPTH_MAX) throw new JsonStop('syntax', this.at, 'nesting is too deep');
    this.skipSpace();
    this.offsets?.set(path, this.at);
    const c = this.text.charCodeAt(this.at);
    if (c === 123) return this.object(path, depth);
    if (c === 91) return this.array(path, depth);
    if (c === 34) return this.string();
    if (c === 45 || (c >= 48 && c <= 57)) return this.number();
    if (this.text.startsWith('true', this.at)) return this.word(4, true);
    if (this.text.startsWith('false', this.at)) return this.word(5, false);
    if (this.text.startsWith('null', this.at)) return this.word(4, null);
    throw this.unexpected('looking for beginning of value');
  }

  private word<T>(length: number, value: T): T {
    this.at += length;
    return value;
  }

  unexpected(where: string): JsonStop {
    if (this.at >= this.text.length)
      return new JsonStop('syntax', this.text.length, 'unexpected end of JSON input');
    const c = String.fromCodePoint(this.text.codePointAt(this.at)!);
    return new JsonStop('syntax', this.at, `invalid character ${JSON.stringify(c)} ${where}`);
  }

  private object(path: string, depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = {};
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === 125) return this.word(1, object);
    for (;;) {
      this.skipSpace();
      const keyAt = this.at;
      if (this.text.charCodeAt(keyAt) !== 34)
        throw this.unexpected('looking for beginning of object key string');
      const key = this.string();
      if (Object.hasOwn(object, key)) {
        throw new JsonStop(
          'duplicate-key',
          keyAt,
          `key ${JSON.stringify(key)} is already set in this mapping`,
        );
      }
      this.skipSpace();
      if (this.text.charCodeAt(this.at) !== 58) throw this.unexpected('after object key');
      this.at++;
      const value = this.value(this.offsets === undefined ? '' : `${path}\u0000${key}`, depth + 1);
      if (key === '__proto__')
        Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true });
      else object[key] = value;
      this.skipSpace();
      const c = this.text.charCodeAt(this.at);
      if (c === 125) return this.word(1, object);
      if (c !== 44) throw this.unexpected('after object key:value pair');
      this.at++;
    }
  }

  private array(path: string, depth: number): unknown[] {
    const array: unknown[] = [];
    this.at++;
    this.skipSpace();
    if (this.text.charCodeAt(this.at) === 93) return this.word(1, array);
    for (;;) {
      array.push(this.value(this.offsets === undefined ? '' : `${path}\u0000${array.length}`, depth + 1));
      this.skipSpace();
      const c = this.text.charCodeAt(this.at);
      if (c === 93) return this.word(1, array);
      if (c !== 44) throw this.unexpected('after array element');
      this.at++;
    }
  }

  private string(): string {
    const from = this.at;
    let p = from + 1;
    let plain = true;
    for (;;) {
      const c = this.text.charCodeAt(p);
      if (c === 34) break;
      if (p >= this.text.length)
        throw new JsonStop('syntax', this.text.length, 'unexpected end of JSON input');
      if (c < 32) {
        this.at = p;
        throw this.unexpected('in string literal');
      }
      if (c === 92) {
        plain = false;
        p++;
      }
      p++;
    }
    this.at = p + 1;
    if (plain) return this.text.slice(from + 1, p);
    try {
      return JSON.parse(this.text.slice(from, p + 1)) as string;
    } catch {
      throw new JsonStop('syntax', from, 'invalid escape in string literal');
    }
  }

  private number(): number {
    NUMBER.lastIndex = this.at;
    const m = NUMBER.exec(this.text);
    if (m === null) throw this.unexpected('in numeric literal');
    const value = Number(m[0]);
    if (!Number.isFinite(value)) throw new JsonStop('value', this.at, `${m[0]} does not fit in a number`);
    this.at += m[0].length;
    return value;
  }
}

/** Reads the JSON value that begins at `from`; `end` is the offset after it. */
export function readJson(
  text: string,
  from: number,
): { value: unknown; end: number } | { problem: TextProblem } {
  const reader = new JsonReader(text, from);
  try {
    const value = reader.value('', 0);
    return { value, end: reader.at };
  } catch (stop) {
    if (stop instanceof JsonStop) return { problem: stop.problem };
    throw stop;
  }
}

/** Offsets of all values inside the JSON value at `from`, by path (steps joined with NUL). */
export function placesInJson(text: string, from: number): Map<string, number> {
  const offsets = new Map<string, number>();
  try {
    new JsonReader(text, from, offsets).value('', 0);
  } catch (stop) {
    if (!(stop instanceof JsonStop)) throw stop;
  }
  return offsets;
}

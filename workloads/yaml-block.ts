// A quick reader for the plain block style in which kubectl prints YAML: a 100 MB dump of a cluster takes seconds
// instead of a minute. It reads a subset and gives up (`undefined`) at the first thing it does not know for certain;
// the caller then uses the full reader in yaml-text.ts, which is the definition. A property test holds that the two
// agree wherever this one answers.
import type { PlainValue } from './yaml-scalars.ts';
import { plainValue } from './yaml-scalars.ts';

type Value = PlainValue | Value[] | { [key: string]: Value };

const SPACE = 32;
const TAB = 9;
const NEWLINE = 10;
const HASH = 35;
const DASH = 45;
const COLON = 58;
const SINGLE = 39;
const DOUBLE = 34;
const BACKSLASH = 92;

/** Characters that give the start of a plain scalar another meaning. */
const SPECIAL = new Set([...'&*!|>%@`{}[],#?"\'='].map((c) => c.charCodeAt(0)));

/** Thrown to give up; one object, no stack. */
const GIVE_UP = { giveUp: true };

class BlockReader {
  private readonly text: string;
  private readonly end: number;
  /** Current line: where it begins, where its content begins and ends, its indentation; `indent` -1 at the end. */
  private lineStart: number;
  private start = 0;
  private lineEnd: number;
  private indent = -1;
  /** When wanted: where each value (a scalar) or its key (a collection) stands, by path. */
  private readonly places: Map<string, number> | undefined;
  private path = '';

  constructor(text: string, from: number, to: number, places?: Map<string, number>) {
    this.text = text;
    this.places = places;
    this.end = to;
    this.lineStart = from;
    this.lineEnd = from - 1;
  }

  read(): Value {
    this.advance();
    if (this.indent < 0) return null;
    if (!this.isDash() && this.keyEnd(this.start) < 0) throw GIVE_UP;
    const value = this.block(this.indent);
    if (this.indent >= 0) throw GIVE_UP;
    return value;
  }

  /** Moves to the next line that is neither blank nor a comment. */
  private advance(): void {
    const { text, end } = this;
    let at = this.lineEnd + 1;
    for (;;) {
      if (at >= end) {
        this.indent = -1;
        this.start = end;
        this.lineStart = end;
        this.lineEnd = end;
        return;
      }
      let eol = text.indexOf('\n', at);
      if (eol < 0 || eol > end) eol = end;
      let p = at;
      while (p < eol && text.charCodeAt(p) === SPACE) p++;
      if (p < eol && text.charCodeAt(p) !== HASH) {
        const c = text.charCodeAt(p);
        if (c === TAB || c === 13) throw GIVE_UP;
        this.lineStart = at;
        this.start = p;
        this.indent = p - at;
        this.lineEnd = eol;
        return;
      }
      at = eol + 1;
    }
  }

  private isDash(): boolean {
    if (this.text.charCodeAt(this.start) !== DASH) return false;
    const next = this.start + 1;
    return next >= this.lineEnd || this.text.charCodeAt(next) === SPACE;
  }

  private block(indent: number): Value {
    return this.isDash() ? this.sequence(indent) : this.mapping(indent);
  }

  private sequence(indent: number): Value[] {
    const list: Value[] = [];
    const { places, path } = this;
    while (this.indent === indent && this.isDash()) {
      let p = this.start + 1;
      if (places !== undefined) {
        this.path = `${path}\u0000${list.length}`;
        places.set(this.path, p < this.lineEnd ? p + 1 : p);
      }
      while (p < this.lineEnd && this.text.charCodeAt(p) === SPACE) p++;
      if (p >= this.lineEnd) {
        this.advance();
        list.push(this.indent > indent ? this.nested() : null);
        continue;
      }
      this.start = p;
      if (this.isDash() || this.keyEnd(p) >= 0) {
        this.indent = p - this.lineStart;
        list.push(this.block(this.indent));
      } else {
        list.push(this.scalar(p, indent));
      }
    }
    if (this.indent > indent) throw GIVE_UP;
    this.path = path;
    return list;
  }

  /** A block on lines of its own, deeper than its parent. */
  private nested(): Value {
    if (!this.isDash() && this.keyEnd(this.start) < 0) throw GIVE_UP;
    return this.block(this.indent);
  }

  private mapping(indent: number): { [key: string]: Value } {
    const map: { [key: string]: Value } = {};
    const { places, path } = this;
    while (this.indent === indent) {
      if (this.isDash()) break;
      const keyEnd = this.keyEnd(this.start);
      if (keyEnd < 0) throw GIVE_UP;
      const key = this.key(this.start, keyEnd);
      if (key === '__proto__' || key === '<<' || Object.hasOwn(map, key)) throw GIVE_UP;
      let p = keyEnd + 1;
      while (p < this.lineEnd && this.text.charCodeAt(p) === SPACE) p++;
      if (places !== undefined) {
        this.path = `${path}\u0000${key}`;
        const scalar = p < this.lineEnd && this.text.charCodeAt(p) !== 123 && this.text.charCodeAt(p) !== 91;
        places.set(this.path, scalar ? p : this.start);
      }
      if (p < this.lineEnd) {
        map[key] = this.scalar(p, indent);
        continue;
      }
      this.advance();
      if (this.indent > indent) map[key] = this.nested();
      else if (this.indent === indent && this.isDash()) map[key] = this.sequence(indent);
      else map[key] = null;
    }
    if (this.indent > indent) throw GIVE_UP;
    this.path = path;
    return map;
  }

  /** Where the colon after a key at `from` stands in this line, -1 when the line is no `key: value`. */
  private keyEnd(from: number): number {
    const { text, lineEnd } = this;
    const first = text.charCodeAt(from);
    let p = from;
    if (first === SINGLE || first === DOUBLE) {
      p = from + 1;
      while (p < lineEnd && text.charCodeAt(p) !== first) {
        if (text.charCodeAt(p) === BACKSLASH) throw GIVE_UP;
        p++;
      }
      p++;
      return text.charCodeAt(p) === COLON && (p + 1 >= lineEnd || text.charCodeAt(p + 1) === SPACE) ? p : -1;
    }
    if (SPECIAL.has(first)) return -1;
    for (; p < lineEnd; p++) {
      const c = text.charCodeAt(p);
      if (c === COLON && (p + 1 >= lineEnd || text.charCodeAt(p + 1) === SPACE)) return p;
      if (c === TAB || (c === HASH && text.charCodeAt(p - 1) === SPACE)) throw GIVE_UP;
    }
    return -1;
  }

  private key(from: number, to: number): string {
    const { text } = this;
    const first = text.charCodeAt(from);
    if (first === SINGLE || first === DOUBLE) return text.slice(from + 1, to - 1);
    if (text.charCodeAt(to - 1) === SPACE) throw GIVE_UP;
    const key = text.slice(from, to);
    // Keys that are numbers, booleans or null are left to the full reader.
    if (typeof plainValue(key) !== 'string') throw GIVE_UP;
    return key;
  }

  /** The scalar (or empty collection) at `from` in this line; moves past it. `parent`: indentation of its owner. */
  private scalar(from: number, parent: number): Value {
    const { text } = this;
    const first = text.charCodeAt(from);
    if (first === SINGLE) return this.singleQuoted(from, parent);
    if (first === DOUBLE) return this.doubleQuoted(from);
    let to = this.lineEnd;
    while (text.charCodeAt(to - 1) === SPACE) to--;
    if (SPECIAL.has(first)) {
      const word = text.slice(from, to);
      if (word === '|' || word === '|-' || word === '|+') return this.literal(word, parent);
      if (word !== '{}' && word !== '[]') throw GIVE_UP;
      this.advance();
      if (this.indent > parent) throw GIVE_UP;
      return word === '{}' ? {} : [];
    }
    let word = this.plainLine(from, to);
    let lineAfter = this.lineEnd;
    this.advance();
    if (this.indent <= parent) return plainValue(word);
    // A plain scalar over several lines: folded with single spaces. Blank or comment lines between: give up.
    while (this.indent > parent) {
      if (this.lineStart !== lineAfter + 1) throw GIVE_UP;
      let stop = this.lineEnd;
      while (text.charCodeAt(stop - 1) === SPACE) stop--;
      word += ` ${this.plainLine(this.start, stop)}`;
      lineAfter = this.lineEnd;
      this.advance();
    }
    return word;
  }

  /** One line of a plain scalar; gives up where it could be anything else. */
  private plainLine(from: number, to: number): string {
    const { text } = this;
    const word = text.slice(from, to);
    const last = word.charCodeAt(word.length - 1);
    if (last === COLON || last === 13) throw GIVE_UP;
    if (word.charCodeAt(0) === DASH && (word.length === 1 || word.charCodeAt(1) === SPACE)) throw GIVE_UP;
    if (word.charCodeAt(0) === COLON || word.includes(': ') || word.includes(' #') || word.includes('\t'))
      throw GIVE_UP;
    return word;
  }

  private singleQuoted(from: number, parent: number): string {
    const { text } = this;
    let piece = from + 1;
    let out = '';
    for (;;) {
      let p = piece;
      let closed = false;
      while (p < this.lineEnd) {
        if (text.charCodeAt(p) !== SINGLE) p++;
        else if (text.charCodeAt(p + 1) === SINGLE && p + 1 < this.lineEnd) p += 2;
        else {
          closed = true;
          break;
        }
      }
      let line = text.slice(piece, p);
      if (line.includes("''")) line = line.replaceAll("''", "'");
      if (line.includes('\t') || line.endsWith('\r')) throw GIVE_UP;
      if (closed) {
        if (text.slice(p + 1, this.lineEnd).trim() !== '') throw GIVE_UP;
        this.advance();
        return out + line;
      }
      // Folded: the line break and the spaces around it become one space; a blank line would be a newline.
      out += `${line.trimEnd()} `;
      const next = this.lineEnd + 1;
      if (next >= this.end) throw GIVE_UP;
      let eol = text.indexOf('\n', next);
      if (eol < 0 || eol > this.end) eol = this.end;
      piece = next;
      while (piece < eol && text.charCodeAt(piece) === SPACE) piece++;
      if (piece === eol || piece - next <= parent || text.charCodeAt(piece) === TAB) throw GIVE_UP;
      this.lineEnd = eol;
    }
  }

  private doubleQuoted(from: number): string {
    const { text } = this;
    let p = from + 1;
    let escaped = false;
    while (p < this.lineEnd && text.charCodeAt(p) !== DOUBLE) {
      if (text.charCodeAt(p) === BACKSLASH) {
        // Only the escapes that JSON shares.
        if (!'"\\/bfnrtu'.includes(text.charAt(p + 1))) throw GIVE_UP;
        escaped = true;
        p++;
      }
      p++;
    }
    if (p >= this.lineEnd || text.slice(p + 1, this.lineEnd).trim() !== '') throw GIVE_UP;
    const word = text.slice(from, p + 1);
    if (word.includes('\t')) throw GIVE_UP;
    this.advance();
    if (!escaped) return word.slice(1, -1);
    try {
      return JSON.parse(word) as string;
    } catch {
      throw GIVE_UP;
    }
  }

  /** A literal block scalar, header without indentation digit. */
  private literal(header: string, parent: number): string {
    const { text, end } = this;
    let at = this.lineEnd + 1;
    let indent = -1;
    let out = '';
    let blank = 0;
    while (at < end) {
      let eol = text.indexOf('\n', at);
      if (eol < 0 || eol > end) eol = end;
      let p = at;
      while (p < eol && text.charCodeAt(p) === SPACE) p++;
      if (p === eol) {
        // Spaces beyond the indentation in a blank line are content; leave such texts to the full reader.
        if (indent < 0 || p - at > indent) throw GIVE_UP;
        blank++;
      } else {
        if (text.charCodeAt(eol - 1) === 13) throw GIVE_UP;
        if (indent < 0) {
          if (p - at <= parent) break;
          indent = p - at;
        }
        if (p - at < indent) {
          // A tab or a shallower line inside the scalar is an error or its end; only a clean end is ours.
          if (p - at > parent || text.charCodeAt(p) === TAB) throw GIVE_UP;
          break;
        }
        out += `${'\n'.repeat(blank)}${text.slice(at + indent, eol)}\n`;
        blank = 0;
      }
      this.lineEnd = eol;
      at = eol + 1;
    }
    if (indent < 0 && blank > 0) throw GIVE_UP;
    if (at > end && text.charCodeAt(end - 1) !== NEWLINE) throw GIVE_UP;
    this.lineEnd = at - 1;
    this.advance();
    if (header === '|-') return out.slice(0, -1);
    return header === '|+' ? out + '\n'.repeat(blank) : out;
  }
}

/**
 * The value of text[from, to) if it is plain block YAML as kubectl prints it, else undefined. Needs at least one
 * mapping key or sequence item; `to` should stand after a newline.
 */
export function readBlockYaml(text: string, from = 0, to = text.length): { value: unknown } | undefined {
  try {
    return { value: new BlockReader(text, from, to).read() };
  } catch (error) {
    if (error === GIVE_UP || error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Offsets of all values by path (steps joined with NUL), or undefined where the reader gives up. */
export function placesInBlockYaml(text: string, from: number, to: number): Map<string, number> | undefined {
  const places = new Map<string, number>();
  try {
    new BlockReader(text, from, to, places).read();
    return places;
  } catch (error) {
    if (error === GIVE_UP || error instanceof RangeError) return undefined;
    throw error;
  }
}

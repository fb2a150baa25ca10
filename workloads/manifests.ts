// Text of a manifest file to Kubernetes objects: YAML or JSON, several documents, `List` kinds, each object with its
// place. A broken document costs one problem with file, line and column; the documents beside it are still read.
// Pure: files, folders and gzip are the business of experiments/files.ts.
import { placesInJson, readJson } from './json-text.ts';
import { placesInBlockYaml, readBlockYaml } from './yaml-block.ts';
import type { TextProblem } from './yaml-text.ts';
import { readYaml, yamlLocator } from './yaml-text.ts';

export type FieldPath = readonly (string | number)[];

/** One problem of a text, shaped so that experiments can report it as it is. */
export interface ManifestProblem {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly path?: string;
  readonly message: string;
  readonly hint?: string;
  /** Document the problem is in, from 0. */
  readonly document: number;
  readonly item: number;
}

export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
}

/** One object of a file: as written, not yet checked. */
export interface ManifestObject {
  readonly source: string;
  /** Number of the document in its file, from 0; empty documents are not counted. */
  readonly document: number;
  /** Number in its `List`, from 0; 0 outside of one. */
  readonly item: number;
  readonly raw: Readonly<Record<string, unknown>>;
  /**
   * Where the field is, as the API server writes its path (`spec.containers[0].image`) or as steps; of a field that
   * is missing, its nearest ancestor. Reads the text a second time: for messages only.
   */
  position(path: string | FieldPath): Position;
}

export interface ReadResult {
  readonly documents: ManifestObject[];
  readonly problems: ManifestProblem[];
}

/** Above this size a List that the quick reader cannot take is not handed to the full reader whole, characters. */
const WHOLE_MAX = 16_000_000;

const CODES: Record<TextProblem['kind'], string> = {
  syntax: 'E1201',
  'duplicate-key': 'E1202',
  alias: 'E1203',
  shape: 'E1205',
  value: 'E1206',
};

/** Steps of a path as the API server prints it: `a.b[0].c`, `metadata.labels[example.com/x]`. */
export function parseFieldPath(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const m of path.matchAll(/\[([^\]]*)\]|([^.[\]]+)/g)) {
    if (m[1] === undefined) steps.push(m[2]!);
    else if (/^[0-9]+$/.test(m[1])) steps.push(Number(m[1]));
    else steps.push(m[1].replace(/^"(.*)"$/, '$1'));
  }
  return steps;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads every document of a text. `source` is the file's name for messages. */
export function readDocuments(source: string, text: string): ReadResult {
  return new ManifestReader(source, text).read();
}

/** A part of the text that holds one value, and how to find places in it. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly json: boolean;
  /** Steps that lead from the part's root to the object. */
  readonly prefix: FieldPath;
}

class ManifestReader {
  private readonly source: string;
  private readonly text: string;
  private readonly documents: ManifestObject[] = [];
  private readonly problems: ManifestProblem[] = [];
  private document = 0;
  private newlines: number[] | undefined;
  private located: { readonly from: number; readonly find: (path: FieldPath) => number } | undefined;

  constructor(source: string, text: string) {
    this.source = source;
    const unmarked = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    this.text = unmarked.includes('\r') ? unmarked.replaceAll('\r\n', '\n') : unmarked;
  }

  read(): ReadResult {
    let from = 0;
    for (const { at, next } of documentMarks(this.text)) {
      this.chunk(from, at);
      from = next;
    }
    this.chunk(from, this.text.length);
    return { documents: this.documents, problems: this.problems };
  }

  /** One document: text between two `---`. */
  private chunk(from: number, to: number): void {
    const first = firstContent(this.text, from, to);
    if (first < 0) return;
    const c = this.text.charCodeAt(first);
    if ((c === 123 || c === 91) && this.jsonStream(first, to)) return;
    if (this.bigList(from, to)) {
      this.document++;
      return;
    }
    const quick = readBlockYaml(this.text, from, to);
    if (quick !== undefined) this.take(quick.value, { from, to, json: false, prefix: [] });
    else this.fullYaml(from, to);
    this.document++;
  }

  private fullYaml(from: number, to: number): void {
    const result = readYaml(this.text.slice(from, to));
    if ('problem' in result) this.problem(from, result.problem, 0);
    else if (result.value !== null) this.take(result.value, { from, to, json: false, prefix: [] });
    else this.document--;
  }

  /**
   * JSON values one after another. False when the text is no JSON from the start on: then it may be YAML's flow
   * style (KYAML), which begins with a brace too.
   */
  private jsonStream(from: number, to: number): boolean {
    const text = to === this.text.length ? this.text : this.text.slice(0, to);
    let at = from;
    let read = 0;
    for (;;) {
      at = firstContent(text, at, to);
      if (at < 0) return true;
      const result = readJson(text, at);
      if ('problem' in result) {
        if (read === 0 && !/^[{[]\s*"/.test(text.slice(from, from + 1000))) return false;
        if (read === 0 && result.problem.kind === 'syntax') {
          const yaml = readYaml(text.slice(from, to));
          if (!('problem' in yaml)) return false;
        }
        this.problem(0, result.problem, 0, result.problem.kind === 'syntax' ? 'E1204' : undefined);
        this.document++;
        return true;
      }
      this.take(result.value, { from: at, to: result.end, json: true, prefix: [] });
      this.document++;
      read++;
      at = result.end;
    }
  }

  /**
   * A List in the form that kubectl prints, read item by item: memory and time stay those of one item, and an item
   * that the quick reader does not know costs only itself. False when the document has another form.
   */
  private bigList(from: number, to: number): boolean {
    const bounds = listBounds(this.text, from, to);
    if (bounds === undefined) return false;
    const head = readYaml(`${this.text.slice(from, bounds.first)}\n${this.text.slice(bounds.end, to)}`);
    if ('problem' in head || !isRecord(head.value) || head.value['items'] !== null) return false;
    if (typeof head.value['kind'] !== 'string' || !head.value['kind'].endsWith('List')) return false;
    const items: { value: unknown; part: Part }[] = [];
    const whole = to - from <= WHOLE_MAX;
    let index = 0;
    for (let at = bounds.first; at < bounds.end; index++) {
      const next = bounds.nextItem(at);
      const part: Part = { from: at, to: next, json: false, prefix: [0] };
      const quick = readBlockYaml(this.text, at, next);
      let value = quick?.value;
      if (quick === undefined) {
        const full = readYaml(this.text.slice(at, next));
        if ('problem' in full) {
          // Anchors may stand in another item, and an error is best told by the reader of the whole.
          if (whole) return false;
          this.problem(at, full.problem, index);
          at = next;
          continue;
        }
        value = full.value;
      }
      if (!Array.isArray(value) || value.length !== 1) return false;
      items.push({ value: value[0], part });
      at = next;
    }
    let number = 0;
    for (const { value, part } of items) number = this.takeItem(value, head.value, number, part);
    return true;
  }

  /** A value that should be an object or a List of objects. */
  private take(value: unknown, part: Part): void {
    if (value === null) {
      this.document--;
      return;
    }
    if (!isRecord(value)) {
      const found = Array.isArray(value) ? 'a list' : `a ${typeof value}`;
      this.problem(
        part.from,
        { kind: 'shape', offset: 0, message: `found ${found} where an object was expected` },
        0,
        undefined,
        part,
      );
      return;
    }
    if (isList(value)) {
      let number = 0;
      value.items.forEach((item, i) => {
        number = this.takeItem(item, value, number, { ...part, prefix: [...part.prefix, 'items', i] });
      });
      return;
    }
    this.add(value, 0, part);
  }

  /** One item of a List (Lists may be nested); gives the number of the next. */
  private takeItem(item: unknown, list: Record<string, unknown>, number: number, part: Part): number {
    if (!isRecord(item)) {
      const found = item === null ? 'null' : Array.isArray(item) ? 'a list' : `a ${typeof item}`;
      const offset = this.locate(part, []);
      this.problem(
        offset,
        { kind: 'shape', offset: 0, message: `item ${number} of the List is ${found}, not an object` },
        number,
      );
      return number + 1;
    }
    if (isList(item)) {
      let next = number;
      item.items.forEach((inner, i) => {
        next = this.takeItem(inner, item, next, { ...part, prefix: [...part.prefix, 'items', i] });
      });
      return next;
    }
    const listKind = String(list['kind'] ?? '');
    // Items of a typed list, as the API returns them, leave out what the list says.
    const typed = listKind !== 'List' && item['kind'] === undefined && item['apiVersion'] === undefined;
    const raw = typed ? { apiVersion: list['apiVersion'], kind: listKind.slice(0, -4), ...item } : item;
    this.add(raw, number, part);
    return number + 1;
  }

  private add(raw: Record<string, unknown>, item: number, part: Part): void {
    const position = (path: string | FieldPath): Position => {
      const steps = typeof path === 'string' ? parseFieldPath(path) : path;
      return this.position(this.locate(part, steps));
    };
    this.documents.push({ source: this.source, document: this.document, item, raw, position });
  }

  private locate(part: Part, steps: FieldPath): number {
    // Problems of one object come one after another: the part is read again once, not once a problem.
    if (this.located?.from !== part.from) this.located = { from: part.from, find: this.finder(part) };
    return this.located.find([...part.prefix, ...steps]);
  }

  private finder(part: Part): (path: FieldPath) => number {
    const places = part.json
      ? placesInJson(this.text, part.from)
      : placesInBlockYaml(this.text, part.from, part.to);
    if (places === undefined) {
      const find = yamlLocator(this.text.slice(part.from, part.to));
      return (path) => part.from + find(path);
    }
    const root = places.get('') ?? firstContent(this.text, part.from, part.to);
    return (path) => {
      for (let n = path.length; n > 0; n--) {
        const at = places.get(`\u0000${path.slice(0, n).join('\u0000')}`);
        if (at !== undefined) return at;
      }
      return root;
    };
  }

  private problem(base: number, problem: TextProblem, item: number, code?: string, part?: Part): void {
    const offset = part === undefined ? base + problem.offset : this.locate(part, []);
    this.problems.push({
      code: code ?? CODES[problem.kind],
      file: this.source,
      ...this.position(offset),
      message: problem.message,
      document: this.document,
      item,
    });
  }

  private position(offset: number): Position {
    if (this.newlines === undefined) {
      this.newlines = [];
      for (let at = this.text.indexOf('\n'); at >= 0; at = this.text.indexOf('\n', at + 1))
        this.newlines.push(at);
    }
    // Number of line breaks before the offset, by bisection.
    let low = 0;
    let high = this.newlines.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.newlines[middle]! < offset) low = middle + 1;
      else high = middle;
    }
    return { line: low + 1, column: offset - (low === 0 ? -1 : this.newlines[low - 1]!) };
  }
}

function isList(
  value: Record<string, unknown>,
): value is { kind: string; items: unknown[] } & Record<string, unknown> {
  const { kind, items } = value;
  return (
    typeof kind === 'string' &&
    kind.endsWith('List') &&
    (Array.isArray(items) || (items === null && kind === 'List'))
  );
}

/** Document separators: `---` (with what follows it on its line left to the next document) and `...`. */
function* documentMarks(text: string): Generator<{ at: number; next: number }> {
  for (let at = 0; at >= 0 && at < text.length; at = nextLine(text, at)) {
    const c = text.charCodeAt(at);
    if (c !== 45 && c !== 46) continue;
    const mark = text.slice(at, at + 3);
    if (mark !== '---' && mark !== '...') continue;
    const after = text.charCodeAt(at + 3);
    if (!(Number.isNaN(after) || after === 32 || after === 9 || after === 10)) continue;
    // Content may stand behind the dashes; the dashes themselves are dropped.
    yield { at, next: Math.min(at + 3, text.length) };
  }
}

const nextLine = (text: string, at: number): number => {
  const eol = text.indexOf('\n', at);
  return eol < 0 ? -1 : eol + 1;
};

/** Offset of the first character that is neither space, comment nor a %-directive; -1 when there is none. */
function firstContent(text: string, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const c = text.charCodeAt(at);
    if (c === 32 || c === 9 || c === 10 || c === 13 || c === 0xfeff) at++;
    else if (c === 35 || (c === 37 && (at === 0 || text.charCodeAt(at - 1) === 10))) {
      const eol = text.indexOf('\n', at);
      at = eol < 0 ? to : eol + 1;
    } else return at;
  }
  return -1;
}

/**
 * Finds the items of a top-level `items:` written in block style. Only lines are looked at: items begin with a dash at
 * one column, everything inside them is indented deeper.
 */
function listBounds(text: string, from: number, to: number) {
  const head = text.startsWith('items:', from) ? from : text.indexOf('\nitems:', from) + 1;
  if (head < from || head >= to || (head === 0 && from !== 0)) return undefined;
  const first = nextLine(text, head);
  if (first < 0 || first >= to || text.slice(head + 6, first).trim() !== '') return undefined;
  let indent = 0;
  while (text.charCodeAt(first + indent) === 32) indent++;
  const dash = `${' '.repeat(indent)}- `;
  if (!text.startsWith(dash, first)) return undefined;
  const nextDash = `\n${dash}`;
  let end = to;
  for (let at = nextLine(text, first); at >= 0 && at < to; at = nextLine(text, at)) {
    const c = text.charCodeAt(at);
    if (c !== 32 && c !== 45 && c !== 35 && c !== 10) {
      end = at;
      break;
    }
    if (indent > 0 && c === 45) return undefined;
  }
  const nextItem = (at: number): number => {
    const found = text.indexOf(nextDash, at);
    return found < 0 || found + 1 >= end ? end : found + 1;
  };
  return { first, end, nextItem };
}

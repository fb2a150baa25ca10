// The full YAML reader: one document of text to plain JSON values by the rules of sigs.k8s.io/yaml, or the one problem
// that stops it with its place. Slow (about 2 MB/s) and exact; yaml-block.ts is the quick twin for what kubectl prints.
import type { Node, Pair, ParsedNode, Scalar } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { plainValue } from './yaml-scalars.ts';

/** Why a text could not be read; `offset` counts characters from the start of the text given. */
export interface TextProblem {
  readonly kind: 'syntax' | 'duplicate-key' | 'alias' | 'shape' | 'value';
  readonly offset: number;
  readonly message: string;
}

export type TextResult = { readonly value: unknown } | { readonly problem: TextProblem };

class Stop extends Error {
  readonly problem: TextProblem;
  constructor(kind: TextProblem['kind'], offset: number, message: string) {
    super(message);
    this.problem = { kind, offset, message };
  }
}

/**
 * Share of decoded nodes that may come from aliases before a document counts as a bomb; limits as goyaml.v2/decode.go:
 * 99 % up to 400,000 nodes, falling to 10 % at 4,000,000.
 */
function aliasShareMax(decoded: number): number {
  if (decoded <= 400_000) return 0.99;
  if (decoded >= 4_000_000) return 0.1;
  return 0.99 - 0.89 * ((decoded - 400_000) / 3_600_000);
}

const OPTIONS = {
  version: '1.1',
  schema: 'failsafe',
  uniqueKeys: false,
  prettyErrors: false,
  stringKeys: false,
  keepSourceTokens: false,
  logLevel: 'silent',
} as const;

/** Turns the node tree into values: aliases, merge keys, tags, keys, duplicates, each checked with its place. */
class Decoder {
  private readonly anchors = new Map<string, Node>();
  private readonly open = new Set<Node>();
  private decoded = 0;
  private aliased = 0;
  private aliasDepth = 0;

  value(node: unknown): unknown {
    if (node === null || node === undefined) return null;
    const n = node as ParsedNode;
    this.decoded++;
    if (this.aliasDepth > 0) this.aliased++;
    if (
      this.aliased > 100 &&
      this.decoded > 1000 &&
      this.aliased / this.decoded > aliasShareMax(this.decoded)
    ) {
      throw new Stop('alias', this.offset(n), 'document contains excessive aliasing');
    }
    if (isAlias(n)) return this.alias(n);
    if (n.anchor !== undefined) this.anchors.set(n.anchor, n);
    if (isScalar(n)) return this.scalar(n);
    this.open.add(n);
    const value = isMap(n)
      ? this.mapping(n.items as Pair[])
      : isSeq(n)
        ? n.items.map((i) => this.value(i))
        : null;
    this.open.delete(n);
    return value;
  }

  private offset(node: unknown): number {
    return (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0;
  }

  private alias(node: Node & { source: string }): unknown {
    const target = this.anchors.get(node.source);
    if (target === undefined)
      throw new Stop('alias', this.offset(node), `unknown anchor "${node.source}" referenced`);
    if (this.open.has(target))
      throw new Stop('alias', this.offset(node), `anchor "${node.source}" value contains itself`);
    this.aliasDepth++;
    const value = this.value(target);
    this.aliasDepth--;
    return value;
  }

  private scalar(node: Scalar): unknown {
    const text = typeof node.value === 'string' ? node.value : (node.source ?? '');
    const tag = node.tag;
    if (tag === undefined || tag === 'tag:yaml.org,2002:null') {
      if (node.type !== undefined && node.type !== 'PLAIN') return text;
      return this.finite(plainValue(text), node, text);
    }
    const short = tag.replace('tag:yaml.org,2002:', '!!');
    if (short === '!!str' || short === '!') return text;
    if (short === '!!binary') return this.binary(text, node);
    if (short === '!!int' || short === '!!float' || short === '!!bool' || short === '!!null') {
      const value = plainValue(text);
      const type =
        value === null
          ? '!!null'
          : typeof value === 'boolean'
            ? '!!bool'
            : typeof value === 'number'
              ? short
              : '!!str';
      if (type !== short || (short === '!!int' && !Number.isInteger(value))) {
        throw new Stop('value', this.offset(node), `cannot decode ${JSON.stringify(text)} as a ${short}`);
      }
      return this.finite(value, node, text);
    }
    // Other tags do not change what a scalar is: text.
    return text;
  }

  private finite(value: unknown, node: Node, text: string): unknown {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new Stop(
        'value',
        this.offset(node),
        `${text} cannot be represented in JSON; quote it to make it text`,
      );
    }
    return value;
  }

  private binary(text: string, node: Node): string {
    try {
      return atob(text.replace(/\s/g, ''));
    } catch {
      throw new Stop('value', this.offset(node), '!!binary value is not base64');
    }
  }

  private mapping(items: readonly Pair[]): Record<string, unknown> {
    const own: [string, unknown][] = [];
    const seen = new Map<string, number>();
    const merged: [string, unknown][] = [];
    for (const pair of items) {
      const key = pair.key as Node | null;
      if (
        isScalar(key) &&
        key.value === '<<' &&
        (key.type === 'PLAIN' || key.type === undefined) &&
        key.tag === undefined
      ) {
        this.merge(pair.value as Node | null, key, merged);
        continue;
      }
      const name = this.key(key);
      const before = seen.get(name);
      if (before !== undefined) {
        throw new Stop(
          'duplicate-key',
          this.offset(key),
          `key ${JSON.stringify(name)} is already set in this mapping`,
        );
      }
      seen.set(name, own.length);
      own.push([name, this.value(pair.value)]);
    }
    // Own keys win over merged ones, earlier merges over later ones.
    const all = [
      ...own,
      ...merged.filter(([name], i) => !seen.has(name) && merged.findIndex(([n]) => n === name) === i),
    ];
    return Object.fromEntries(all);
  }

  private merge(node: Node | null, key: Node, into: [string, unknown][]): void {
    const sources = isSeq(node) ? node.items : [node];
    for (const source of sources) {
      const value = this.value(source);
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw new Stop('shape', this.offset(key), 'map merge requires map or sequence of maps as the value');
      }
      into.push(...Object.entries(value));
    }
  }

  /** Keys are text; numbers and booleans are printed as JSON does, anything else is refused. */
  private key(node: Node | null): string {
    const value = this.value(node);
    if (typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    throw new Stop('shape', this.offset(node), value === null ? 'a key is null' : 'a key is not text');
  }
}

const parse = (text: string) => parseDocument(text, OPTIONS);

/** Reads one YAML document (with or without its `---`). An empty one is null. */
export function readYaml(text: string): TextResult {
  let document: ReturnType<typeof parse>;
  try {
    document = parse(text);
  } catch (error) {
    if (error instanceof RangeError)
      return { problem: { kind: 'syntax', offset: 0, message: 'nesting is too deep' } };
    throw error;
  }
  const error = document.errors[0];
  if (error?.message.includes('call stack') === true) {
    return { problem: { kind: 'syntax', offset: 0, message: 'nesting is too deep' } };
  }
  if (error !== undefined) {
    const kind =
      error.code === 'BAD_ALIAS' ? 'alias' : error.code === 'DUPLICATE_KEY' ? 'duplicate-key' : 'syntax';
    return { problem: { kind, offset: error.pos[0], message: error.message } };
  }
  try {
    return { value: new Decoder().value(document.contents) };
  } catch (stop) {
    if (stop instanceof Stop) return { problem: stop.problem };
    if (stop instanceof RangeError) {
      return { problem: { kind: 'alias', offset: 0, message: 'nesting is too deep' } };
    }
    throw stop;
  }
}

/** Finds places in a document that is parsed once. */
export function yamlLocator(text: string): (path: readonly (string | number)[]) => number {
  const root = parse(text).contents;
  return (path) => locate(root, path);
}

/**
 * Character offset of the value at `path`, of its key where the value is a collection, or of the nearest ancestor that
 * exists.
 */
function locate(root: unknown, path: readonly (string | number)[]): number {
  let node = root;
  let at = (node as ParsedNode | null)?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = (node.items as Pair[]).find(
        (p) => isScalar(p.key) && String(p.key.value) === String(step),
      );
      if (pair === undefined) return at;
      const key = pair.key as ParsedNode;
      const value = pair.value as ParsedNode | null;
      at = key.range[0];
      // A scalar is shown itself, a collection by its key.
      if (isScalar(value) && value.range[1] > value.range[0]) at = value.range[0];
      node = value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      if (node === undefined) return at;
      at = (node as ParsedNode | null)?.range?.[0] ?? at;
    } else return at;
  }
  return at;
}

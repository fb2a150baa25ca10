// Command lines of kubectl that change one object, as the steps they amount to: rollout restart, set image, patch, label,
// annotate, taint, delete. What each sends is what kubectl v1.36 sends for it, but for the GET it begins with.
import type { TimedStep } from '../engine/contracts/scenario.ts';
import type { ExperimentStep } from './schema.ts';

/** 2026-01-01T00:00:00Z: 0 s of every run. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

interface Line {
  /** Words that are no flags. */
  readonly words: readonly string[];
  flag(...names: string[]): string | undefined;
}

/** Flags that take the next word if it is not joined to them. */
const WITH_VALUE = new Set(['-p', '--patch', '--type', '--cascade', '-n', '--namespace', '--grace-period']);

function parse(args: readonly string[]): Line {
  const words: string[] = [];
  const flags = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith('-')) words.push(arg);
    else if (arg.includes('=')) flags.set(arg.slice(0, arg.indexOf('=')), arg.slice(arg.indexOf('=') + 1));
    else flags.set(arg, WITH_VALUE.has(arg) ? (args[++i] ?? '') : '');
  }
  return {
    words,
    flag: (...names) => names.map((name) => flags.get(name)).find((value) => value !== undefined),
  };
}

/** `kind/name` or `kind name` at the front: the reference and the words behind it. */
function target(words: readonly string[]): { readonly ref: string; readonly rest: readonly string[] } | null {
  const [first, second, ...others] = words;
  if (first === undefined) return null;
  if (first.includes('/')) return { ref: first, rest: words.slice(1) };
  return second === undefined ? null : { ref: `${first}/${second}`, rest: others };
}

/** `a=b` sets, `a-` takes away; null where a word is neither. */
function pairs(words: readonly string[]): Record<string, string | null> | null {
  const changes: Record<string, string | null> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at > 0) changes[word.slice(0, at)] = word.slice(at + 1);
    else if (word.endsWith('-') && word.length > 1) changes[word.slice(0, -1)] = null;
    else return null;
  }
  return words.length === 0 ? null : changes;
}

/** `key=value:Effect`, `key:Effect`, with `-` at the end to take it away. */
function taint(word: string): Record<string, string> | null {
  const match = /^([^=:]+)(?:=([^:]*))?(?::(NoSchedule|PreferNoSchedule|NoExecute))?(-)?$/.exec(word);
  if (match === null) return null;
  const [, key = '', value, effect, gone] = match;
  if (gone !== undefined) return { $patch: 'delete', key };
  return effect === undefined ? null : { key, effect, ...(value === undefined ? {} : { value }) };
}

type Plain = Pick<ExperimentStep, 'do' | 'ref' | 'node' | 'type' | 'body' | 'propagation'> &
  Pick<TimedStep, 'unless'>;

const CASCADES: Readonly<Record<string, 'Background' | 'Foreground' | 'Orphan'>> = {
  background: 'Background',
  foreground: 'Foreground',
  orphan: 'Orphan',
};

const patchOf = (ref: string, type: string, body: unknown): Plain => ({ do: 'patch', ref, type, body });

function restart(line: Line, atUs: number): Plain | null {
  const found = target(line.words.slice(1));
  if (line.words[0] !== 'restart' || found === null) return null;
  const restartedAt = new Date(EPOCH_MS + Math.floor(atUs / 1_000_000) * 1000)
    .toISOString()
    .replace('.000Z', 'Z');
  const annotations = { 'kubectl.kubernetes.io/restartedAt': restartedAt };
  // kubectl pkg/polymorphichelpers/objectrestarter.go.
  const unless = { paused: true, says: "can't restart paused deployment (run rollout resume first)" };
  return {
    ...patchOf(found.ref, 'strategic', { spec: { template: { metadata: { annotations } } } }),
    unless,
  };
}

/** Why `rollout pause` and `rollout resume` send nothing (kubectl pkg/polymorphichelpers/objectpauser.go, objectresumer.go). */
export const pausedAlready = (paused: boolean): NonNullable<TimedStep['unless']> => ({
  paused,
  says: paused ? 'is already paused' : 'is not paused',
});

const LOOKS = new Set([
  'get',
  'describe',
  'logs',
  'top',
  'wait',
  'events',
  'explain',
  'version',
  'diff',
  'auth',
]);

/** A command line that changes nothing: what it prints and how long it waits is left out. */
export const onlyLooks = (verb: string | undefined, word: string | undefined): boolean =>
  LOOKS.has(verb ?? '') || (verb === 'rollout' && (word === 'status' || word === 'history'));

function setImage(line: Line): Plain | null {
  const found = target(line.words.slice(1));
  const images = found === null ? null : pairs(found.rest);
  if (line.words[0] !== 'image' || images === null) return null;
  const containers = Object.entries(images).map(([name, image]) => ({ name, image }));
  if (containers.some(({ image }) => image === null)) return null;
  return patchOf(found!.ref, 'strategic', { spec: { template: { spec: { containers } } } });
}

function patch(line: Line): Plain | null {
  const found = target(line.words);
  const text = line.flag('-p', '--patch');
  if (found === null || text === undefined) return null;
  try {
    return patchOf(found.ref, line.flag('--type') ?? 'strategic', JSON.parse(text));
  } catch {
    return null;
  }
}

function metadata(line: Line, field: 'labels' | 'annotations'): Plain | null {
  const found = target(line.words);
  const changes = found === null ? null : pairs(found.rest);
  if (found === null || changes === null) return null;
  const body = { metadata: { [field]: changes } };
  const node = /^(?:nodes?|no)\/(.+)$/.exec(found.ref);
  return node === null
    ? patchOf(found.ref, 'merge', body)
    : { do: 'patch-node', node: node[1], type: 'merge', body };
}

function taints(line: Line): Plain | null {
  const found = target(line.words);
  const node = found === null ? null : /^(?:nodes?|no)\/(.+)$/.exec(found.ref);
  const list = found?.rest.map(taint) ?? [];
  if (node === null || list.length === 0 || list.includes(null)) return null;
  return { do: 'patch-node', node: node[1], type: 'strategic', body: { spec: { taints: list } } };
}

function remove(line: Line): Plain | null {
  const found = target(line.words);
  const propagation = CASCADES[line.flag('--cascade') ?? 'background'];
  if (found === null || found.rest.length > 0 || propagation === undefined) return null;
  return { do: 'delete', ref: found.ref, propagation };
}

/** The step that the command line amounts to; null: it is none of these. */
export function plainStep(args: readonly string[], atUs: number): Plain | null {
  const [verb, ...rest] = args;
  const line = parse(rest);
  if (verb === 'rollout') return restart(line, atUs);
  if (verb === 'set') return setImage(line);
  if (verb === 'patch') return patch(line);
  if (verb === 'label') return metadata(line, 'labels');
  if (verb === 'annotate') return metadata(line, 'annotations');
  if (verb === 'taint') return taints(line);
  if (verb === 'delete') return remove(line);
  return null;
}

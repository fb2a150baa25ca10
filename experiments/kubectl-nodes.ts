// Command lines of `kubectl drain`, `cordon` and `uncordon` to steps: node names or a selector, and the flags that change
// what is done (kubectl pkg/cmd/drain, v1.36). A flag that is not known is a problem with its place.
import type { DrainOptions, NodePick, TimedStep } from '../engine/contracts/scenario.ts';
import { parseDuration } from './duration.ts';
import { didYouMean } from './suggest.ts';

export type NodeCommand = 'drain' | 'cordon' | 'uncordon';

export const isNodeCommand = (verb: string | undefined): verb is NodeCommand =>
  verb === 'drain' || verb === 'cordon' || verb === 'uncordon';

/** Tells what is wrong with word `index` of the command line; -1: with the line as a whole. */
export type WordProblem = (index: number, message: string, hint?: string) => void;

const BOOLEANS = ['force', 'ignore-daemonsets', 'delete-emptydir-data', 'disable-eviction', 'ignore-errors'];
const VALUES = ['grace-period', 'timeout', 'skip-wait-for-delete-timeout', 'pod-selector'];
const FLAGS: Readonly<Record<NodeCommand, readonly string[]>> = {
  drain: [...BOOLEANS, ...VALUES, 'selector'],
  cordon: ['selector'],
  uncordon: ['selector'],
};

/** As Go reads booleans (strconv.ParseBool). */
const TRUTH: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
};

/** A duration as Go prints it: `1m30s`, `1h0m0s`, `500ms`. */
export function goDuration(us: number): string {
  if (us < 1_000_000) return us === 0 ? '0s' : us % 1000 === 0 ? `${us / 1000}ms` : `${us}µs`;
  const minutes = Math.floor(us / 60_000_000);
  const seconds = `${(us - minutes * 60_000_000) / 1_000_000}s`;
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}h${minutes % 60}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}

interface Word {
  readonly text: string;
  readonly index: number;
}

/** Flags with their values, and what is no flag. */
function split(
  command: NodeCommand,
  words: readonly string[],
  problem: WordProblem,
): { flags: Map<string, Word>; names: Word[] } {
  const flags = new Map<string, Word>();
  const names: Word[] = [];
  for (let index = 1; index < words.length; index++) {
    const word = words[index]!;
    if (!word.startsWith('-') || word === '-') {
      names.push({ text: word, index });
      continue;
    }
    const short = /^-l=?(.*)$/s.exec(word);
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(word);
    const name = short !== null ? 'selector' : long?.[1];
    const inline = short !== null ? short[1] || undefined : long?.[2];
    if (name === undefined || !FLAGS[command].includes(name)) {
      problem(
        index,
        `kubectl ${command}: unknown flag ${JSON.stringify(word)}`,
        didYouMean(name ?? word, FLAGS[command]) ||
          `supported: ${FLAGS[command].map((flag) => `--${flag}`).join(', ')}`,
      );
      continue;
    }
    if (inline !== undefined || BOOLEANS.includes(name)) flags.set(name, { text: inline ?? 'true', index });
    else if (index + 1 < words.length) flags.set(name, { text: words[++index]!, index });
    else problem(index, `kubectl ${command}: flag needs an argument: --${name}`);
  }
  return { flags, names };
}

function labelsOf(word: Word, problem: WordProblem): Record<string, string> | undefined {
  const pairs = word.text.split(',').map((part) => /^([^=!\s]+)==?([^=\s]*)$/.exec(part.trim()));
  if (pairs.every((pair) => pair !== null))
    return Object.fromEntries(pairs.map((pair) => [pair[1]!, pair[2]!]));
  problem(word.index, `cannot read the selector ${JSON.stringify(word.text)}`, 'supported: key=value,…');
  return undefined;
}

function optionsOf(flags: ReadonlyMap<string, Word>, problem: WordProblem): DrainOptions {
  const truth = (name: string): boolean => {
    const word = flags.get(name);
    if (word === undefined) return false;
    const value = TRUTH[word.text];
    if (value === undefined)
      problem(word.index, `--${name}: expected true or false, found ${JSON.stringify(word.text)}`);
    return value ?? false;
  };
  const seconds = (name: string, absent: number): number => {
    const word = flags.get(name);
    if (word === undefined) return absent;
    if (!/^[+-]?[0-9]{1,9}$/.test(word.text))
      problem(word.index, `--${name}: expected whole seconds, found ${JSON.stringify(word.text)}`);
    return Number(word.text);
  };
  const timeout = flags.get('timeout');
  const timeoutUs = timeout === undefined ? 0 : parseDuration(timeout.text);
  if (timeoutUs === undefined)
    problem(timeout!.index, `--timeout: cannot read the duration ${JSON.stringify(timeout!.text)}`);
  const pods = flags.get('pod-selector');
  const podLabels = pods === undefined ? undefined : labelsOf(pods, problem);
  return {
    ignoreDaemonSets: truth('ignore-daemonsets'),
    deleteEmptyDirData: truth('delete-emptydir-data'),
    force: truth('force'),
    ignoreErrors: truth('ignore-errors'),
    disableEviction: truth('disable-eviction'),
    graceSeconds: Math.max(-1, seconds('grace-period', -1)),
    timeoutUs: timeoutUs ?? 0,
    timeoutText: goDuration(timeoutUs ?? 0),
    skipDeletedSeconds: Math.max(0, seconds('skip-wait-for-delete-timeout', 0)),
    ...(podLabels === undefined ? {} : { podLabels }),
  };
}

/** The step that `kubectl WORDS…` is; undefined after a problem. */
export function nodeCommand(
  atUs: number,
  command: NodeCommand,
  words: readonly string[],
  problem: WordProblem,
): TimedStep | undefined {
  let failed = false;
  const tell: WordProblem = (index, message, hint) => {
    failed = true;
    problem(index, message, hint);
  };
  const { flags, names } = split(command, words, tell);
  const selector = flags.get('selector');
  let nodes: NodePick = { names: names.map(({ text }) => text.replace(/^(nodes?|no)\//, '')) };
  if (selector !== undefined) {
    if (names.length > 0) tell(selector.index, 'kubectl takes node names or a --selector, not both');
    nodes = { matchLabels: labelsOf(selector, tell) ?? {} };
  } else if (names.length === 0 && !failed)
    tell(-1, `kubectl ${command} needs a node`, `args: [${command}, NODE]`);
  const drain = command === 'drain' ? { drain: optionsOf(flags, tell) } : {};
  return failed ? undefined : { atUs, do: command, objects: [], nodes, process: true, ...drain };
}

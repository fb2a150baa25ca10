// How a container behaves, as its pod says in an annotation `container.kubetick.io/NAME`: what its probes find, when it
// ends or dies, how long its hooks take, what memory it uses. A list of `key=value`, separated by spaces or commas:
//
//   container.kubetick.io/web: ready-after=5s dead-after=10m runs=2 pre-stop=3s memory=100Mi+1Mi/s
//
// Times count from the status that shows the container running.

import { bytes, durationUs } from './amount-texts.ts';
import { isNothing, NO_RAMP, parseRamp, type Ramp } from './ramp.ts';

/** From and to, µs since the container's start. */
export type Window = readonly [number, number];

export interface ContainerBehaviour {
  /** Only so many runs go wrong (end, die, are not ready) as the rest says; later ones are healthy. Infinity: all. */
  readonly runs: number;
  /** When the readiness probe finds nothing: in order, apart. */
  readonly unready: readonly Window[];
  /** Before this the startup probe finds nothing, µs. */
  readonly startedAfterUs: number;
  /** From then on no probe is answered, µs; Infinity: never. */
  readonly deadAfterUs: number;
  /** Time that a probe's answer takes, µs; null: as the preset says. */
  readonly answerUs: number | null;
  /** It ends by itself, µs; Infinity: never. */
  readonly exitAfterUs: number;
  readonly exitCode: number;
  /** Durations of its hooks where spec.lifecycle names them, µs; null: by the hook itself. */
  readonly postStartUs: number | null;
  readonly preStopUs: number | null;
  /** The postStart hook fails. */
  readonly postStartFails: boolean;
  /** From SIGTERM to its end, µs; null: as the preset says. */
  readonly stopUs: number | null;
  /** Memory in use, bytes. */
  readonly memory: Ramp;
  /** Files that it writes outside of volumes: bytes, and their number. */
  readonly disk: Ramp;
  readonly inodes: Ramp;
  /** Processes and threads. */
  readonly pids: Ramp;
  /** What it writes to its log, lines a second, and how long a line is, bytes. */
  readonly logLinesPerSecond: number;
  readonly logLineBytes: number;
}

/** Without log-line: a line of text with its time and a few fields. No source gives a mean over applications. */
const LOG_LINE_BYTES = 200;

export const BEHAVIOUR_PREFIX = 'container.kubetick.io/';

type Draft = { -readonly [K in keyof ContainerBehaviour]: ContainerBehaviour[K] };

function count(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

const DURATION = 'a duration such as 500ms, 5s, 2m or 1h';
const COUNT = 'a whole number';

/** What a key takes; `set` returns false if the value cannot be read. */
interface Key {
  readonly takes: string;
  set(draft: Draft, value: string): boolean;
}

const duration = (assign: (draft: Draft, us: number) => void): Key => ({
  takes: DURATION,
  set(draft, value) {
    const us = durationUs(value);
    if (us !== null) assign(draft, us);
    return us !== null;
  },
});

const ramp = (assign: (draft: Draft, value: Ramp) => void): Key => ({
  takes: 'an amount, with growth and a maximum: 100Mi, 100Mi+1Mi/s, 100Mi+1Mi/s..2Gi',
  set(draft, value) {
    const amount = parseRamp(value);
    if (amount !== null) assign(draft, amount);
    return amount !== null;
  },
});

const KEYS: Readonly<Record<string, Key>> = {
  'ready-after': duration((d, us) => void (d.unready = [...d.unready, [0, us]])),
  unready: {
    takes: 'a span such as 60s..90s',
    set(draft, value) {
      const [from, to] = value.split('..').map(durationUs);
      if (from === undefined || to === undefined || from === null || to === null || to <= from) return false;
      draft.unready = [...draft.unready, [from, to]];
      return true;
    },
  },
  'started-after': duration((d, us) => void (d.startedAfterUs = us)),
  'dead-after': duration((d, us) => void (d.deadAfterUs = us)),
  answer: duration((d, us) => void (d.answerUs = us)),
  'exit-after': duration((d, us) => void (d.exitAfterUs = us)),
  'exit-code': {
    takes: 'an exit code, 0 to 255',
    set(draft, value) {
      const code = count(value);
      if (code === null || code > 255) return false;
      draft.exitCode = code;
      return true;
    },
  },
  runs: {
    takes: COUNT,
    set(draft, value) {
      const runs = count(value);
      if (runs !== null) draft.runs = runs;
      return runs !== null;
    },
  },
  'post-start': {
    takes: `${DURATION}, or "fails"`,
    set(draft, value) {
      if (value === 'fails') {
        draft.postStartFails = true;
        return true;
      }
      const us = durationUs(value);
      if (us !== null) draft.postStartUs = us;
      return us !== null;
    },
  },
  'pre-stop': duration((d, us) => void (d.preStopUs = us)),
  stop: duration((d, us) => void (d.stopUs = us)),
  log: {
    takes: 'lines a second, a whole number',
    set(draft, value) {
      const lines = count(value);
      if (lines !== null) draft.logLinesPerSecond = lines;
      return lines !== null;
    },
  },
  'log-line': {
    takes: 'the bytes of a line, such as 200 or 1Ki',
    set(draft, value) {
      const length = bytes(value);
      if (length !== null && length > 0) draft.logLineBytes = length;
      return length !== null && length > 0;
    },
  },
  memory: ramp((d, value) => void (d.memory = value)),
  disk: ramp((d, value) => void (d.disk = value)),
  inodes: ramp((d, value) => void (d.inodes = value)),
  pids: ramp((d, value) => void (d.pids = value)),
};

/** Spans in order; those that touch are one. */
function merged(windows: readonly Window[]): Window[] {
  const list: [number, number][] = [];
  for (const [from, to] of [...windows].sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
    const last = list.at(-1);
    if (last !== undefined && from <= last[1]) last[1] = Math.max(last[1], to);
    else if (to > from) list.push([from, to]);
  }
  return list;
}

/** Reads an annotation. `problem` is told what cannot be read; the rest counts. */
export function parseBehaviour(text: string, problem: (message: string) => void): ContainerBehaviour {
  const draft: Draft = {
    runs: Number.POSITIVE_INFINITY,
    unready: [],
    startedAfterUs: 0,
    deadAfterUs: Number.POSITIVE_INFINITY,
    answerUs: null,
    exitAfterUs: Number.POSITIVE_INFINITY,
    exitCode: 0,
    postStartUs: null,
    preStopUs: null,
    postStartFails: false,
    stopUs: null,
    memory: NO_RAMP,
    disk: NO_RAMP,
    inodes: NO_RAMP,
    pids: NO_RAMP,
    logLinesPerSecond: 0,
    logLineBytes: LOG_LINE_BYTES,
  };
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const [name = '', value = ''] = entry.split(/=(.*)/s);
    const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    if (key === undefined) problem(`unknown key "${name}"; there are ${Object.keys(KEYS).join(', ')}`);
    else if (!key.set(draft, value)) problem(`${name} takes ${key.takes}; found "${value}"`);
  }
  return { ...draft, unready: merged(draft.unready) };
}

/** Whether nothing of it changes how the container lives: it only logs, or its hooks and its end take their time. */
export const livesOn = (behaviour: ContainerBehaviour): boolean =>
  behaviour.unready.length === 0 &&
  behaviour.startedAfterUs === 0 &&
  behaviour.deadAfterUs === Number.POSITIVE_INFINITY &&
  behaviour.exitAfterUs === Number.POSITIVE_INFINITY &&
  behaviour.answerUs === null &&
  !behaviour.postStartFails &&
  isNothing(behaviour.memory);

const SLEEP = /^\s*(?:\/bin\/|\/usr\/bin\/)?sleep\s+(\d+(?:\.\d+)?)s?\s*$/;

/**
 * How long a hook of spec.lifecycle takes, µs, by what it says: `sleep`, or an exec of nothing but sleep, also through
 * a shell. Other hooks end at once: what a program does is not known. null: there is no hook.
 */
export function hookUs(
  hook: { sleep?: { seconds?: number }; exec?: { command?: string[] } } | undefined,
): number | null {
  if (hook === undefined || hook === null) return null;
  if (hook.sleep !== undefined) return (hook.sleep.seconds ?? 0) * 1e6;
  const command = hook.exec?.command ?? [];
  const shell = command.length === 3 && /(^|\/)(ba|da)?sh$/.test(command[0]!) && command[1] === '-c';
  const parts = SLEEP.exec(shell ? command[2]! : command.join(' '));
  return parts === null ? 0 : Math.round(Number(parts[1]) * 1e6);
}

// Axes: where marks stand and what is written at them. Shares of the width (0..1) come out, so that a drawing fits any
// screen. No module of Node: the script of the page uses it, too.
import { humanSeconds, significant } from '../units.ts';

export interface Tick {
  /** 0..1 */
  readonly at: number;
  readonly value: number;
  readonly text: string;
}

export interface Scale {
  /** 0..1; outside of it for values beyond the ends. */
  at(value: number): number;
  readonly ticks: readonly Tick[];
  /** Values at the ends. */
  readonly from: number;
  readonly to: number;
}

export type Unit = 'seconds' | 'share' | 'pods' | 'nodes' | 'keys' | 'perSecond' | 'requestsPerSecond';

/** How the unit is called beside an axis. */
export const UNIT_TEXT: Readonly<Record<Unit, string>> = {
  seconds: 'seconds',
  share: 'per cent',
  pods: 'pods',
  nodes: 'nodes',
  keys: 'keys waiting',
  perSecond: 'pods per second',
  requestsPerSecond: 'requests per second',
};

/** What stands beside the title of a panel. */
export const captionOf = (unit: Unit, about: string, log: boolean): string =>
  [UNIT_TEXT[unit], about, log ? 'logarithmic' : ''].filter((text) => text !== '').join(', ');

/** 12345 → `12.3 k`; at most three digits. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 999_500_000) return `${trimmed(value / 1e9)} G`;
  if (size >= 999_500) return `${trimmed(value / 1e6)} M`;
  if (size >= 10_000) return `${trimmed(value / 1e3)} k`;
  return trimmed(value);
}

const trimmed = (value: number): string => {
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
  return text.includes('e') ? text : text.replace(/\B(?=(\d{3})+$)/g, size >= 1000 ? ',' : '');
};

/** A value of a unit for people. */
export function valueIn(unit: Unit, value: number): string {
  if (unit === 'seconds') return humanSeconds(value);
  if (unit === 'share') return `${significant(value * 100)} %`;
  if (unit === 'perSecond' || unit === 'requestsPerSecond') return `${trimmed(value)} /s`;
  return short(value);
}

/** Steps of 1, 2 and 5 in the decimal system, about `count` of them from 0 to `high`. */
function stepFor(high: number, count: number): number {
  const raw = high / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const [first = 10] = [1, 2, 5].filter((factor) => factor * power >= raw);
  return first * power;
}

const TIME_STEPS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400,
];

/** From 0 to at least `high`, linear. `exact`: ends at `high` itself. */
export function linear(unit: Unit, high: number, count = 4, exact = false): Scale {
  const top = high > 0 && Number.isFinite(high) ? high : 1;
  const step =
    unit === 'seconds' && top / count >= 0.7
      ? (TIME_STEPS.find((one) => one >= top / count) ?? stepFor(top, count))
      : stepFor(top, count);
  const end = exact ? top : Math.ceil(top / step - 1e-9) * step;
  const ticks: Tick[] = [];
  for (let i = 0; i * step <= end * (1 + 1e-9); i++)
    ticks.push({ at: (i * step) / end, value: i * step, text: i === 0 ? '0' : tickText(unit, i * step) });
  return { at: (value) => value / end, ticks, from: 0, to: end };
}

/** What is written at a mark of an axis. */
export const tickText = (unit: Unit, value: number): string => {
  if (unit === 'seconds') return shortSeconds(value);
  if (unit === 'share') return `${trimmed(value * 100)} %`;
  return short(value);
};

/** `90` → `1.5 min`: one unit, for axes. */
export function shortSeconds(seconds: number): string {
  if (seconds < 1e-3) return `${trimmed(seconds * 1e6)} µs`;
  if (seconds < 1) return `${trimmed(seconds * 1e3)} ms`;
  if (seconds < 60) return `${trimmed(seconds)} s`;
  if (seconds < 3600) return `${trimmed(seconds / 60)} min`;
  if (seconds < 2 * 86400) return `${trimmed(seconds / 3600)} h`;
  return `${trimmed(seconds / 86400)} d`;
}

/** Where a person looks on a logarithmic axis of time. */
const LOG_TICKS = [
  1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36000, 86400, 864000, 8640000, 86400000, 864000000,
];
const LOG_TICKS_BETWEEN = [
  2e-6, 5e-6, 2e-5, 5e-5, 2e-4, 5e-4, 2e-3, 5e-3, 2e-2, 5e-2, 0.2, 0.5, 2, 5, 20, 30, 120, 300, 1200, 1800,
  7200, 18000,
];

/** Logarithmic, of durations in seconds above 0; what is 0 stands at the start. */
export function logarithmic(low: number, high: number, apart = 0.09): Scale {
  const from = Math.log(Math.max(1e-6, low)) - 0.02;
  const to = Math.max(from + 0.2, Math.log(Math.max(1e-6, high)) + 0.02);
  const at = (value: number): number => (value <= 0 ? 0 : (Math.log(value) - from) / (to - from));
  const within = (list: readonly number[]): number[] => list.filter((tick) => at(tick) >= 0 && at(tick) <= 1);
  const wide = within(LOG_TICKS);
  const all = wide.length >= 4 ? wide : within([...LOG_TICKS, ...LOG_TICKS_BETWEEN]).sort((a, b) => a - b);
  // Of marks that would touch each other the later one goes.
  const ticks: Tick[] = [];
  for (const tick of all)
    if (ticks.length === 0 || at(tick) - ticks.at(-1)!.at > apart)
      ticks.push({ at: at(tick), value: tick, text: shortSeconds(tick) });
  return { at, ticks, from: Math.exp(from), to: Math.exp(to) };
}

/** Latencies that differ by more are drawn on a logarithmic axis. */
const LINEAR_UP_TO = 30;

/** The axis of values of a unit: from 0, or for latencies far apart logarithmic. */
export function valueScale(unit: Unit, values: readonly number[]): Scale & { readonly log: boolean } {
  const known = values.filter((value) => Number.isFinite(value) && value > 0);
  const high = known.reduce((a, b) => Math.max(a, b), 0);
  const low = known.reduce((a, b) => Math.min(a, b), high);
  if (unit === 'seconds' && high > LINEAR_UP_TO * low) return { ...logarithmic(low, high, 0.2), log: true };
  return { ...linear(unit, high), log: false };
}

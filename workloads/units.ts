// Units of workload arguments: how a scalar is written in YAML, what it means as a number, which numbers are allowed.
// Durations are those of the Experiment file (`250ms`, `5s`, `10m`, `2h`, `1d`), quantities those of Kubernetes.
import { MINUTE, MS, SECOND, tryQuantity } from '../engine/index.ts';

/** Reads scalars of one unit. */
export interface Unit {
  /** For messages and docs: `a duration such as 5s`. */
  readonly form: string;
  /** Returns the value in base units, or NaN where `raw` is not written as this unit demands. */
  parse(raw: unknown): number;
  /** Prints a value in this unit, for messages. */
  print(value: number): string;
  /** Smallest value, in base units; samples are raised to it. */
  readonly min: number;
  /** Samples of continuous distributions are rounded to multiples of this, in base units. */
  readonly step: number;
}

const HOUR = 60 * MINUTE;
const UNITS_US: Readonly<Record<string, number>> = {
  us: 1,
  ms: MS,
  s: SECOND,
  m: MINUTE,
  h: HOUR,
  d: 24 * HOUR,
};

/** `1h30m`, `250ms`, `0`, … in µs; NaN for anything else. */
function parseDurationUs(raw: unknown): number {
  if (raw === 0 || raw === '0') return 0;
  if (typeof raw !== 'string') return Number.NaN;
  if (!/^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h|d))+$/.test(raw)) return Number.NaN;
  let total = 0;
  for (const [, digits, unit] of raw.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)) {
    total += Number(digits) * UNITS_US[unit!]!;
  }
  return Math.round(total);
}

function printDurationUs(us: number): string {
  for (const unit of ['d', 'h', 'm', 's', 'ms'] as const) {
    if (us >= UNITS_US[unit]! && us % UNITS_US[unit]! === 0) return `${us / UNITS_US[unit]!}${unit}`;
  }
  return us === 0 ? '0s' : `${us}us`;
}

/** Integer µs. */
export const durationUs: Unit = {
  form: 'a duration such as 250ms, 5s, 10m, 2h or 1d',
  parse: parseDurationUs,
  print: printDurationUs,
  min: 0,
  step: 1,
};

/** Whole numbers: pods, replicas. */
export const wholeNumber: Unit = {
  form: 'a whole number of 0 or more',
  parse: (raw) => (typeof raw === 'number' && Number.isFinite(raw) ? raw : Number.NaN),
  print: String,
  min: 0,
  step: 1,
};

const NANOS_PER_MILLI = 1_000_000n;
const NANOS_PER_BYTE = 1_000_000_000n;

/** Rounds up, as the scheduler's MilliValue and Value do. */
function parseUnits(raw: unknown, nanosPerUnit: bigint): number {
  const quantity = tryQuantity(raw);
  if (quantity === undefined || quantity.nanos < 0n) return Number.NaN;
  const units = Number((quantity.nanos + nanosPerUnit - 1n) / nanosPerUnit);
  return Number.isSafeInteger(units) ? units : Number.NaN;
}

/** Millicores. */
export const cpuMilli: Unit = {
  form: 'a CPU quantity such as 250m or 2',
  parse: (raw) => parseUnits(raw, NANOS_PER_MILLI),
  print: (milli) => (milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`),
  min: 0,
  step: 10,
};

const MEBIBYTE = 2 ** 20;

/** Bytes. */
export const memoryBytes: Unit = {
  form: 'a memory quantity such as 128Mi or 1Gi',
  parse: (raw) => parseUnits(raw, NANOS_PER_BYTE),
  print: (bytes) => (bytes !== 0 && bytes % MEBIBYTE === 0 ? `${bytes / MEBIBYTE}Mi` : String(bytes)),
  min: 0,
  step: 16 * MEBIBYTE,
};

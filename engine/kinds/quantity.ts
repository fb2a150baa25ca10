// Resource quantities ("500m", "1Gi", "2e3"): parsed, compared and printed as apimachinery does, in exact integers
// (staging/src/k8s.io/apimachinery/pkg/api/resource/quantity.go, v1.36). Amounts are kept in billionths, the finest
// scale the API knows; anything finer is rounded up, away from zero.

export type QuantityFormat = 'DecimalSI' | 'BinarySI' | 'DecimalExponent';

export interface Quantity {
  /** The amount × 10⁹. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
  /** What the server prints: canonical, or the text given when that already was canonical. */
  readonly text: string;
}

export class QuantityError extends Error {}

const FORMAT_MESSAGE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX_MESSAGE = "unable to parse quantity's suffix";

const NANOS = 1_000_000_000n;
/** Largest amount of a binary quantity: 2⁶³ − 1. */
const MAX_BINARY = (1n << 63n) - 1n;
const MAX_INT64 = (1n << 63n) - 1n;
/** Decimal digits that always fit an int64. */
const MAX_INT64_DIGITS = 18;

const DECIMAL_SUFFIXES: readonly (readonly [string, number])[] = [
  ['n', -9],
  ['u', -6],
  ['m', -3],
  ['', 0],
  ['k', 3],
  ['M', 6],
  ['G', 9],
  ['T', 12],
  ['P', 15],
  ['E', 18],
];
const BINARY_SUFFIXES: readonly string[] = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

interface Suffix {
  readonly base: 2 | 10;
  readonly exponent: number;
  readonly format: QuantityFormat;
}

function interpretSuffix(suffix: string): Suffix {
  const decimal = DECIMAL_SUFFIXES.find(([name]) => name === suffix);
  if (decimal !== undefined) return { base: 10, exponent: decimal[1], format: 'DecimalSI' };
  const binary = BINARY_SUFFIXES.indexOf(suffix);
  if (binary > 0) return { base: 2, exponent: binary * 10, format: 'BinarySI' };
  if (/^[eE][+-]?\d+$/.test(suffix)) {
    return { base: 10, exponent: Number(suffix.slice(1)), format: 'DecimalExponent' };
  }
  throw new QuantityError(SUFFIX_MESSAGE);
}

/** Divides, rounding away from zero. */
function divideUp(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const exact = quotient * denominator === numerator;
  return exact ? quotient : numerator < 0n ? quotient - 1n : quotient + 1n;
}

const pow10 = (exponent: number): bigint => 10n ** BigInt(exponent);

/** Exponents beyond this are capped: no amount of that size is told apart, and 10^n must stay computable. */
const EXPONENT_CAP = 400;

/** Parses a quantity or throws QuantityError with the server's text. Surrounding blanks are ignored, as in JSON. */
export function parseQuantity(input: string): Quantity {
  const text = input.trim();
  if (text === '') throw new QuantityError(FORMAT_MESSAGE);
  const match = /^([+-]?)(0*)(\d*)(?:\.(\d*))?([eEinumkKMGTP]*[+-]?\d*)$/.exec(text);
  if (match === null) throw new QuantityError(FORMAT_MESSAGE);
  // No digits at all ("m", "+") read as zero, as upstream.
  const [, sign = '', , whole = '', fraction = '', suffixText = ''] = match;
  const numerator = whole === '' ? '0' : whole;
  const suffix = interpretSuffix(suffixText);
  const negative = sign === '-';
  const shifted = `${numerator}${fraction}`;
  const unscaled = BigInt(shifted);

  const kept = reusableText(text, suffix, unscaled, shifted, numerator.length, fraction.length);
  const signed = negative ? -unscaled : unscaled;
  let nanos: bigint;
  let format = suffix.format;
  if (suffix.base === 2) {
    nanos = divideUp((signed << BigInt(suffix.exponent)) * NANOS, pow10(fraction.length));
    const cap = MAX_BINARY * NANOS;
    if (nanos > cap) nanos = cap;
    else if (nanos < -cap) nanos = -cap;
    const magnitude = nanos < 0n ? -nanos : nanos;
    // Fractions below one print in decimal: "0.5Mi" is binary, "0.0001Ki" is not.
    if (magnitude > 0n && magnitude < NANOS) format = 'DecimalSI';
  } else {
    const capped = Math.max(-EXPONENT_CAP, Math.min(EXPONENT_CAP, suffix.exponent));
    const exponent = capped - fraction.length + 9;
    nanos = exponent >= 0 ? signed * pow10(exponent) : divideUp(signed, pow10(-exponent));
  }
  return { nanos, format, text: kept ?? formatQuantity(nanos, format) };
}

/** The given text, where the server keeps it instead of printing the amount anew. */
function reusableText(
  text: string,
  suffix: Suffix,
  value: bigint,
  shifted: string,
  wholeDigits: number,
  fractionDigits: number,
): string | undefined {
  if (text === '0') return text;
  let precision: number;
  let scale = 0;
  let product = value;
  if (suffix.base === 10) {
    scale = suffix.exponent - fractionDigits;
    precision = MAX_INT64_DIGITS - (wholeDigits + fractionDigits);
  } else {
    if (fractionDigits > 0) return undefined;
    precision = 15 - wholeDigits - Math.trunc((suffix.exponent * 3) / 10) - 1;
    product = value << BigInt(suffix.exponent);
  }
  if (precision < 0 || scale < -9 || product > MAX_INT64) return undefined;
  if (suffix.base === 2) return (value & 7n) !== 0n ? text : undefined;
  return scale % 3 === 0 && !shifted.endsWith('000') && shifted[0] !== '0' ? text : undefined;
}

/** The canonical text of an amount in billionths. */
export function formatQuantity(nanos: bigint, format: QuantityFormat): string {
  if (nanos === 0n) return '0';
  let shown = format;
  if (format === 'BinarySI') {
    const small = nanos > -1024n * NANOS && nanos < 1024n * NANOS;
    if (small || nanos % NANOS !== 0n) shown = 'DecimalSI';
  }
  if (shown === 'BinarySI') {
    let amount = nanos / NANOS;
    let power = 0;
    while (power < BINARY_SUFFIXES.length - 1 && amount % 1024n === 0n) {
      amount /= 1024n;
      power++;
    }
    return `${amount}${BINARY_SUFFIXES[power] as string}`;
  }
  let amount = nanos;
  let exponent = -9;
  const highest = shown === 'DecimalSI' ? 18 : Number.POSITIVE_INFINITY;
  while (exponent < highest && amount % 1000n === 0n) {
    amount /= 1000n;
    exponent += 3;
  }
  if (shown === 'DecimalExponent') return exponent === 0 ? `${amount}` : `${amount}e${exponent}`;
  const suffix = DECIMAL_SUFFIXES.find(([, e]) => e === exponent) as readonly [string, number];
  return `${amount}${suffix[0]}`;
}

/** Amount rounded up to a scale of 10^exponent (SetDefaults_ResourceList uses −3); the text is kept when exact. */
export function roundUpQuantity(quantity: Quantity, exponent: number): Quantity {
  const unit = pow10(exponent + 9);
  if (quantity.nanos % unit === 0n) return quantity;
  const nanos = divideUp(quantity.nanos, unit) * unit;
  return { nanos, format: quantity.format, text: formatQuantity(nanos, quantity.format) };
}

/** A quantity as it stands in an object (string or number), or undefined where it is none. */
export function tryQuantity(value: unknown): Quantity | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  try {
    return parseQuantity(String(value));
  } catch (error) {
    if (error instanceof QuantityError) return undefined;
    throw error;
  }
}

const nanosOf = (value: string | number): bigint => parseQuantity(String(value)).nanos;

function exactNumber(amount: bigint, value: string | number): number {
  // Quantities of simulated nodes and pods stay far below 2^53; beyond it no column could hold them exactly.
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  if (amount > limit || amount < -limit)
    throw new QuantityError(`quantity ${value} does not fit an exact integer`);
  return Number(amount);
}

/** Whole units, rounded up (away from zero): bytes of memory, counts. */
export const quantityValue = (value: string | number): number =>
  exactNumber(divideUp(nanosOf(value), NANOS), value);

/** Thousandths, rounded up (away from zero): millicores. */
export const quantityMilli = (value: string | number): number =>
  exactNumber(divideUp(nanosOf(value), 1_000_000n), value);

/** −1, 0 or 1. */
export function compareQuantities(a: string | number, b: string | number): number {
  const difference = nanosOf(a) - nanosOf(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** Sum of quantities, printed in the format of the first that is not zero. */
export function sumQuantities(values: readonly (string | number)[]): string {
  let nanos = 0n;
  let format: QuantityFormat | undefined;
  for (const value of values) {
    const quantity = parseQuantity(String(value));
    if (format === undefined && quantity.nanos !== 0n) format = quantity.format;
    nanos += quantity.nanos;
  }
  return formatQuantity(nanos, format ?? 'DecimalSI');
}

// Values that are a count or a percentage (apimachinery/pkg/util/intstr).
import type { Json } from './kind.ts';

const PERCENT = /^(\d+)%$/;

/** The number of a count or a percentage; 0 for text that is neither. */
export function intOrPercentValue(value: Json): number {
  if (typeof value === 'number') return value;
  const match = PERCENT.exec(String(value ?? ''));
  return match === null ? 0 : Number(match[1]);
}

/**
 * A count, or a percentage of `total`, rounded up or down (GetScaledValueFromIntOrPercent). Undefined where the text
 * is no percentage.
 */
export function scaledIntOrPercent(value: Json, total: number, roundUp: boolean): number | undefined {
  if (typeof value === 'number') return value;
  const match = PERCENT.exec(String(value ?? ''));
  if (match === null) return undefined;
  const hundredfold = Number(match[1]) * total;
  return roundUp ? Math.ceil(hundredfold / 100) : Math.floor(hundredfold / 100);
}

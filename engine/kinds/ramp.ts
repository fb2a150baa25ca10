// Amounts that grow: `100Mi`, `100Mi+1Mi/s`, `100Mi+1Mi/s..2Gi`, from the start of whatever uses them.
import { bytes } from './amount-texts.ts';

export interface Ramp {
  readonly start: number;
  readonly perSecond: number;
  /** Infinity: it grows for ever. */
  readonly max: number;
}

export const NO_RAMP: Ramp = Object.freeze({ start: 0, perSecond: 0, max: Number.POSITIVE_INFINITY });

/** null: not to be read. */
export function parseRamp(text: string): Ramp | null {
  const parts = /^([^+]+?)(?:\+([^/]+)\/s)?(?:\.\.(.+))?$/.exec(text);
  if (parts === null) return null;
  const [start, perSecond, most] = [bytes(parts[1]!), bytes(parts[2] ?? '0'), bytes(parts[3] ?? '0')];
  if (start === null || perSecond === null || most === null) return null;
  return { start, perSecond, max: parts[3] === undefined ? Number.POSITIVE_INFINITY : most };
}

/** Amount so long after its start, µs. */
export const rampAt = ({ start, perSecond, max }: Ramp, us: number): number =>
  us < 0 ? 0 : Math.min(max, start + (perSecond * us) / 1e6);

/** How fast it grows then, a second. */
export const rampRate = (ramp: Ramp, us: number): number =>
  us >= 0 && rampAt(ramp, us) < ramp.max ? ramp.perSecond : 0;

export const isNothing = ({ start, perSecond }: Ramp): boolean => start === 0 && perSecond === 0;

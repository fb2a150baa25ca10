// Virtual time: an integer count of microseconds since the start of the run, and its units.
// A float never decides an order: everything that schedules rounds to whole microseconds first.

import { assert } from './assert.ts';

/** Microseconds since the start of the run, an integer from 0 to 2^53 - 1 (285 years). */
export type SimTime = number & { readonly __simTime: unique symbol };

export const US = 1;
export const MS = 1_000;
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The largest time an event can have: above it, a number no longer counts single microseconds. */
export const TIME_MAX = Number.MAX_SAFE_INTEGER;

/** Brands a whole number of microseconds (0 .. 2^53 - 1) as a time. */
export function asTime(microseconds: number): SimTime {
  assert(
    Number.isSafeInteger(microseconds) && microseconds >= 0,
    () => `a time is a whole number of microseconds from 0 to 2^53 - 1, not ${microseconds}`,
  );
  return microseconds as SimTime;
}

// Durations to microseconds and back.
import { expect, test } from 'vitest';
import { formatDuration, parseDuration } from '../../../experiments/duration.ts';

test.each([
  ['250ms', 250_000],
  ['5s', 5_000_000],
  ['10m', 600_000_000],
  ['2h', 7_200_000_000],
  ['1d', 86_400_000_000],
  ['1h30m', 5_400_000_000],
  ['1.5s', 1_500_000],
  ['0.001ms', 1],
  ['0', 0],
  ['0s', 0],
])('%s', (text, us) => expect(parseDuration(text)).toBe(us));

test.each(['', '5', 's', '5 s', '-5s', '5S', '30m1h', '1s1s', '5s ', '1e3s', 'Infinitys', '99999999d'])(
  '%j is none',
  (text) => expect(parseDuration(text)).toBeUndefined(),
);

test.each([
  [0, '0s'],
  [90_000_000, '90s'],
  [5_400_000_000, '90m'],
  [86_400_000_000, '1d'],
  [1_500, '1500us'],
])('%d µs is %s', (us, text) => {
  expect(formatDuration(us)).toBe(text);
  expect(parseDuration(text)).toBe(us);
});

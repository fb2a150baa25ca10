// Shares as text, one character each, for the replay in the page: 63 steps between nothing and everything are finer than
// the eye tells colours apart. Without quotes, backslashes and `<`, so that JSON and HTML leave them as they are.

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-';
const STEPS = DIGITS.length - 1;
/** Nothing to show: the node is not there at this time. */
const ABSENT = '.';

/** Shares 0..1 (more is drawn as 1); NaN: absent. */
export function encodeShares(shares: ArrayLike<number>): string {
  let text = '';
  for (let i = 0; i < shares.length; i++) {
    const share = shares[i]!;
    if (Number.isNaN(share)) text += ABSENT;
    // Only an empty node is drawn empty.
    else text += DIGITS[share <= 0 ? 0 : Math.max(1, Math.round(Math.min(1, share) * STEPS))];
  }
  return text;
}

/** The share at a place of the text; NaN: absent. */
export function decodeShare(text: string, at: number): number {
  const digit = DIGITS.indexOf(text.charAt(at));
  return text.charAt(at) === '' || digit < 0 ? Number.NaN : digit / STEPS;
}

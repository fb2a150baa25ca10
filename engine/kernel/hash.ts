// Integer mixing shared by keyed draws and fingerprints. 32-bit multiplications only, so that
// every engine gives the same bits. Not cryptographic.

/**
 * A bijection of 32-bit integers in which every input bit reaches every output bit.
 * The constants are those of the "lowbias32" search (C. Wellons, hash-prospector, 2018).
 */
export function mix32(value: number): number {
  let x = value | 0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return x ^ (x >>> 16);
}

/** A 32-bit hash of a text's UTF-16 units; `salt` chooses an independent function. */
export function hashText(text: string, salt: number): number {
  let h = mix32(salt ^ 0x9e3779b9);
  for (let i = 0; i < text.length; i++) h = mix32(Math.imul(h, 31) + text.charCodeAt(i));
  return mix32(h ^ text.length);
}

/** The upper 32 bits of an integer below 2^53 as int32 (`x | 0` gives the lower). */
export function upper32(integer: number): number {
  return Math.floor(integer * 2.3283064365386963e-10) | 0; // 2^-32, exact
}

/** Eight hex digits of a 32-bit integer. */
export function hex32(value: number): string {
  return (value >>> 0).toString(16).padStart(8, '0');
}

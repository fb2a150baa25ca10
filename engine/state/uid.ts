// Derived identity: UIDs and random name suffixes are functions of a serial number and the run's seed, so they need no
// storage and are the same at every repeat.

import { mix32 } from '../kernel/index.ts';

/** Alphabet of generated names: no vowels, no look-alikes (apimachinery/pkg/util/rand, v1.36). */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const BASE = ALPHABET.length;

/** Longest prefix of a generated name: 63 less the suffix (apiserver/pkg/storage/names/generate.go). */
export const GENERATED_PREFIX_MAX = 58;

/** Number of different 5-character suffixes: 27^5. */
export const SUFFIXES = BASE ** 5;

/** Two characters at a time: the texts of 0..27^2-1. */
const PAIRS = Array.from(
  { length: BASE * BASE },
  (_, n) => ALPHABET[n % BASE]! + ALPHABET[Math.floor(n / BASE)]!,
);

/** The 5 characters of suffix `n`, 0 <= n < SUFFIXES. */
export function suffixText(n: number): string {
  const rest = Math.floor(n / PAIRS.length);
  const last = Math.floor(rest / PAIRS.length);
  return PAIRS[n % PAIRS.length]! + PAIRS[rest % PAIRS.length]! + ALPHABET[last]!;
}

/** The number of a 5-character suffix, or -1 if the text cannot be one. */
export function suffixNumber(text: string): number {
  if (text.length !== 5) return -1;
  let n = 0;
  for (let i = 4; i >= 0; i--) {
    const digit = ALPHABET.indexOf(text[i]!);
    if (digit < 0) return -1;
    n = n * BASE + digit;
  }
  return n;
}

const HEX = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
/** The characters of the UUID being made: dashes, and the version, stand already. */
const codes: number[] = Array.from('00000000-0000-4000-0000-000000000000', (c) => c.charCodeAt(0));

/** Writes the last so many hexadecimal digits of a number. */
function put(at: number, digits: number, n: number): void {
  let left = n;
  for (let i = at + digits - 1; i >= at; i--) {
    codes[i] = HEX[left & 15]!;
    left >>>= 4;
  }
}

/** A version-4 UUID from a serial number (< 2^53) and a salt that separates the families of serials. */
export function uidText(salt: number, serial: number): string {
  const low = serial >>> 0;
  const high = Math.floor(serial / 2 ** 32) >>> 0;
  const a = mix32(low ^ mix32(salt));
  const b = mix32(a ^ high ^ 0x9e3779b9);
  const c = mix32(b ^ low ^ 0x7f4a7c15);
  const d = mix32(c ^ salt ^ 0x94d049bb);
  put(0, 8, a);
  put(9, 4, b >>> 16);
  put(15, 3, b >>> 4);
  put(19, 1, 8 + (d & 3));
  put(20, 3, c >>> 20);
  put(24, 4, c);
  put(28, 8, d);
  // One text at once: put together of parts it would be a tree of them.
  return String.fromCharCode.apply(null, codes);
}

// Salts separate the families of serial numbers.
const POD_SALT = 0x90d;
const OBJECT_SALT = 0x0b1ec7;
const SEED_SALT = 0x5eed;

/** UID of the n-th object stored by the API server, from 1. */
export const objectUid = (serial: number): string => uidText(OBJECT_SALT, serial);
/** UID of the n-th object that existed before the run. */
export const seededUid = (serial: number): string => uidText(SEED_SALT, serial);
/** UID of the n-th pod, from 1: the pod table does not store it. */
export const derivedPodUid = (serial: number): string => uidText(POD_SALT, serial);

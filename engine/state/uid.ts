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

const HEX4: (string | undefined)[] = new Array(65_536);
const HEX3: (string | undefined)[] = new Array(4096);

/** Four hexadecimal digits of a number below 2^16: texts made once. */
function hex4(n: number): string {
  let text = HEX4[n];
  if (text === undefined) {
    text = n.toString(16).padStart(4, '0');
    HEX4[n] = text;
  }
  return text;
}

/** The same with three digits, below 2^12. */
function hex3(n: number): string {
  let text = HEX3[n];
  if (text === undefined) {
    text = n.toString(16).padStart(3, '0');
    HEX3[n] = text;
  }
  return text;
}

/** A version-4 UUID from a serial number (< 2^53) and a salt that separates the families of serials. */
export function uidText(salt: number, serial: number): string {
  const low = serial >>> 0;
  const high = Math.floor(serial / 2 ** 32) >>> 0;
  const a = mix32(low ^ mix32(salt));
  const b = mix32(a ^ high ^ 0x9e3779b9);
  const c = mix32(b ^ low ^ 0x7f4a7c15);
  const d = mix32(c ^ salt ^ 0x94d049bb);
  const variant = '89ab'[d & 3]!;
  const first = hex4(a >>> 16) + hex4(a & 0xffff);
  const last = hex4(c & 0xffff) + hex4(d >>> 16) + hex4(d & 0xffff);
  return `${first}-${hex4(b >>> 16)}-4${hex3((b & 0xffff) >>> 4)}-${variant}${hex3(c >>> 20)}-${last}`;
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

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

/** The 5 characters of suffix `n`, 0 <= n < SUFFIXES. */
export function suffixText(n: number): string {
  let text = '';
  for (let i = 0; i < 5; i++) {
    text += ALPHABET[n % BASE];
    n = Math.floor(n / BASE);
  }
  return text;
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

const hex = (n: number, digits: number): string => (n >>> 0).toString(16).padStart(8, '0').slice(0, digits);

/** A version-4 UUID from a serial number (< 2^53) and a salt that separates the families of serials. */
export function uidText(salt: number, serial: number): string {
  const low = serial >>> 0;
  const high = Math.floor(serial / 2 ** 32) >>> 0;
  const a = mix32(low ^ mix32(salt));
  const b = mix32(a ^ high ^ 0x9e3779b9);
  const c = mix32(b ^ low ^ 0x7f4a7c15);
  const d = mix32(c ^ salt ^ 0x94d049bb);
  const variant = '89ab'[d & 3]!;
  return `${hex(a, 8)}-${hex(b, 4)}-4${hex(b << 16, 3)}-${variant}${hex(c, 3)}-${hex(c << 16, 4)}${hex(d, 8)}`;
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

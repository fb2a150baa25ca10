// Texts that are made and read by hand for speed, against the obvious way with Date, regular expressions and padding.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mix32 } from '../../../engine/kernel/index.ts';
import { copied } from '../../../engine/kinds/copied.ts';
import {
  derivedPodUid,
  exactTimestampText,
  objectUid,
  timestampText,
  timestampUs,
} from '../../../engine/state/index.ts';

const EPOCH_MS = Date.UTC(2026, 0, 1);

function plainText(us: number): string {
  const whole = new Date(EPOCH_MS + Math.floor(us / 1e6) * 1000).toISOString().slice(0, 19);
  const fraction = String(us % 1e6)
    .padStart(6, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`;
}

function plainUs(told: string): number {
  const micros = /\.\d{3}(\d{1,3})/.exec(told)?.[1];
  return (Date.parse(told) - EPOCH_MS) * 1000 + (micros === undefined ? 0 : Number(micros.padEnd(3, '0')));
}

const time = fc.oneof(
  fc.nat(10_000_000),
  fc.nat(2 ** 31),
  fc.nat(4_000_000).map((n) => n * 100),
);

describe('timestamps', () => {
  it('are written to the microsecond and read back', () => {
    fc.assert(
      fc.property(fc.array(time, { minLength: 1, maxLength: 20 }), (times) => {
        for (const us of times) {
          expect(exactTimestampText(us)).toBe(plainText(us));
          expect(timestampText(us)).toBe(plainText(Math.floor(us / 1e6) * 1e6));
          expect(timestampUs(exactTimestampText(us))).toBe(us);
        }
      }),
    );
  });

  it.each([
    '2026-01-01T00:00:00Z',
    '2026-01-01T02:00:00+02:00',
    '2026-01-01T02:00:00.5+02:00',
    '2026-01-01T00:00:00.1Z',
    '2026-01-01T00:00:00.1234567Z',
    '2026-01-01T00:00:00.123456789Z',
    '2025-12-31T23:59:59.999999Z',
    '2026-01-01T00:00Z',
    '2026-01-01',
    '2026-13-41T00:00:00Z',
    '2026-01-01T00:00:00.Z',
    '2026-01-01T00:00:00.12x4Z',
    'Z',
    '',
    'yesterday',
  ])('%j is read as Date reads it', (told) => {
    expect(timestampUs(told)).toBe(plainUs(told));
  });

  it('are read by what Date takes, whatever the text', () => {
    const piece = fc.constantFrom('2026-01-01T00:00:0', '0', '7', '.', '25', 'Z', '+01:00', 'x');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
        expect(timestampUs(pieces.join(''))).toBe(plainUs(pieces.join('')));
      }),
      { numRuns: 2000 },
    );
  });
});

/** The 128 bits as four words, printed with the version 4 and the variant in their places. */
function plainUid(salt: number, serial: number): string {
  const low = serial >>> 0;
  const a = mix32(low ^ mix32(salt));
  const b = mix32(a ^ (Math.floor(serial / 2 ** 32) >>> 0) ^ 0x9e3779b9);
  const c = mix32(b ^ low ^ 0x7f4a7c15);
  const d = mix32(c ^ salt ^ 0x94d049bb);
  const [A, B, C, D] = [a, b, c, d].map((word) => (word >>> 0).toString(16).padStart(8, '0'));
  const variant = '89ab'[d & 3];
  return `${A}-${B!.slice(0, 4)}-4${B!.slice(4, 7)}-${variant}${C!.slice(0, 3)}-${C!.slice(4)}${D}`;
}

describe('UIDs', () => {
  it('are the digits of four words that hash the serial number', () => {
    fc.assert(
      fc.property(fc.nat({ max: Number.MAX_SAFE_INTEGER }), (serial) => {
        expect(derivedPodUid(serial)).toBe(plainUid(0x90d, serial));
        expect(objectUid(serial)).toBe(plainUid(0x0b1ec7, serial));
      }),
    );
  });
});

describe('copies of objects', () => {
  it('have the fields that a spread gives, in the same order', () => {
    const key = fc.stringMatching(/^[a-z]{1,4}$/);
    fc.assert(
      fc.property(fc.dictionary(key, fc.option(fc.nat(), { nil: undefined })), (object) => {
        const frozen = Object.freeze({ ...object });
        const copy = copied(frozen);
        expect(Object.entries(copy)).toEqual(Object.entries({ ...object }));
        expect(Object.isFrozen(copy)).toBe(false);
      }),
    );
  });
});

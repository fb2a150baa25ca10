// Quantities: canonical text, amounts, rounding, and laws that hold for all of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  compareQuantities,
  formatQuantity,
  parseQuantity,
  QuantityError,
  quantityMilli,
  quantityValue,
  roundUpQuantity,
  sumQuantities,
  tryQuantity,
} from '../../../engine/kinds/quantity.ts';

describe('parseQuantity', () => {
  it.each([
    ['1000m', '1'],
    ['0.5', '500m'],
    ['1024Mi', '1Gi'],
    ['1.5Gi', '1536Mi'],
    // 0.1 × 1024 = 102.4, below 1024: printed in decimal.
    ['0.1Ki', '102400m'],
    ['100Mi', '100Mi'],
    ['1500m', '1500m'],
    ['1e3', '1e3'],
    ['1000e0', '1e3'],
    ['2000000', '2M'],
    ['0', '0'],
    ['0Gi', '0'],
    ['m', '0'],
    ['-1Mi', '-1Mi'],
    // Less than a billionth is rounded up to one.
    ['0.0000000001', '1n'],
    // Binary amounts stop at 2^63 − 1.
    ['16Ei', '9223372036854775807'],
    ['  2Gi ', '2Gi'],
    ['0100m', '0100m'],
  ])('%s is stored as %s', (text, stored) => {
    expect(parseQuantity(text).text).toBe(stored);
  });

  it.each(['', 'abc', '1.5.5', '1Zi', '1 Gi', '$X'])('%s is no quantity', (text) => {
    expect(() => parseQuantity(text)).toThrow(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
    expect(tryQuantity(text)).toBeUndefined();
  });

  it('names an impossible suffix', () => {
    expect(() => parseQuantity('1KiKi')).toThrow("unable to parse quantity's suffix");
  });
});

describe('amounts', () => {
  it.each([
    ['1', 1, 1000],
    ['250m', 1, 250],
    // 0.1 m is a tenth of a thousandth: up to one of each.
    ['0.1m', 1, 1],
    ['-1500m', -2, -1500],
    ['2Ki', 2048, 2_048_000],
  ])('%s is %d whole units and %d thousandths', (text, value, milli) => {
    expect(quantityValue(text)).toBe(value);
    expect(quantityMilli(text)).toBe(milli);
  });

  it('refuses what no number holds exactly', () => {
    expect(() => quantityValue('10Pi')).toThrow(QuantityError);
  });

  it('adds in the format of the first', () => {
    expect(sumQuantities(['512Mi', '512Mi'])).toBe('1Gi');
    expect(sumQuantities(['0', '250m', '1'])).toBe('1250m');
    expect(sumQuantities([])).toBe('0');
  });

  it('rounds resource lists up to thousandths', () => {
    expect(roundUpQuantity(parseQuantity('100u'), -3).text).toBe('1m');
    expect(roundUpQuantity(parseQuantity('0100m'), -3).text).toBe('0100m');
  });
});

const anyQuantity = fc
  .tuple(
    fc.integer({ min: -1_000_000, max: 1_000_000 }),
    fc.constantFrom('', 'n', 'u', 'm', 'k', 'M', 'G', 'Ki', 'Mi', 'Gi', 'e2', 'E-1'),
  )
  .map(([number, suffix]) => `${number}${suffix}`);

describe('laws', () => {
  it('printing and parsing again changes nothing', () => {
    fc.assert(
      fc.property(anyQuantity, (text) => {
        const once = parseQuantity(text);
        const again = parseQuantity(once.text);
        expect(again.nanos).toBe(once.nanos);
        expect(again.text).toBe(once.text);
      }),
    );
  });

  it('the canonical text does not depend on how the amount was written', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), (nanos) => {
        const text = formatQuantity(nanos, 'DecimalSI');
        expect(parseQuantity(text).nanos).toBe(nanos);
        expect(formatQuantity(parseQuantity(text).nanos, 'DecimalSI')).toBe(text);
      }),
    );
  });

  it('comparing agrees with the amounts, and whole units are never less than the amount', () => {
    fc.assert(
      fc.property(anyQuantity, anyQuantity, (a, b) => {
        const difference = parseQuantity(a).nanos - parseQuantity(b).nanos;
        expect(compareQuantities(a, b)).toBe(difference < 0n ? -1 : difference > 0n ? 1 : 0);
        const amount = parseQuantity(a).nanos;
        const whole = BigInt(quantityValue(a)) * 10n ** 9n;
        expect(amount >= 0n ? whole >= amount : whole <= amount).toBe(true);
      }),
    );
  });
});

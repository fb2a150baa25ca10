// The parts of the HTML report that compute: escaping, axes, thinning, shares as text, what is cut from a scenario.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeShare, encodeShares } from '../../../../reports/html/codec.ts';
import { escaped, html, jsonBlock } from '../../../../reports/html/markup.ts';
import { linear, logarithmic, short, shortSeconds, valueScale } from '../../../../reports/html/scale.ts';
import { specText } from '../../../../reports/html/spec.ts';
import { Rate, thinned } from '../../../../reports/html/steps.ts';
import { quotedWord } from '../../../../reports/html/words.ts';

describe('markup', () => {
  test.each([
    ['<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    [`" onload='x'`, '&quot; onload=&#39;x&#39;'],
    ['a & b', 'a &amp; b'],
    // A NUL ends what some parsers read; lone surrogates are no text; U+202E turns what follows around.
    ['a\u0000b\ud800c\u202ed', 'a\ufffdb\ufffdc\ufffdd'],
    ['😀 ok\n', '😀 ok\n'],
  ])('%j becomes %j', (text, expected) => expect(escaped(text)).toBe(expected));

  test('texts are escaped, markup is not, lists are joined, nothing stands for null', () => {
    const part = html`<b>${'<'}</b>`;
    expect(html`${part}${[part, 1]}${null}${false}${undefined}`.text).toBe('<b>&lt;</b><b>&lt;</b>1');
  });

  test('whatever stands in data cannot end its block, and comes back as it was', () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: false }), fc.string({ unit: 'binary' }), (value, text) => {
        const data = { text: `</script><!--${text}]]>`, json: JSON.parse(JSON.stringify(value ?? null)) };
        const { text: block } = jsonBlock('id', data);
        const inner = block.slice(block.indexOf('>') + 1, block.lastIndexOf('</script>'));
        expect(inner).not.toContain('<');
        expect(JSON.parse(inner)).toEqual(data);
      }),
      { numRuns: 200 },
    );
  });
});

describe('axes', () => {
  // The top is the next multiple of a step of 1, 2 or 5 (or of a round time), about four steps.
  test.each([
    ['pods', 7, ['0', '2', '4', '6', '8']],
    ['pods', 150_000, ['0', '50 k', '100 k', '150 k']],
    ['share', 0.83, ['0', '50 %', '100 %']],
    ['seconds', 110, ['0', '30 s', '1 min', '1.5 min', '2 min']],
    ['seconds', 0.004, ['0', '1 ms', '2 ms', '3 ms', '4 ms']],
    ['pods', 0, ['0', '0.5', '1']],
  ] as const)('%s up to %d', (unit, high, expected) => {
    const { ticks, to } = linear(unit, high);
    expect(ticks.map(({ text }) => text)).toEqual(expected);
    expect(to).toBeGreaterThanOrEqual(high);
  });

  test('marks lie on the axis, in order, and what is drawn lies between its ends', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e8, noNaN: true }),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        (low, ratio) => {
          for (const scale of [linear('seconds', low * ratio), logarithmic(low, low * ratio)]) {
            const places = scale.ticks.map(({ at }) => at);
            expect(places).toEqual([...places].sort((a, b) => a - b));
            for (const at of [...places, scale.at(low * ratio)]) {
              expect(at).toBeGreaterThanOrEqual(0);
              expect(at).toBeLessThanOrEqual(1 + 1e-9);
            }
          }
        },
      ),
    );
  });

  test.each([
    // 0.3 s and 2 min are a factor of 400 apart; 1 s and 5 s are not.
    [[0.3, 120], true],
    [[1, 5, Number.NaN], false],
    [[], false],
  ])('latencies %j: logarithmic %s', (values, log) => expect(valueScale('seconds', values).log).toBe(log));

  test.each([
    [0, '0'],
    [999.4, '999'],
    [1234, '1,234'],
    [12_345, '12.3 k'],
    [1_000_000, '1 M'],
    [0.25, '0.25'],
  ])('%d is written %s', (value, expected) => expect(short(value)).toBe(expected));

  test.each([
    [1e-6, '1 µs'],
    [0.25, '250 ms'],
    [90, '1.5 min'],
    [7200, '2 h'],
    [259_200, '3 d'],
  ])('%d s is written %s', (value, expected) => expect(shortSeconds(value)).toBe(expected));
});

describe('series', () => {
  test('a short series stays as it is; a long one keeps first, last and extremes', () => {
    const seconds = Array.from({ length: 1000 }, (_, i) => i);
    const values = seconds.map((i) => (i === 437 ? 99 : i % 7));
    const series = { name: 's', seconds, values };
    expect(thinned(series, 1000, 1000)).toBe(series);
    const few = thinned(series, 60, 1000);
    expect(few.seconds.length).toBeLessThanOrEqual(61);
    expect(few.seconds[0]).toBe(0);
    expect(few.seconds.at(-1)).toBe(999);
    expect(Math.max(...few.values)).toBe(99);
    expect(few.seconds[few.values.indexOf(99)]).toBe(437);
  });

  test('a rate is a count over the length of its cell; what is late counts in the last one', () => {
    const rate = new Rate(4, 500_000);
    for (const us of [0, 499_999, 500_000, 1_999_999, 2_000_000, Number.NaN]) rate.add(us);
    // 2, 1, 0 and 2 in cells of half a second.
    expect(rate.series('r')).toEqual({ name: 'r', seconds: [0, 0.5, 1, 1.5], values: [4, 2, 0, 4] });
  });
});

describe('shares as text', () => {
  test('come back within a step of 1/62, absence as absence, and only nothing as nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.double({ min: 0, max: 1.5, noNaN: true }), fc.constant(Number.NaN))),
        (shares) => {
          const text = encodeShares(shares);
          expect(text).toHaveLength(shares.length);
          expect(text).toMatch(/^[A-Za-z0-9.-]*$/);
          shares.forEach((share, i) => {
            const back = decodeShare(text, i);
            if (Number.isNaN(share)) expect(back).toBeNaN();
            else {
              expect(Math.abs(back - Math.min(1, share))).toBeLessThanOrEqual(1 / 62);
              expect(back === 0).toBe(share === 0);
            }
          });
        },
      ),
    );
  });

  test('beyond the text there is nothing', () => expect(decodeShare('AB', 2)).toBeNaN());
});

describe('a scenario as text', () => {
  test('a small one is whole', () => {
    const scenario = { nodes: [{ count: 3 }], expect: ['pods.pending == 0'] };
    expect(JSON.parse(specText(scenario))).toEqual(scenario);
  });

  test('long lists and texts are cut, and say how much', () => {
    const text = specText({
      rows: Array.from({ length: 100_000 }, (_, i) => ({ i, name: 'n'.repeat(5000) })),
    });
    expect(text.length).toBeLessThan(61_000);
    expect(text).toContain('more characters');
    const short = specText({ rows: Array.from({ length: 1000 }, (_, i) => i) });
    expect(JSON.parse(short).rows.at(-1)).toBe('… and 970 more');
  });
});

test.each([
  ['runs/web=1,x/r01', 'runs/web=1,x/r01'],
  ['my runs', "'my runs'"],
  ["it's", "'it'\\''s'"],
])('the word %s stands in a command as %s', (word, expected) => expect(quotedWord(word)).toBe(expected));

// Results of probes over spans without an answer, by arithmetic. Times in ms; ticks at `first` and every period after.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBehaviour, type Window } from '../../../engine/kinds/container-behaviour.ts';
import { failingSpans, fateOf, flips } from '../../../engine/node/probes.ts';
import type { ProbeTemplate } from '../../../engine/state/index.ts';

const MS = 1000;
const probe = (more: Partial<ProbeTemplate> = {}): ProbeTemplate => ({
  initialDelayUs: 0,
  periodUs: 10_000 * MS,
  timeoutUs: 1000 * MS,
  successThreshold: 1,
  failureThreshold: 3,
  graceSeconds: null,
  handler: 'http',
  ...more,
});
const behaviour = (text: string) =>
  parseBehaviour(text, (message) => {
    throw new Error(message);
  });
const span = (from: number, to: number): Window => [from * MS, to * MS];

describe('a readiness probe', () => {
  it.each<{ name: string; more?: Partial<ProbeTemplate>; failing: Window[]; expected: string[] }>([
    { name: 'is answered at once', failing: [], expected: ['8 ok'] },
    {
      name: 'answers from 25 s on: the tick at 30 s',
      failing: [span(0, 25_000)],
      expected: ['30008 ok'],
    },
    {
      name: 'fails from 60 s to 95 s: ticks 60, 70, 80 are three failures; 100 is the first success',
      failing: [span(60_000, 95_000)],
      expected: ['8 ok', '80008 fails', '100008 ok'],
    },
    {
      name: 'two failures of three change nothing: 60 and 70',
      failing: [span(55_000, 75_000)],
      expected: ['8 ok'],
    },
    {
      name: 'failures that are interrupted begin anew',
      failing: [span(55_000, 75_000), span(85_000, 105_000)],
      expected: ['8 ok'],
    },
    {
      name: 'needs three successes: 30, 40, 50',
      more: { successThreshold: 3 },
      failing: [span(0, 25_000)],
      expected: ['50008 ok'],
    },
    {
      name: 'begins with the first tick after the initial delay of 15 s: 20',
      more: { initialDelayUs: 15_000 * MS },
      failing: [],
      expected: ['20008 ok'],
    },
  ])('$name', ({ more, failing, expected }) => {
    const found = flips(probe(more), failing, 0, 8 * MS, false);
    expect(found.map(({ atUs, ok }) => `${atUs / MS} ${ok ? 'ok' : 'fails'}`)).toEqual(expected);
  });

  it('that answers later than its timeout has never succeeded', () => {
    expect(flips(probe(), [], 0, 1001 * MS, false)).toEqual([]);
    expect(flips(probe(), [], 0, 1000 * MS, false)).toEqual([{ atUs: 1000 * MS, ok: true }]);
  });

  it('agrees with asking tick by tick', () => {
    const sorted = fc
      .array(fc.integer({ min: 0, max: 400 }), { maxLength: 8 })
      .map((cuts) => [...new Set(cuts)].sort((a, b) => a - b))
      .map((cuts): Window[] =>
        Array.from({ length: Math.floor(cuts.length / 2) }, (_, i) => [cuts[2 * i]!, cuts[2 * i + 1]!]),
      );
    const numbers = fc.record({
      failing: sorted,
      firstUs: fc.integer({ min: 0, max: 30 }),
      periodUs: fc.integer({ min: 1, max: 30 }),
      initialDelayUs: fc.integer({ min: 0, max: 60 }),
      successThreshold: fc.integer({ min: 1, max: 4 }),
      failureThreshold: fc.integer({ min: 1, max: 4 }),
      initial: fc.boolean(),
    });
    fc.assert(
      fc.property(numbers, ({ failing, firstUs, initial, ...more }) => {
        const p = probe({ ...more, timeoutUs: 5 });
        const expected: { atUs: number; ok: boolean }[] = [];
        let [result, last, run] = [initial, null as boolean | null, 0];
        for (let tick = firstUs; tick < 1000; tick += p.periodUs) {
          if (tick < p.initialDelayUs) continue;
          const ok = !failing.some(([from, to]) => from <= tick && tick < to);
          run = ok === last ? run + 1 : 1;
          last = ok;
          if (run < (ok ? p.successThreshold : p.failureThreshold) || ok === result) continue;
          result = ok;
          expected.push({ atUs: tick + 2, ok });
        }
        expect(flips(p, failing, firstUs, 2, initial)).toEqual(expected);
      }),
    );
  });
});

describe('what becomes of a container', () => {
  const fate = (says: string, more: Partial<Parameters<typeof fateOf>[0]> = {}) => {
    const { endUs, why, ready } = fateOf({
      startup: null,
      readiness: null,
      liveness: null,
      behaviour: behaviour(says),
      memoryLimitBytes: 0,
      sinceUs: 4000 * MS,
      answerUs: 8 * MS,
      ...more,
    });
    return { end: `${endUs / MS} ${why}`, ready: ready.map(({ atUs, ok }) => `${atUs / MS} ${ok}`) };
  };

  it.each<{ name: string; says: string; more?: object; end: string; ready: string[] }>([
    { name: 'it runs on', says: '', end: 'Infinity exit', ready: ['0 true'] },
    { name: 'it ends by itself', says: 'exit-after=30s', end: '30000 exit', ready: ['0 true'] },
    {
      // The pod was seen 4 s before: the worker ticks at 6, 16, 26, … s of the container. 26, 36, 46 fail.
      name: 'its liveness probe fails three times',
      says: 'dead-after=20s',
      more: { liveness: probe() },
      end: '46008 liveness',
      ready: ['0 true'],
    },
    {
      // Ticks at 6, 16: two failures are enough.
      name: 'its startup probe never succeeds',
      says: 'started-after=1h',
      more: { startup: probe({ failureThreshold: 2 }) },
      end: '16008 startup',
      ready: [],
    },
    {
      name: 'its startup probe succeeds at the tick at 16 s; readiness follows at once',
      says: 'started-after=10s',
      more: { startup: probe(), readiness: probe() },
      end: 'Infinity exit',
      ready: ['16016 true'],
    },
    {
      // Of 100 MiB at the start, 10 MiB/s more: 400 MiB after 30 s.
      name: 'it passes its memory limit',
      says: 'memory=100Mi+10Mi/s',
      more: { memoryLimitBytes: 400 * 2 ** 20 },
      end: '30000 oom',
      ready: ['0 true'],
    },
    {
      name: 'it stays within its limit',
      says: 'memory=100Mi+10Mi/s..400Mi',
      more: { memoryLimitBytes: 400 * 2 ** 20 },
      end: 'Infinity exit',
      ready: ['0 true'],
    },
  ])('$name', ({ says, more, end, ready }) => {
    expect(fate(says, more)).toEqual({ end, ready });
  });

  it('a span that touches its death is one with it', () => {
    const says = behaviour('unready=60s..90s dead-after=80s');
    expect(failingSpans(says, says.unready)).toEqual([[60_000 * MS, Number.POSITIVE_INFINITY]]);
  });
});

describe('the annotation', () => {
  it.each([
    ['ready-later=5s', /^unknown key "ready-later"; there are ready-after, unready, /],
    ['dead-after=5', 'dead-after takes a duration such as 500ms, 5s, 2m or 1h; found "5"'],
    ['exit-code=256', 'exit-code takes an exit code, 0 to 255; found "256"'],
    ['unready=9s..3s', 'unready takes a span such as 60s..90s; found "9s..3s"'],
  ])('%s: %s', (text, expected) => {
    const problems: string[] = [];
    parseBehaviour(text, (message) => problems.push(message));
    expect(problems).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
  });
});

// Where requests wait: the client's token bucket, the server's workers, etcd's batches.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Etcd } from '../../../engine/apiserver/etcd.ts';
import { EventFilter } from '../../../engine/apiserver/event-filter.ts';
import { EventRecorder, type EventWrite } from '../../../engine/apiserver/event-recorder.ts';
import { TokenBucket } from '../../../engine/apiserver/token-bucket.ts';
import { Kernel } from '../../../engine/kernel/index.ts';

const SECOND = 1_000_000;

describe('the client rate limiter', () => {
  it('lets a burst of 30 go at once and then 20 a second: the 500th leaves at (500 - 30) / 20 = 23.5 s', () => {
    const bucket = new TokenBucket(20, 30);
    const grants = Array.from({ length: 500 }, () => bucket.take(0));
    expect(grants.slice(0, 30)).toEqual(new Array(30).fill(0));
    expect(grants[30]).toBe(50_000);
    expect(grants[499]).toBe(23.5 * SECOND);
  });

  it('does not limit where qps is 0', () => {
    const bucket = new TokenBucket(0, 0);
    expect(Array.from({ length: 1000 }, () => bucket.take(7))).toEqual(new Array(1000).fill(7));
  });

  it('grants as a bucket does that is filled drop by drop', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300_000), { maxLength: 200 }),
        fc.integer({ min: 1, max: 8 }),
        (gaps, burst) => {
          const qps = 10;
          const bucket = new TokenBucket(qps, burst);
          // The plain definition: tokens as a number, advanced to each request in order.
          let tokens = burst;
          let at = 0;
          let now = 0;
          for (const gap of gaps) {
            now += gap;
            const from = Math.max(now, at);
            tokens = Math.min(burst, tokens + ((from - at) * qps) / SECOND);
            const wait = tokens >= 1 - 1e-9 ? 0 : Math.ceil(((1 - tokens) * SECOND) / qps - 1e-6);
            tokens = tokens + (wait * qps) / SECOND - 1;
            at = from + wait;
            expect(Math.abs(bucket.take(now) - at)).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});

describe('etcd', () => {
  const run = (readyUs: number[], batchMax = 1000) => {
    const kernel = new Kernel();
    const commits: [number, number][] = [];
    const etcd = new Etcd(kernel, {
      fsyncUs: () => 1000,
      batchMax,
      commit: (request) => {
        commits.push([request, kernel.now]);
      },
      flushed: () => {},
    });
    for (const [request, us] of readyUs.entries()) etcd.submit(request, us);
    kernel.run();
    return { commits, batches: etcd.batches };
  };

  it('commits a lone write one fsync after it is ready', () => {
    expect(run([500]).commits).toEqual([[0, 1500]]);
  });

  it('gathers what becomes ready during an fsync into the next one', () => {
    // Ready at 0: commits at 1000. Those of 100, 900 and 1000 wait for it and commit together at 2000.
    const { commits, batches } = run([0, 100, 900, 1000, 5000]);
    expect(commits).toEqual([
      [0, 1000],
      [1, 2000],
      [2, 2000],
      [3, 2000],
      [4, 6000],
    ]);
    expect(batches).toBe(3);
  });

  it('takes no more than a batch holds', () => {
    expect(run([0, 0, 0], 2).commits.map(([, us]) => us)).toEqual([1000, 1000, 2000]);
  });

  it('writes in the order of readiness, not of submission', () => {
    expect(run([900, 100]).commits.map(([request]) => request)).toEqual([1, 0]);
  });
});

describe('the event recorder', () => {
  it('counts repetitions and drops what exceeds 25 at once', () => {
    const filter = new EventFilter();
    const written = Array.from({ length: 40 }, () => filter.accept(0, 'Pod/a/b', 'Normal', 'R', 'm'));
    expect(written.slice(0, 25)).toEqual(Array.from({ length: 25 }, (_, i) => i + 1));
    expect(written.slice(25)).toEqual(new Array(15).fill(0));
  });

  it('counts warnings apart: what went well before does not hide what goes wrong', () => {
    const filter = new EventFilter();
    for (let i = 0; i < 30; i++) filter.accept(0, 'o', 'Normal', 'SuccessfulCreate', 'm');
    // 20 creations and 13 refusals of one ReplicaSet were all written in the recordings (rs-quota-5-of-20).
    const warned = Array.from({ length: 30 }, () => filter.accept(0, 'o', 'Warning', 'FailedCreate', 'm'));
    expect(warned.filter((count) => count > 0)).toHaveLength(25);
    expect(filter.accept(0, 'o', 'Normal', 'SuccessfulDelete', 'm')).toBe(0);
  });

  it('gives one token back every 5 minutes', () => {
    const filter = new EventFilter();
    for (let i = 0; i < 25; i++) filter.accept(0, 'o', 'Normal', 'R', 'm');
    expect(filter.accept(299 * SECOND, 'o', 'Normal', 'R', 'm')).toBe(0);
    expect(filter.accept(300 * SECOND, 'o', 'Normal', 'R', 'm')).toBe(27);
  });

  it('combines similar events from the tenth different text on', () => {
    const filter = new EventFilter();
    const texts = Array.from({ length: 12 }, (_, i) => {
      const count = filter.accept(0, 'o', 'Normal', 'R', `m${i}`);
      return { message: filter.message, count };
    });
    expect(texts[8]).toEqual({ message: 'm8', count: 1 });
    expect(texts[9]).toEqual({ message: '(combined from similar events): m9', count: 1 });
    expect(texts[11]).toEqual({ message: '(combined from similar events): m11', count: 3 });
  });

  it('keeps objects apart', () => {
    const filter = new EventFilter();
    for (let i = 0; i < 30; i++) filter.accept(0, 'a', 'Normal', 'R', 'm');
    expect(filter.accept(0, 'b', 'Normal', 'R', 'm')).toBe(1);
  });
});

describe('the queue of the event recorder', () => {
  const said = (n: number): EventWrite => ({
    key: `o${n}`,
    type: 'Normal',
    reason: 'R',
    kind: 'Pod',
    namespace: 'd',
    name: `p${n}`,
    message: 'm',
    count: 0,
  });

  it('writes one Event after the other', () => {
    const sent: string[] = [];
    const recorder = new EventRecorder((write) => sent.push(write.name));
    for (let n = 0; n < 3; n++) recorder.say(said(n), 0);
    expect(sent).toEqual(['p0']);
    recorder.written(10);
    recorder.written(20);
    expect(sent).toEqual(['p0', 'p1', 'p2']);
    recorder.written(30);
    recorder.say(said(7), 40);
    expect(sent.at(-1)).toBe('p7');
  });

  it('drops what comes when a thousand wait, the one under way not counted', () => {
    let sent = 0;
    const recorder = new EventRecorder(() => {
      sent += 1;
    });
    for (let n = 0; n < 1500; n++) recorder.say(said(n), 0);
    for (let n = 0; n < 2000; n++) recorder.written(0);
    expect(sent).toBe(1001);
  });
});

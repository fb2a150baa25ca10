// What becomes of log lines, by arithmetic. Pods run from 1000 ms on; a pod that logs and an agent are on one node.
import { describe, expect, it } from 'vitest';
import { parseLogAgent } from '../../../engine/kinds/log-agent.ts';
import { loggingTable } from '../../../reports/logging.ts';
import { kubelets } from './harness.ts';

const START = { 'start-delay-ms': '995' };

/** Counters in lines, and the delay in seconds, after `seconds` of logging. */
function logged(says: string, agent: string | null, seconds: number, agentAtMs = 0) {
  const k = kubelets();
  k.pod(0, 'app', {}, START, 0, { 'container.kubetick.io/c': says });
  if (agent !== null) k.pod(agentAtMs, 'fluentd', {}, { ...START, 'log-agent': agent });
  k.at(1000 + 1000 * seconds, () => {});
  k.run(1000 + 1000 * seconds);
  k.kubelets.finish();
  const { summary } = k.recorder.finish({
    livePods: k.state.pods.livePods(),
    virtualUs: k.kernel.now,
    eventsRun: 0,
    endReason: 'idle',
    ingredients: {},
    fingerprint: '',
    unschedulable: 0,
    expect: [],
  });
  const { counters } = summary as unknown as { counters: Record<string, number> };
  const of = (name: string) => counters[`log.lines.${name}`];
  return {
    lines: [of('written'), of('shipped'), of('waiting'), of('lost')],
    delay: summary.latency['log.delay'],
    events: k.events.length,
  };
}

describe('lines', () => {
  it.each<{ name: string; says: string; agent: string | null; seconds: number; lines: number[] }>([
    {
      name: '100 a second for 100 s, a sink that takes everything',
      says: 'log=100',
      agent: 'flush=5s',
      seconds: 100,
      lines: [10_000, 10_000, 0, 0],
    },
    {
      // 20 kB/s come, 10 kB/s go: after 100 s half of 2 MB waits.
      name: 'a sink that takes half',
      says: 'log=100 log-line=200',
      agent: 'sink=10k/s',
      seconds: 100,
      lines: [10_000, 5000, 5000, 0],
    },
    {
      // 10 MB/s come, 4 go: files of 50 MiB and a buffer of 1 MiB (53 477 376 bytes) are full after 8.912896 s; of the
      // other 11.087104 s 6 MB/s are lost: 66 523 lines.
      name: 'a sink that takes too little for the files',
      says: 'log=10000 log-line=1000',
      agent: 'buffer=1Mi sink=4M/s',
      seconds: 20,
      lines: [200_000, 80_000, 53_477, 66_523],
    },
    {
      // 10 MB/s fill 50 MiB (52 428 800 bytes) in 5.24288 s.
      name: 'no agent at all',
      says: 'log=10000 log-line=1000',
      agent: null,
      seconds: 10,
      lines: [100_000, 0, 52_429, 47_571],
    },
  ])('$name', ({ says, agent, seconds, lines }) => {
    expect(logged(says, agent, seconds).lines).toEqual(lines);
  });

  it('cost no event', () => {
    expect(logged('log=10', '', 10).events).toBe(logged('log=1000', '', 10).events);
  });
});

describe('delay', () => {
  it('is the age of a chunk: 5 s at most, evenly', () => {
    const { delay } = logged('log=100', 'flush=5s', 100);
    // Eight points: 5/16 s, 15/16 s, …, 75/16 s.
    expect(delay).toMatchObject({ count: 10_000, mean: 2.5, min: 0.3125, max: 4.6875 });
  });

  it('is short where chunks fill: 10 kB at 20 kB/s are 0.5 s', () => {
    const { delay } = logged('log=100 log-line=200', 'flush=5s chunk=10k', 100);
    expect(delay).toMatchObject({ mean: 0.25, max: 0.46875 });
  });

  it('grows with the backlog: after 100 s 1 MB waits for a sink of 10 kB/s', () => {
    const { delay } = logged('log=100 log-line=200', 'flush=1ms sink=10k/s', 100);
    // 100 s × (15/16) of the last point, and the chunk.
    expect(delay!.max).toBeCloseTo(93.75, 2);
    expect(delay!.mean).toBeCloseTo(50, 2);
  });

  it('counts from the line, also where the agent came later', () => {
    const { lines, delay } = logged('log=100', 'flush=1ms', 20, 10_000);
    expect(lines).toEqual([2000, 2000, 0, 0]);
    // Lines of the first 10 s have waited for 10 s less their time: 9.375 s, …, 0.625 s; the others not at all.
    expect(delay!.max).toBeCloseTo(9.375, 2);
    expect(delay!.mean).toBeCloseTo(2.5, 2);
  });
});

it.each([
  ['flush=5', 'flush takes a duration such as 5s; found "5"'],
  ['sink=10M', 'sink takes bytes a second such as 20Mi/s; found "10M"'],
  ['chunks=2M', 'unknown key "chunks"; there are flush, chunk, buffer, sink'],
])('the annotation %s: %s', (text, message) => {
  const problems: string[] = [];
  parseLogAgent(text, (problem) => problems.push(problem));
  expect(problems).toEqual([message]);
});

it('the table is there where somebody wrote', () => {
  const text = { count: String, seconds: (s: number) => `${s} s` };
  expect(loggingTable({}, undefined, text)).toBeNull();
  const counters = {
    'log.lines.written': 7,
    'log.lines.shipped': 4,
    'log.lines.waiting': 2,
    'log.lines.lost': 1,
  };
  expect(loggingTable(counters, undefined, text)!.row).toEqual(['', '7', '4', '2', '1', '-', '-', '-']);
});

// Expectations: what can be written, what is refused with which words, how each is judged.
import { describe, expect, it } from 'vitest';
import type { RunSummary } from '../../../engine/contracts/result.ts';
import { checkExpect, judgeExpect } from '../../../engine/metrics/expect.ts';

const summary: RunSummary = {
  experiment: 'e',
  variant: 'default',
  replication: 1,
  seed: 1,
  fingerprint: 'f',
  virtualSeconds: 3600,
  events: 1000,
  nodes: { count: 3, peak: 5 },
  pods: {
    created: 10,
    scheduled: 9,
    started: 9,
    ready: 8,
    succeeded: 1,
    failed: 0,
    deleted: 2,
    running: 6,
    pending: 1,
    unschedulable: 1,
  },
  latency: {
    'pod.startup': { count: 8, mean: 0.25, min: 0.1, p50: 0.25, p90: 0.5, p99: 5, max: 5.1 },
    'api.create.pods/binding': {
      count: 9,
      mean: 0.01,
      min: 0.01,
      p50: 0.01,
      p90: 0.01,
      p99: 0.02,
      max: 0.02,
    },
  },
  throughput: { 'scheduler.podsPerSecond': 12.5 },
  utilisation: { 'cpu.requested': 0.6, 'memory.requested': 0.25 },
  expect: [],
  loss: [],
};

describe('judgeExpect', () => {
  it.each([
    ['pod.startup.p99 < 5s', false, 5],
    ['pod.startup.p99 <= 5s', true, 5],
    ['pod.startup.p99<=5s', true, 5],
    ['pod.startup.p99 < 5001ms', true, 5],
    ['pod.startup.p99 < 5.1', true, 5],
    ['latency.pod.startup.mean <= 250ms', true, 0.25],
    ['latency.pod.startup.mean == 250ms', true, 0.25],
    ['latency.pod.startup.mean < 250000us', false, 0.25],
    ['pod.startup.count >= 8', true, 8],
    ['pod.startup.max < 1m30s', true, 5.1],
    ['api.create.pods/binding.p99 <= 20ms', true, 0.02],
    ['api.list.nodes.p99 < 1s', false, null],
    ['api.list.nodes.count == 0', true, 0],
    ['kubelet.pull.p50 < 1s', false, null],
    ['workqueue.replicaset.p99 < 1s', false, null],
    ['pods.pending == 0', false, 1],
    ['pods.pending != 0', true, 1],
    // 10 created − 2 deleted − 6 running − 1 pending − 1 succeeded − 0 failed
    ['pods.lost == 0', true, 0],
    ['nodes.peak > 4', true, 5],
    ['events < 1e6', true, 1000],
    ['virtualSeconds >= 1h', true, 3600],
    ['cpu.requested >= 60%', true, 0.6],
    ['utilisation.memory.requested > 0.3', false, 0.25],
    ['scheduler.podsPerSecond >= 12.5', true, 12.5],
    ['throughput.scheduler.podsPerSecond > 100', false, 12.5],
  ] as const)('%s → %s (%s)', (text, holds, observed) => {
    expect(checkExpect(text)).toBeNull();
    expect(judgeExpect(text, summary)).toEqual({ text, holds, observed });
  });
});

describe('checkExpect', () => {
  it.each([
    ['', 'not of the form METRIC OPERATOR VALUE'],
    ['pod.startup.p99', 'not of the form METRIC OPERATOR VALUE'],
    ['pod.startup.p99 < ', 'not of the form METRIC OPERATOR VALUE'],
    ['pod.startup.p99 < 5 s', 'not of the form METRIC OPERATOR VALUE'],
    ['pods.pending = 0', 'unknown operator "=": did you mean "=="?'],
    ['pods.pendign == 0', 'unknown metric "pods.pendign": did you mean "pods.pending"?'],
    ['pod.startup.p98 < 5s', 'unknown metric "pod.startup.p98": did you mean "pod.startup.p90"?'],
    ['latency.pod.startpu.p99 < 5s', 'did you mean "pod.startup.p99"?'],
    ['completely.different < 5', '`kubetick list metrics` shows all'],
    ['pods.pending < 5s', '"5s" is a duration, but pods.pending is a number'],
    ['pod.startup.count < 5s', '"5s" is a duration, but latency.pod.startup.count is a number'],
    ['pod.startup.p99 < 50%', 'only utilisation is compared with a percentage'],
    ['pod.startup.p99 < fast', '"fast" is no duration'],
    ['pods.pending < many', '"many" is no number'],
    ['pod.startup.p99 < 5sec', '"5sec" is no duration'],
  ])('%j: %s', (text, problem) => {
    expect(checkExpect(text)).toContain(problem);
    expect(() => judgeExpect(text, summary)).toThrow(RangeError);
  });
});

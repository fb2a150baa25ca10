// Command lines of kubectl drain, cordon and uncordon: what each flag becomes, and what is told of those that are wrong.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import { goDuration, type NodeCommand, nodeCommand } from '../../../experiments/kubectl-nodes.ts';

function parse(line: string): { step: TimedStep | undefined; told: string[] } {
  const words = line.split(' ');
  const told: string[] = [];
  const step = nodeCommand(7, words[0] as NodeCommand, words, (index, message) =>
    told.push(`${index}: ${message}`),
  );
  return { step, told };
}

describe('flags of kubectl drain', () => {
  it('are those of kubectl where absent', () => {
    expect(parse('drain n1').step).toEqual({
      atUs: 7,
      do: 'drain',
      objects: [],
      process: true,
      nodes: { names: ['n1'] },
      drain: {
        ignoreDaemonSets: false,
        deleteEmptyDirData: false,
        force: false,
        ignoreErrors: false,
        disableEviction: false,
        graceSeconds: -1,
        timeoutUs: 0,
        timeoutText: '0s',
        skipDeletedSeconds: 0,
      },
    });
  });

  it.each<[string, object]>([
    ['drain n1 --force --ignore-daemonsets=true', { force: true, ignoreDaemonSets: true }],
    ['drain --force=false n1', { force: false }],
    [
      'drain n1 --delete-emptydir-data --disable-eviction',
      { deleteEmptyDirData: true, disableEviction: true },
    ],
    ['drain n1 --timeout=90s', { timeoutUs: 90_000_000, timeoutText: '1m30s' }],
    ['drain n1 --timeout 2m', { timeoutUs: 120_000_000, timeoutText: '2m0s' }],
    ['drain n1 --grace-period=0', { graceSeconds: 0 }],
    ['drain n1 --grace-period -5', { graceSeconds: -1 }],
    ['drain n1 --skip-wait-for-delete-timeout=30', { skipDeletedSeconds: 30 }],
    ['drain n1 --pod-selector=app=web,tier==front', { podLabels: { app: 'web', tier: 'front' } }],
  ])('%s', (line, expected) => {
    const { step, told } = parse(line);
    expect(told).toEqual([]);
    expect(step?.drain).toMatchObject(expected);
  });

  it.each([
    ['drain n1 node/n2', { names: ['n1', 'n2'] }],
    ['cordon -l role=old', { matchLabels: { role: 'old' } }],
    ['uncordon --selector=role=old', { matchLabels: { role: 'old' } }],
  ])('nodes of %s', (line, nodes) => {
    expect(parse(line).step?.nodes).toEqual(nodes);
  });

  it.each([
    ['drain', ['-1: kubectl drain needs a node']],
    ['drain n1 --forse', ['2: kubectl drain: unknown flag "--forse"']],
    ['drain n1 -f', ['2: kubectl drain: unknown flag "-f"']],
    ['cordon n1 --force', ['2: kubectl cordon: unknown flag "--force"']],
    ['drain n1 --timeout', ['2: kubectl drain: flag needs an argument: --timeout']],
    ['drain n1 --timeout=soon', ['2: --timeout: cannot read the duration "soon"']],
    ['drain n1 --grace-period=2s', ['2: --grace-period: expected whole seconds, found "2s"']],
    ['drain n1 --force=maybe', ['2: --force: expected true or false, found "maybe"']],
    ['drain n1 -l a=b', ['3: kubectl takes node names or a --selector, not both']],
    ['drain -l a!=b', ['2: cannot read the selector "a!=b"']],
  ])('%s is refused', (line, problems) => {
    expect(parse(line)).toEqual({ step: undefined, told: problems });
  });
});

describe('durations as Go prints them', () => {
  it.each([
    [0, '0s'],
    [500_000, '500ms'],
    [1_500_000, '1.5s'],
    [90_000_000, '1m30s'],
    [3_600_000_000, '1h0m0s'],
  ])('%i µs: %s', (us, text) => {
    expect(goDuration(us)).toBe(text);
  });
});

// The plain search against recorded verdicts of kube-scheduler v1.36.3: rejecting plug-in, code and reasons per node,
// scores per plug-in, totals, best nodes, message. A selection of cases is part of the repository; the whole recording
// is compared where it is at hand.
//
// Compared are the pods whose verdict depends on modelled plug-ins alone. Not compared, besides verdicts of other
// plug-ins: cases with nominated pods (nominations are not modelled), and pods of a profile without scorers (the
// recording looks at all nodes there, the scheduler itself stops at the first).
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { schedulerRegistry } from '../../policies/scheduler/index.ts';
import {
  CaseRun,
  dependsOnOthers,
  inScope,
  type PodVerdict,
  type SchedulingCase,
} from './support/scheduler-case.ts';

const OWN = new URL('./data/', import.meta.url);
const RECORDING = new URL('../../../shared/oracle/scheduler/', import.meta.url);

/** Pods compared and found equal, by family. A family whose plug-ins are all modelled is compared whole. */
const RECORDED: Readonly<Record<string, number>> = {
  fit: 234,
  images: 177,
  nodeaffinity: 209,
  podlevel: 278,
  ports: 271,
  strategy: 211,
  taints: 205,
  profile: 243,
  mixed: 90,
  'spread-default': 131,
  'spread-hard': 78,
  'spread-soft': 17,
  interpod: 36,
  volumes: 86,
};

/** Of the selection. */
const SELECTED = 226;

interface Verdicts {
  readonly name: string;
  readonly nodes: unknown;
  readonly pods: readonly PodVerdict[];
}

function lines<T>(file: URL): T[] {
  const text = gunzipSync(readFileSync(file)).toString('utf8').trim();
  return text.split('\n').map((line) => JSON.parse(line) as T);
}

const hasNominations = ({ pending }: SchedulingCase): boolean =>
  pending.items.some((pod) => pod['status']?.nominatedNodeName !== undefined);

const hasNoScorers = (verdict: PodVerdict): boolean =>
  Object.values(verdict.scores ?? {}).some((row) => Object.keys(row).length === 0);

/** Compares all pods of the cases; returns how many were compared. */
function compare(cases: readonly SchedulingCase[], recorded: readonly Verdicts[]): number {
  let compared = 0;
  cases.forEach((each, i) => {
    const verdicts = recorded[i]!;
    expect(verdicts.name).toBe(each.name);
    if (hasNominations(each)) return;
    const run = new CaseRun(each, schedulerRegistry);
    expect(run.nodes(), `${each.name}: what nodes count`).toEqual(verdicts.nodes);
    each.pending.items.forEach((pod, j) => {
      const own = run.decide(pod, verdicts.pods[j]!);
      if (dependsOnOthers(verdicts.pods[j]!) || hasNoScorers(verdicts.pods[j]!)) return;
      expect(own, `${each.name} ${own.pod}`).toEqual(inScope(verdicts.pods[j]!));
      compared += 1;
    });
  });
  return compared;
}

describe('verdicts of the real scheduler', () => {
  it('agree on the selection that belongs to the repository', () => {
    const cases = lines<SchedulingCase>(new URL('scheduler.cases.jsonl.gz', OWN));
    const verdicts = lines<Verdicts>(new URL('scheduler.verdicts.jsonl.gz', OWN));
    expect(cases.length).toBe(62);
    expect(compare(cases, verdicts)).toBe(SELECTED);
  });

  for (const [family, pods] of Object.entries(RECORDED)) {
    it(`agree on ${pods} pods of family ${family}`, (context) => {
      const cases = new URL(`cases/${family}.cases.jsonl.gz`, RECORDING);
      if (!existsSync(cases)) return context.skip('the whole recording is not here');
      const verdicts = new URL(`verdicts/${family}.verdicts.jsonl.gz`, RECORDING);
      expect(compare(lines(cases), lines(verdicts))).toBe(pods);
    });
  }

  it('a wrong score would be noticed', () => {
    const cases = lines<SchedulingCase>(new URL('scheduler.cases.jsonl.gz', OWN));
    const verdicts = lines<Verdicts>(new URL('scheduler.verdicts.jsonl.gz', OWN));
    const scored = verdicts.flatMap(({ pods }) => pods).find(({ totals }) => totals !== undefined)!;
    const node = Object.keys(scored.totals!)[0]!;
    scored.totals![node]! += 1;
    expect(() => compare(cases, verdicts)).toThrow(scored.pod);
  });
});

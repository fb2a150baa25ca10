// Every choice that a real ReplicaSet or ReplicationController was recorded to make, judged by our order of deletion.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compareForDeletion, type DeletionCandidate } from '../../../engine/controllers/pod-ranking.ts';
import { PHASE_NAMES } from '../../../engine/state/index.ts';

const folder = join(import.meta.dirname, '../../../../shared/oracle/controlplane/timelines');

interface Recorded {
  owner: string;
  t: number;
  candidates: {
    pod: string;
    uid: string;
    node: string | null;
    phase: (typeof PHASE_NAMES)[number];
    ready: boolean;
    readySinceMs: number | null;
    createdMs: number;
    restarts: number;
    deletionCost: number;
    podsOnNode: number;
  }[];
  deleted: string[];
}

const candidate = (owner: string, pod: Recorded['candidates'][number]): DeletionCandidate => ({
  node: pod.node ?? '',
  phase: PHASE_NAMES.indexOf(pod.phase),
  ready: pod.ready,
  deletionCost: pod.deletionCost,
  // Pods on the node are counted over a Deployment's ReplicaSets only.
  rank: owner.startsWith('Deployment/') ? pod.podsOnNode : 0,
  readyUs: pod.ready && pod.readySinceMs !== null ? pod.readySinceMs * 1000 : Number.NaN,
  restarts: pod.restarts,
  createdUs: pod.createdMs * 1000,
  uid: () => pod.uid,
});

/** Sign of the order without its last word, the UID: 0 where that would decide. */
function orderWithoutUid(a: DeletionCandidate, b: DeletionCandidate, nowUs: number): number {
  const [one, other] = [
    { ...a, uid: () => '' },
    { ...b, uid: () => '' },
  ];
  const forth = compareForDeletion(one, other, nowUs);
  const back = compareForDeletion(other, one, nowUs);
  return Math.sign(forth) === -Math.sign(back) ? forth : 0;
}

describe.skipIf(!existsSync(folder))('recorded scale-downs (needs ../shared; skipped without)', () => {
  const judged = { choices: 0, byRule: [] as string[], byCrowding: [] as string[], byUid: [] as string[] };
  for (const file of existsSync(folder) ? readdirSync(folder).sort() : []) {
    // In pdb-drain the pods were evicted, not chosen by their ReplicaSet.
    if (file === 'pdb-drain.json') continue;
    const { scaleDown } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { scaleDown?: Recorded[] };
    for (const choice of scaleDown ?? []) {
      const all = choice.candidates.map((pod) => ({ pod: pod.pod, ...candidate(choice.owner, pod) }));
      const gone = all.filter((pod) => choice.deleted.includes(pod.pod));
      const kept = all.filter((pod) => !choice.deleted.includes(pod.pod));
      if (gone.length === 0 || kept.length === 0) continue;
      judged.choices += 1;
      const now = choice.t * 1000;
      // Two pods of equal times and a third between them by UID have no order: any of them may be first.
      const isCircular = all.some((a, i) =>
        all.slice(i + 1).some((b) => compareForDeletion(a, b, now) === 0),
      );
      const place = `${file} ${choice.t}`;
      const wrong = gone.flatMap((g) =>
        kept.filter((k) => compareForDeletion(g, k, now) > 0).map((k) => [g, k] as const),
      );
      const byRule = wrong.filter(([g, k]) => orderWithoutUid(g, k, now) > 0);
      if (byRule.some(([g, k]) => g.rank === k.rank)) judged.byRule.push(place);
      else if (byRule.length > 0) judged.byCrowding.push(place);
      else if (wrong.length > 0 && !isCircular) judged.byUid.push(place);
    }
  }

  it('no pod was kept that any rule but crowding puts before a deleted one', () => {
    expect(judged.choices).toBeGreaterThan(250);
    expect(judged.byRule).toEqual([]);
  });

  it('crowding explains nearly all choices; what a rollout moves meanwhile is recorded a moment too late', () => {
    expect(judged.byCrowding.length / judged.choices).toBeLessThan(0.08);
    expect(judged.byCrowding.filter((place) => !place.startsWith('deploy-'))).toEqual([]);
  });

  it('where only UIDs are left to decide, the lower one went', () => {
    expect(judged.byUid.length).toBeLessThanOrEqual(2);
  });
});

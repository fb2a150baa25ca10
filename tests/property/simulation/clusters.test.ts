// Random small clusters with random things happening to them. The seed also draws the sizes and how often each thing
// happens (swarm testing): some runs have no deletions at all, some hardly anything else. A failure prints the seed and
// the shrunk case; KUBETICK_SEED and KUBETICK_PATH, set to the printed `seed` and `path`, repeat that case alone. What is
// found that way goes to tests/regressions.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import { fenceposts } from '../../../engine/controllers/deployment-sizes.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { isTerminal, PodBit } from '../../../engine/state/index.ts';
import { type Check, endpointProblems, observe } from './observer.ts';
import { change, create, pod, SECOND, scenario, service, workload } from './scenario.ts';

const SEED = Number(process.env['KUBETICK_SEED'] ?? 20_261_123);
const RUNS = Number(process.env['KUBETICK_RUNS'] ?? 40);
const PATH = process.env['KUBETICK_PATH'];
const REPLAY = PATH === undefined ? {} : { path: PATH };
const KINDS = ['Deployment', 'ReplicaSet', 'ReplicationController'] as const;

interface Life {
  readonly kind: (typeof KINDS)[number] | 'Pod';
  readonly atMs: number;
  readonly replicas: number;
  readonly cpu: number;
  readonly crashes: boolean;
  readonly exact: boolean;
  readonly service: boolean;
  readonly surge: number;
  readonly unavailable: number;
  readonly scales: readonly { readonly afterMs: number; readonly to: number }[];
  readonly deletedAfterMs: number | null;
}

interface Case {
  readonly nodes: readonly { readonly count: number; readonly cpu: string; readonly pods: number }[];
  readonly lives: readonly Life[];
  readonly seed: number;
}

/** Draws of one case; `swarm` holds the probabilities, in percent. */
const life = (swarm: { crash: number; scale: number; gone: number; huge: number }): fc.Arbitrary<Life> => {
  const happens = (percent: number): fc.Arbitrary<boolean> => fc.nat(99).map((n) => n < percent);
  return fc.record({
    kind: fc.constantFrom(...KINDS, 'Pod' as const),
    atMs: fc.nat(20_000),
    replicas: fc.nat(8),
    cpu: happens(swarm.huge).chain((huge) =>
      huge ? fc.constant(50_000) : fc.integer({ min: 1, max: 1500 }),
    ),
    crashes: happens(swarm.crash),
    exact: fc.boolean(),
    service: fc.boolean(),
    surge: fc.nat(3),
    unavailable: fc.integer({ min: 0, max: 3 }),
    scales: happens(swarm.scale).chain((yes) =>
      yes
        ? fc.array(fc.record({ afterMs: fc.nat(40_000), to: fc.nat(10) }), { minLength: 1, maxLength: 4 })
        : fc.constant<{ afterMs: number; to: number }[]>([]),
    ),
    deletedAfterMs: happens(swarm.gone).chain((yes) => (yes ? fc.nat(60_000) : fc.constant(null))),
  });
};

const percent = fc.constantFrom(0, 20, 80);
const cases: fc.Arbitrary<Case> = fc
  .record({ crash: percent, scale: percent, gone: percent, huge: fc.constantFrom(0, 0, 30) })
  .chain((swarm) =>
    fc.record({
      nodes: fc.array(
        fc.record({
          count: fc.integer({ min: 1, max: 4 }),
          cpu: fc.constantFrom('1', '2', '4', '3500m'),
          pods: fc.constantFrom(2, 5, 110),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      lives: fc.array(life(swarm), { minLength: 1, maxLength: 6 }),
      seed: fc.nat(1000),
    }),
  );

const nameOf = (i: number): string => `w${i}`;

function objectOf(l: Life, i: number): KubeObject {
  const annotations: Json = {
    ...(l.exact ? { 'kubetick.io/start-delay-ms': '300', 'kubetick.io/ready-delay-ms': '200' } : {}),
    ...(l.crashes ? { 'kubetick.io/run-ms': '900', 'kubetick.io/exit-codes': '1' } : {}),
  };
  const cpu = `${l.cpu}m`;
  if (l.kind === 'Pod')
    return pod(nameOf(i), cpu, { annotations, restartPolicy: l.crashes ? 'Never' : 'Always' });
  const rolling = {
    maxSurge: l.surge,
    maxUnavailable: l.surge === 0 ? Math.max(1, l.unavailable) : l.unavailable,
  };
  const spec = l.kind === 'Deployment' ? { strategy: { rollingUpdate: rolling } } : {};
  return workload(l.kind, nameOf(i), l.replicas, cpu, { annotations }, spec);
}

function stepsOf({ lives }: Case): TimedStep[] {
  return lives.flatMap((l, i) => [
    create(l.atMs, objectOf(l, i), ...(l.service ? [service(nameOf(i))] : [])),
    ...(l.kind === 'Pod'
      ? []
      : l.scales.map((s) => change(l.atMs + s.afterMs, 'scale', l.kind, nameOf(i), s.to))),
    ...(l.deletedAfterMs === null ? [] : [change(l.atMs + l.deletedAfterMs, 'delete', l.kind, nameOf(i))]),
  ]);
}

/** 10 minutes: all steps are over after 80 s, back-off and the 5 minute sweep have come round. */
const scenarioOf = (c: Case, queue: 'heap' | 'ladder' | 'fast-priority-queue' = 'heap') =>
  scenario(c.nodes, stepsOf(c), { seed: c.seed, queue, untilUs: 600 * SECOND, stopWhenIdle: false });

const check = (property: (c: Case) => void, numRuns = RUNS): void => {
  fc.assert(fc.property(cases, property), { seed: SEED, numRuns, ...REPLAY });
};

describe('any cluster', () => {
  it('conserves pods, keeps its sums, and holds no more than fits', { timeout: 180_000 }, () => {
    check((c) => {
      const { result, run, problems } = observe(scenarioOf(c));
      expect(problems).toEqual([]);
      const { pods } = result.summary;
      const { state } = run;
      expect(pods.created).toBe(pods.deleted + state.pods.live);
      expect(pods.created).toBe(state.pods.created);
      // Rows are freed when every watcher has passed the deletion: none is left over.
      expect(state.pods.livePods()).toHaveLength(state.pods.live);
      expect(endpointProblems(run)).toEqual([]);
    });
  });

  it('ends as declared: replicas that fit are there and ready, nothing of what was deleted is left', {
    timeout: 180_000,
  }, () => {
    check((c) => {
      // With room for everything, and nothing that crashes, each workload must come to its last size.
      const roomy: Case = {
        ...c,
        // 6 workloads of at most 10 pods; of the largest kind one fits a node.
        nodes: [...c.nodes, { count: 60, cpu: '64', pods: 110 }],
        lives: c.lives.map((l) => ({ ...l, crashes: false })),
      };
      const { run, problems } = observe(scenarioOf(roomy));
      expect(problems).toEqual([]);
      const { objects, pods } = run.state;
      const live = pods.livePods();
      roomy.lives.forEach((l, i) => {
        const mine = live.filter((id) => run.state.labels.get(pods.labelSet[id]!)['app'] === nameOf(i));
        // A deletion at the moment of the creation comes before the object is there, and is refused.
        const gone = l.deletedAfterMs !== null && l.deletedAfterMs > 5000;
        if (gone) {
          expect(mine).toHaveLength(0);
          return;
        }
        if (l.deletedAfterMs !== null) return;
        const last = [...l.scales]
          .map((s, k) => ({ ...s, k }))
          .sort((a, b) => a.afterMs - b.afterMs || a.k - b.k)
          .at(-1);
        const early = l.scales.some((s) => s.afterMs < 5000);
        if (early) return;
        const wanted = l.kind === 'Pod' ? 1 : (last?.to ?? l.replicas);
        expect(mine.filter((id) => (pods.word[id]! & PodBit.ready) !== 0)).toHaveLength(wanted);
        expect(mine).toHaveLength(wanted);
        if (l.kind === 'Pod') return;
        const object: Json = objects.get(objects.find(l.kind, 'default', nameOf(i)));
        expect(object.status.readyReplicas ?? 0).toBe(wanted);
        expect(object.status.observedGeneration).toBe(object.metadata.generation);
      });
    });
  });

  it('repeats itself bit for bit, whatever the event queue', { timeout: 180_000 }, () => {
    check(
      (c) => {
        const first = observe(scenarioOf(c)).result;
        for (const queue of ['heap', 'ladder', 'fast-priority-queue'] as const) {
          expect(observe(scenarioOf(c, queue)).result).toEqual(first);
        }
      },
      Math.ceil(RUNS / 3),
    );
  });
});

it('a Deployment keeps its bounds while it grows, shrinks and loses pods', { timeout: 120_000 }, () => {
  const sizes = fc.record({
    replicas: fc.integer({ min: 1, max: 10 }),
    surge: fc.nat(4),
    unavailable: fc.integer({ min: 1, max: 4 }),
    seed: fc.nat(1000),
  });
  fc.assert(
    fc.property(sizes, ({ replicas, surge, unavailable, seed }) => {
      const limits = { maxSurge: surge, maxUnavailable: unavailable };
      const posts = fenceposts({ rolling: true, replicas, ...limits });
      const counts: Check = ({ state: { pods } }, tell) => {
        let active = 0;
        for (const id of pods.livePods()) {
          const word = pods.word[id]!;
          if (!(word & PodBit.deleting) && !isTerminal(word)) active += 1;
        }
        if (active > replicas + posts.surge) tell(`${active} pods of ${replicas}, surge ${posts.surge}`);
      };
      const object = workload(
        'Deployment',
        'web',
        replicas,
        '100m',
        {},
        { strategy: { rollingUpdate: limits } },
      );
      const { problems, result } = observe(scenario([{ count: 4 }], [create(0, object)], { seed }), [counts]);
      expect(problems).toEqual([]);
      expect(result.summary.pods.ready).toBe(replicas);
    }),
    { seed: SEED, numRuns: 15 },
  );
});

// Whatever comes and goes in a namespace with a quota: status.used never passes status.hard by a charge, and in the end
// it is what the pods that are there use.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { isTerminal } from '../../../engine/state/index.ts';
import { type Check, observe } from './observer.ts';
import { change, create, pod, SECOND, scenario, workload } from './scenario.ts';

const quotaOf = (run: Parameters<Check>[0]): Json => {
  const store = run.state.objects.kind('ResourceQuota');
  const id = store.ids.get('default/q');
  return id === undefined ? undefined : run.state.objects.get(id);
};

it('quotas are never exceeded, and come out even', () => {
  const lives = fc.array(
    fc.record({
      atMs: fc.nat(15_000),
      replicas: fc.nat(6),
      deletedAfterMs: fc.option(fc.nat(20_000)),
      scaled: fc.option(fc.record({ afterMs: fc.nat(20_000), to: fc.nat(8) })),
      ends: fc.boolean(),
    }),
    { minLength: 1, maxLength: 6 },
  );
  fc.assert(
    fc.property(lives, fc.integer({ min: 1, max: 8 }), fc.nat(1000), (cases, pods, seed) => {
      const steps: TimedStep[] = [
        create(0, {
          apiVersion: 'v1',
          kind: 'ResourceQuota',
          metadata: { name: 'q', namespace: 'default' },
          spec: { hard: { pods: String(pods), 'requests.cpu': `${pods * 100}m` } },
        }),
      ];
      for (const [i, { atMs, replicas, deletedAfterMs, scaled, ends }] of cases.entries()) {
        const at = 1000 + atMs;
        const bare = replicas === 0;
        const annotations = ends ? { 'kubetick.io/run-ms': '3000' } : {};
        const kind = bare ? 'Pod' : 'ReplicaSet';
        steps.push(
          create(
            at,
            bare
              ? pod(`w${i}`, '100m', { restartPolicy: 'Never', annotations })
              : workload('ReplicaSet', `w${i}`, replicas, '100m'),
          ),
        );
        if (scaled !== null && !bare)
          steps.push(change(at + scaled.afterMs, 'scale', kind, `w${i}`, scaled.to));
        if (deletedAfterMs !== null) steps.push(change(at + deletedAfterMs, 'delete', kind, `w${i}`));
      }
      steps.sort((a, b) => a.atUs - b.atUs);
      const withinQuota: Check = (run, tell) => {
        const { state } = run;
        const status = quotaOf(run)?.status;
        if (status?.used === undefined) return;
        if (Number(status.used.pods) > pods) tell(`${status.used.pods} pods charged of ${pods}`);
        const held = state.pods.livePods().filter((id) => !isTerminal(state.pods.word[id]!));
        if (held.length > pods) tell(`${held.length} pods hold resources, the quota is ${pods}`);
      };
      const { run, problems } = observe(
        scenario([{ count: 2 }], steps, { seed, untilUs: 400 * SECOND, stopWhenIdle: false }),
        [withinQuota],
      );
      const { state } = run;
      const held = state.pods.livePods().filter((id) => !isTerminal(state.pods.word[id]!)).length;
      expect(problems).toEqual([]);
      expect(quotaOf(run).status.used.pods).toBe(String(held));
    }),
    { numRuns: Number(process.env['KUBETICK_RUNS'] ?? 40), seed: 20_261_123 },
  );
}, 120_000);

// What `--paranoid` watches over the course of a run, shown to bite: a controller that breaks a promise is planted.
import { describe, expect, it } from 'vitest';
import type { ControllerDefinition } from '../../../engine/contracts/controller.ts';
import { DONE } from '../../../engine/contracts/controller.ts';
import type { ResolvedScenario, TimedStep } from '../../../engine/contracts/scenario.ts';
import { simulate } from '../../../engine/index.ts';
import { leastAvailable } from '../../../engine/invariants/availability.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { BUILT_IN } from '../../../experiments/registry.ts';
import { create, SECOND, scenario, workload } from '../../property/simulation/scenario.ts';

const UNTIL = { untilUs: 60 * SECOND, stopWhenIdle: false };

/** Changes the objects of a kind by `write` once, 20 s after it has seen them, under the name `client`. */
function rogue(client: string, kind: string, change: (object: KubeObject) => KubeObject, status = false) {
  const definition: ControllerDefinition = {
    name: 'rogue',
    clientName: client,
    about: 'breaks a promise',
    workers: 1,
    create: (ctx) => {
      const objects = ctx.objects(kind);
      const changed = new Set<string>();
      ctx.onObjects(kind, (seen) => {
        if (!changed.has(seen.key)) ctx.queue.addAfter(seen.key, 20 * SECOND);
      });
      return {
        *reconcile(key, calls) {
          const seen = objects.get(key);
          if (seen === undefined || changed.has(key)) return DONE;
          changed.add(key);
          const next = change(seen.object);
          if (status) yield calls.updateStatus(seen.id, next, 0);
          else yield calls.update(seen.id, next, 0);
          return DONE;
        },
      };
    },
  };
  return definition;
}

function play(steps: readonly TimedStep[], controllers: readonly ControllerDefinition[] = []): void {
  const run: ResolvedScenario = scenario([{ count: 3, cpu: '8' }], [...steps], UNTIL);
  simulate(run, { ...BUILT_IN.registry, controllers }, { paranoid: true });
}

const web = create(0, workload('Deployment', 'web', 4, '100m'));
const smaller = (object: KubeObject): KubeObject => ({ ...object, spec: { ...object['spec'], replicas: 1 } });

describe('availability of a Deployment', () => {
  it('is broken by a Deployment controller that shrinks a ReplicaSet below replicas - maxUnavailable', () => {
    // 25 % of 4 pods may be unavailable: at least 3.
    expect(() => play([web], [rogue('deployment-controller', 'ReplicaSet', smaller)])).toThrow(
      'Deployment default/web has fewer pods available than maxUnavailable allows',
    );
  });

  it('is not promised against others: a user that shrinks the ReplicaSet, another size, a deleted pod', () => {
    const scale: TimedStep = {
      atUs: 20 * SECOND,
      do: 'scale',
      objects: [],
      target: { kind: 'Deployment', namespace: 'default', name: 'web', replicas: 1 },
    };
    const pick = { namespace: 'default', matchLabels: { app: 'web' }, nth: 0, deleting: false };
    const deleted = [0, 1, 2].map(
      (nth): TimedStep => ({ atUs: 20 * SECOND + nth, do: 'delete-pod', objects: [], pick }),
    );
    expect(() => play([web], [rogue('somebody', 'ReplicaSet', smaller)])).not.toThrow();
    expect(() => play([web, scale])).not.toThrow();
    expect(() => play([web, ...deleted])).not.toThrow();
  });

  it.each<[Json, number]>([
    // 25 % of 10 unavailable rounds down to 2.
    [{ replicas: 10 }, 8],
    [{ replicas: 10, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '35%' } } }, 7],
    // Neither surge nor unavailable would never move: one may be missing.
    [{ replicas: 3, strategy: { rollingUpdate: { maxSurge: '0%', maxUnavailable: '10%' } } }, 2],
    [{ replicas: 3, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }, 3],
    [{ replicas: 3, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 9 } } }, 0],
    [{ replicas: 3, strategy: { type: 'Recreate' } }, 0],
  ])('of %j is at least %d', (spec, least) => {
    expect(leastAvailable(spec)).toBe(least);
  });
});

describe('completions of a Job', () => {
  const job = (mode: string): KubeObject => ({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'calc', namespace: 'default' },
    spec: {
      completions: 3,
      completionMode: mode,
      template: {
        metadata: { annotations: { 'kubetick.io/run-ms': '2000' } },
        spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'app:v1' }] },
      },
    },
  });
  const more =
    (by: number) =>
    (object: KubeObject): KubeObject => ({
      ...object,
      status: { ...object['status'], succeeded: (object['status']?.succeeded ?? 0) + by },
    });

  it.each([
    ['NonIndexed', 1, 'Job default/calc counts a completion twice'],
    ['NonIndexed', -1, 'Job default/calc forgets a completion'],
    ['Indexed', 1, 'Job default/calc counts more than its completed indexes'],
  ])('of a %s Job told %d too many', (mode, by, message) => {
    expect(() => play([create(0, job(mode))], [rogue('rogue', 'Job', more(by), true)])).toThrow(message);
  });

  it.each(['NonIndexed', 'Indexed'])('of a %s Job are right where nobody interferes', (mode) => {
    expect(() => play([create(0, job(mode))])).not.toThrow();
  });
});

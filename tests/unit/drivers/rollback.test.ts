// `kubectl rollout undo`: which template comes back, and when nothing is sent (kubectl
// pkg/polymorphichelpers/rollback.go, v1.36).
import { describe, expect, it } from 'vitest';
import { rollback } from '../../../engine/drivers/rollback.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { daemonSet, deployment, Harness, SECOND, statefulSet } from '../controllers/harness.ts';

const WAIT = 30 * SECOND;
const kinds: readonly [string, () => KubeObject, string][] = [
  ['Deployment', () => deployment('x', 1), 'no rollout history found for deployment "x"'],
  ['DaemonSet', () => daemonSet('x'), 'no last revision to roll back to'],
  ['StatefulSet', () => statefulSet('x', 1), 'no last revision to roll back to'],
];

/** An object of that kind that has had the images v1 to v`versions`. */
function withHistory(kind: string, object: KubeObject, versions: number): Harness {
  const h = new Harness();
  h.create(object);
  h.run(WAIT);
  for (let v = 2; v <= versions; v++) {
    h.setImage('x', `app:v${v}`, kind);
    h.run(WAIT);
  }
  return h;
}

const imageAfter = (h: Harness, kind: string, toRevision: number): string => {
  const plan = rollback(h.state, h.get(kind, 'x'), toRevision);
  if ('says' in plan) return plan.says;
  return (plan.change(h.get(kind, 'x')) as Json).spec.template.spec.containers[0].image;
};

describe.each(kinds)('undo of a %s', (kind, object, none) => {
  it('goes to the revision before, or to the one that is asked for', () => {
    const h = withHistory(kind, object(), 3);
    expect(imageAfter(h, kind, 0)).toBe('app:v2');
    expect(imageAfter(h, kind, 1)).toBe('app:v1');
    expect(imageAfter(h, kind, 7)).toBe('unable to find specified revision 7 in history');
    expect(imageAfter(h, kind, 3)).toBe('skipped rollback (current template already matches revision 3)');
  });

  it('has nothing to go to while there is one revision', () => {
    expect(imageAfter(withHistory(kind, object(), 1), kind, 0)).toBe(none);
  });

  it('done twice comes back to where it was: the revision that was used again is the newest', () => {
    const h = withHistory(kind, object(), 2);
    const undo = (): void => {
      const plan = rollback(h.state, h.get(kind, 'x'), 0);
      if ('says' in plan) throw new Error(plan.says);
      h.patch(kind, 'x', plan.change as (stored: Json) => Json);
      h.run(WAIT);
    };
    const image = (): string => h.get(kind, 'x').spec.template.spec.containers[0].image;
    undo();
    expect(image()).toBe('app:v1');
    undo();
    expect(image()).toBe('app:v2');
  });
});

it('a paused Deployment is not undone, one without history is told so first', () => {
  const h = withHistory('Deployment', deployment('x', 1), 2);
  h.patch('Deployment', 'x', (stored) => ({ ...stored, spec: { ...stored.spec, paused: true } }));
  h.run(WAIT);
  expect(imageAfter(h, 'Deployment', 0)).toMatch(/^you cannot rollback a paused deployment/);
  expect(imageAfter(h, 'Deployment', 9)).toBe('unable to find specified revision 9 in history');
});

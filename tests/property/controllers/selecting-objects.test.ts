// The index of objects by what they select against the plain definition: ask every object of the namespace.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { SeenObject } from '../../../engine/contracts/controller.ts';
import { ofLabelSelector, SelectingObjects } from '../../../engine/controllers/selecting-objects.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { compileLabelSelector, LabelSets } from '../../../engine/state/index.ts';

const NAMESPACES = ['a', 'b'];
const labels = fc.dictionary(fc.constantFrom('app', 'tier', 'x'), fc.constantFrom('1', '2', ''), {
  maxKeys: 3,
});
const selector = fc.oneof(
  fc.constant(null),
  fc.constant({}),
  labels.map((matchLabels) => ({ matchLabels })),
  labels.map((matchLabels) => ({ matchLabels, matchExpressions: [{ key: 'x', operator: 'DoesNotExist' }] })),
  fc.constant({ matchExpressions: [{ key: 'app', operator: 'In', values: ['1', '2'] }] }),
);
const change = fc.record({
  id: fc.nat({ max: 6 }),
  namespace: fc.constantFrom(...NAMESPACES),
  /** undefined: the object goes. */
  selector: fc.option(selector, { nil: undefined }),
});

test('the candidates that match are all that match, in order of appearance', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(labels, { minLength: 1 }), (changes, pods) => {
      const index = new SelectingObjects(ofLabelSelector);
      // The plain definition: a list in order of appearance.
      const all = new Map<number, { id: number; namespace: string; object: Json }>();
      for (const { id, namespace, selector: wanted } of changes) {
        const known = all.get(id);
        if (wanted === undefined) {
          if (known !== undefined) index.delete(known as unknown as SeenObject);
          all.delete(id);
          continue;
        }
        const seen = known ?? { id, namespace, object: {} };
        seen.object = { spec: { selector: wanted } };
        all.set(id, seen);
        index.set(seen as unknown as SeenObject);
      }
      const sets = new LabelSets();
      const matches = (seen: { object: Json }, of: Record<string, string>): boolean =>
        compileLabelSelector(seen.object['spec'].selector, sets).matches(of);
      for (const namespace of NAMESPACES)
        for (const of of pods) {
          const plain = [...all.values()].filter((seen) => seen.namespace === namespace && matches(seen, of));
          const found = index
            .candidates(namespace, of)
            .filter((seen) => matches(seen as { object: Json }, of));
          expect(found.map(({ id }) => id)).toEqual(plain.map(({ id }) => id));
        }
    }),
  );
});

// Selectors as labels.Requirement.Matches and nodeaffinity define them.
import { describe, expect, it } from 'vitest';
import {
  compileLabelSelector,
  compileMapSelector,
  LabelSets,
  type Requirement,
  requirementMatches,
} from '../../../engine/state/index.ts';

describe('a requirement', () => {
  it.each<[Requirement['operator'], string[], string | undefined, boolean]>([
    ['In', ['a', 'b'], 'a', true],
    ['In', ['a', 'b'], 'c', false],
    ['In', ['a'], undefined, false],
    ['NotIn', ['a'], 'a', false],
    ['NotIn', ['a'], 'b', true],
    // An absent label is not among the values.
    ['NotIn', ['a'], undefined, true],
    ['Exists', [], '', true],
    ['Exists', [], undefined, false],
    ['DoesNotExist', [], undefined, true],
    ['DoesNotExist', [], '', false],
    ['Gt', ['3'], '4', true],
    ['Gt', ['3'], '3', false],
    ['Lt', ['3'], '-7', true],
    // Text that is no integer, on either side, matches nothing; nor does an absent label.
    ['Gt', ['3'], '4.5', false],
    ['Gt', ['x'], '4', false],
    ['Lt', ['3'], undefined, false],
    // Compared as 64-bit integers, not as doubles: 2^53 + 1 > 2^53.
    ['Gt', ['9007199254740992'], '9007199254740993', true],
  ])('%s %j on %j is %s', (operator, values, value, expected) => {
    expect(requirementMatches({ key: 'k', operator, values }, value)).toBe(expected);
  });
});

describe('a compiled selector', () => {
  const sets = new LabelSets();
  const web = { app: 'web', tier: 'front' };

  it.each([
    ['absent selects nothing', compileLabelSelector(undefined, sets), false],
    ['null selects nothing', compileLabelSelector(null, sets), false],
    ['empty selects everything', compileLabelSelector({}, sets), true],
    [
      'all labels must match',
      compileLabelSelector({ matchLabels: { app: 'web', tier: 'back' } }, sets),
      false,
    ],
    [
      'labels and expressions are ANDed',
      compileLabelSelector(
        {
          matchLabels: { app: 'web' },
          matchExpressions: [{ key: 'tier', operator: 'In', values: ['front'] }],
        },
        sets,
      ),
      true,
    ],
    ['a plain map', compileMapSelector({ app: 'web' }, sets), true],
    ['an absent map selects nothing', compileMapSelector(undefined, sets), false],
  ])('%s', (_name, selector, expected) => {
    expect(selector.matches(web)).toBe(expected);
    const id = sets.intern(web);
    expect([selector.matchesSet(id), selector.matchesSet(id)]).toEqual([expected, expected]);
  });
});

// Golden fingerprints: (scenario, ingredient) → hash. A difference says which kind of thing has changed:
//   t times of events   k their kinds   o objects they were for   d decisions: pod on node   s the summary
// A refactoring may change t and k, rarely d. `npm run golden` writes fingerprints.json anew and prints what changed by
// ingredient; the reason for it belongs into the commit. Kept per major version of Node, because log and exp may differ.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { GOLDEN } from './cases.ts';

type Fingerprints = Record<string, Record<string, string>>;
const file = new URL('./fingerprints.json', import.meta.url);
const kept = JSON.parse(readFileSync(file, 'utf8')) as { node: number; fingerprints: Fingerprints };
const node = Number(process.versions.node.split('.')[0]);
const sameNode = node === kept.node;

it('every case has its fingerprints, and only they', () => {
  expect(Object.keys(kept.fingerprints).sort()).toEqual(Object.keys(GOLDEN).sort());
});

it.skipIf(!sameNode).each(Object.keys(GOLDEN))(
  `%s (skipped where Node is not of version ${kept.node}: the numbers are kept for it)`,
  { timeout: 120_000 },
  async (name) => {
    const { ingredients } = simulateBuiltIn(await GOLDEN[name]!(), {});
    expect(ingredients).toEqual(kept.fingerprints[name]);
  },
);

// Which controllers run: the user's own in the place of built-in ones, and what `--controllers` leaves.
import { describe, expect, it } from 'vitest';
import type { ControllerDefinition } from '../../../engine/contracts/controller.ts';
import { chosenControllers } from '../../../engine/controllers/chosen.ts';

const named = (name: string, about = 'built in'): ControllerDefinition => ({
  name,
  clientName: `${name}-client`,
  about,
  create: () => {
    throw new Error('is not made here');
  },
});
const builtIn = ['namespace', 'replicaset', 'job'].map((name) => named(name));

describe('controllers of a run', () => {
  // IsControllerEnabled: the first entry with the name decides, others run if `*` is there.
  const cases: { choices?: string[]; own?: string[]; run: string[] }[] = [
    { run: ['namespace', 'replicaset', 'job'] },
    { choices: ['*'], run: ['namespace', 'replicaset', 'job'] },
    { choices: ['*', '-job'], run: ['namespace', 'replicaset'] },
    { choices: ['-job', '*', 'job'], run: ['namespace', 'replicaset'] },
    { choices: ['*', '-job-controller'], run: ['namespace', 'replicaset'] },
    { choices: ['replicaset', 'job-controller'], run: ['replicaset', 'job'] },
    { choices: [], run: [] },
    { choices: ['-job'], run: [] },
    { own: ['mover'], run: ['namespace', 'replicaset', 'job', 'mover'] },
    { own: ['mover'], choices: ['*', '-mover'], run: ['namespace', 'replicaset', 'job'] },
    { own: ['mover'], choices: ['mover', 'job'], run: ['job', 'mover'] },
  ];
  it.each(cases)('$choices and $own: $run', ({ choices, own = [], run }) => {
    const all = chosenControllers(
      builtIn,
      own.map((name) => named(name, 'own')),
      choices,
    );
    expect(all.map(({ name }) => name)).toEqual(run);
  });

  it.each(['replicaset', 'replicaset-controller'])(
    '%s of the user stands where the built-in one stood',
    (name) => {
      const all = chosenControllers(builtIn, [named(name, 'own')]);
      expect(all.map(({ about }) => about)).toEqual(['built in', 'own', 'built in']);
    },
  );
});

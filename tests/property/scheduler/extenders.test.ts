// Extenders beside every search: what is decided, said and bound does not depend on how nodes are searched, and an
// extender that lets everything pass and gives no points changes nothing. KUBETICK_RUNS sets the number of cases.
import process from 'node:process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExtenderShape } from '../../../engine/index.ts';
import { Scheduler } from '../../../engine/scheduler/scheduler.ts';
import { settings } from '../../unit/scheduler/extender-settings.ts';
import { costsWith, podSpec, World } from '../../unit/scheduler/support.ts';

const RUNS = Number(process.env['KUBETICK_RUNS'] ?? 25);
const RESOURCE = 'example.com/x';
const END_US = 60_000_000;

interface Case {
  readonly nodes: readonly string[];
  readonly pods: readonly { readonly cpu: string; readonly isManaged: boolean; readonly atMs: number }[];
  readonly salt: number;
  readonly latency: number;
  readonly managed: boolean;
  readonly ignorable: boolean;
}

const cases = fc.record<Case>({
  // Above 100 nodes the search stops before the end.
  nodes: fc.oneof(
    fc.array(fc.constantFrom('1', '2', '4'), { minLength: 1, maxLength: 6 }),
    fc.array(fc.constantFrom('1', '2', '4'), { minLength: 110, maxLength: 140 }),
  ),
  pods: fc.array(
    fc.record({
      cpu: fc.constantFrom('500m', '1', '3'),
      isManaged: fc.boolean(),
      atMs: fc.nat({ max: 20_000 }),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  salt: fc.nat({ max: 1000 }),
  latency: fc.nat({ max: 3000 }),
  managed: fc.boolean(),
  ignorable: fc.boolean(),
});

/** A number for a name, as an answer that depends on nothing else. */
function mixed(name: string, salt: number): number {
  let h = salt;
  for (const c of name) h = (h * 31 + c.charCodeAt(0)) % 65_521;
  return h;
}

const shapeOf = ({ salt, latency }: Case): ExtenderShape => ({
  latency,
  filter(pod, nodes) {
    if (mixed(pod.name, salt) % 7 === 0) return { error: 'down' };
    const failed = nodes.filter(({ name }) => mixed(name, salt) % 3 === 0);
    return { failed: Object.fromEntries(failed.map(({ name }) => [name, 'no'])) };
  },
  prioritize: (_pod, nodes) =>
    Object.fromEntries(nodes.map(({ name }) => [name, mixed(name, salt + 1) % 11])),
});

/** What the scheduler did, with times. */
function course(given: Case, shape: ExtenderShape | null, search: string): World['calls'] {
  const world = new World(costsWith({}));
  const more = {
    ignorable: given.ignorable,
    managedResources: given.managed ? [{ name: RESOURCE, ignoredByScheduler: true }] : [],
  };
  new Scheduler(world.context, settings(shape === null ? [] : [{ shape, more }]), null, search).start();
  given.nodes.forEach((cpu, i) => {
    world.addNode(`n${i}`, { cpu, extended: { [RESOURCE]: '100' } });
  });
  given.pods.forEach(({ cpu, isManaged, atMs }, i) => {
    const requests = { cpu, ...(isManaged ? { [RESOURCE]: '1' } : {}) };
    world.at(1000 * atMs, () => world.addPod(`p${i}`, podSpec(requests)));
  });
  world.kernel.run(END_US);
  return world.calls;
}

describe('extenders', () => {
  it('beside the index, the plain search and both compared: the same', () => {
    let bound = 0;
    fc.assert(
      fc.property(cases, (given) => {
        const shape = shapeOf(given);
        const plain = course(given, shape, 'brute');
        expect(course(given, shape, 'index')).toEqual(plain);
        expect(course(given, shape, 'verify')).toEqual(plain);
        bound += plain.filter(({ what }) => what.startsWith('bind')).length;
      }),
      { numRuns: RUNS },
    );
    expect(bound).toBeGreaterThan(0);
  });

  it('one that lets all pass, gives no points and takes no time changes nothing', () => {
    const neutral: ExtenderShape = { filter: () => ({}), prioritize: () => ({}) };
    fc.assert(
      fc.property(cases, (given) => {
        const open = { ...given, managed: false };
        expect(course(open, neutral, 'index')).toEqual(course(open, null, 'brute'));
      }),
      { numRuns: RUNS },
    );
  });
});

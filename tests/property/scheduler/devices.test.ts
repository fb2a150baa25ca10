// Allocation of devices on small clusters: no device goes to two claims, what is found is what was asked for, and
// something is found exactly where trying every choice of devices finds something.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Json } from '../../../engine/kinds/kind.ts';
import {
  claim,
  DRIVER,
  decide,
  device,
  deviceClass,
  exactly,
  node,
  pod,
  selecting,
  slice,
} from '../../unit/scheduler/device-cases.ts';

interface Request {
  /** Alternatives: how many devices, of which model; '': any. */
  readonly choices: readonly { readonly count: number; readonly model: string }[];
}

interface Case {
  /** Of each device: model and place. */
  readonly devices: readonly { readonly model: string; readonly numa: number }[];
  /** By claim. */
  readonly claims: readonly { readonly requests: readonly Request[]; readonly rule: string }[];
}

const choice = fc.record({ count: fc.integer({ min: 1, max: 2 }), model: fc.constantFrom('', 'x', 'y') });
const cases: fc.Arbitrary<Case> = fc.record({
  devices: fc.array(fc.record({ model: fc.constantFrom('x', 'y'), numa: fc.integer({ min: 0, max: 1 }) }), {
    maxLength: 5,
  }),
  claims: fc.array(
    fc.record({
      requests: fc.array(fc.record({ choices: fc.array(choice, { minLength: 1, maxLength: 2 }) }), {
        minLength: 1,
        maxLength: 2,
      }),
      rule: fc.constantFrom('', 'matchAttribute', 'distinctAttribute'),
    }),
    { minLength: 1, maxLength: 2 },
  ),
});

const wanted = ({ count, model }: Request['choices'][number]): Json =>
  model === '' ? { count } : selecting(`device.attributes["${DRIVER}"].model == "${model}"`, { count });

function requestOf({ choices }: Request, i: number): Json {
  if (choices.length === 1) return exactly(`r${i}`, wanted(choices[0]!));
  return {
    name: `r${i}`,
    firstAvailable: choices.map((each, k) => ({ name: `s${k}`, deviceClassName: 'gpu', ...wanted(each) })),
  };
}

/** Devices for all slots, each slot being a claim and a model, by trying everything. */
function isPossible({ devices, claims }: Case): boolean {
  /** One list of (claim, model) for each choice of alternatives. */
  let plans: { claim: number; model: string }[][] = [[]];
  claims.forEach(({ requests }, at) => {
    for (const { choices } of requests)
      plans = plans.flatMap((plan) =>
        choices.map(({ count, model }) => [
          ...plan,
          ...Array.from({ length: count }, () => ({ claim: at, model })),
        ]),
      );
  });
  const fits = (plan: { claim: number; model: string }[], at: number, taken: number[]): boolean => {
    if (at === plan.length)
      return claims.every(({ rule }, index) => {
        const numas = taken.filter((_, i) => plan[i]!.claim === index).map((each) => devices[each]!.numa);
        const distinct = new Set(numas).size;
        return rule === '' || (rule === 'matchAttribute' ? distinct <= 1 : distinct === numas.length);
      });
    return devices.some(
      ({ model }, i) =>
        !taken.includes(i) &&
        (plan[at]!.model === '' || plan[at]!.model === model) &&
        fits(plan, at + 1, [...taken, i]),
    );
  };
  return plans.some((plan) => fits(plan, 0, []));
}

describe('devices for the claims of a pod', () => {
  it('are found where there is a choice at all, are as wanted, and go to one claim each', () => {
    fc.assert(
      fc.property(cases, (each) => {
        const names = each.claims.map((_, i) => `c${i}`);
        const devices = each.devices.map(({ model, numa }, i) => device(`d${i}`, { model, numa }));
        const objects = each.claims.map(({ requests, rule }, i) =>
          claim(
            names[i]!,
            requests.map(requestOf),
            rule === '' ? {} : { constraints: [{ [rule]: `${DRIVER}/numa` }] },
          ),
        );
        const cluster = [node('n'), deviceClass(), slice('n', devices), ...objects];
        const { verdicts, devices: held } = decide(cluster, pod('p', ...names));
        expect(verdicts[0] === 'n').toBe(isPossible(each));
        const all = names.flatMap((name) => held[name]!);
        expect(new Set(all).size).toBe(all.length);
        if (verdicts[0] !== 'n') return;
        each.claims.forEach(({ rule, requests }, i) => {
          const own = held[names[i]!]!.map((name) => each.devices[Number(name.split('/d')[1])]!);
          expect(own.length).toBeGreaterThanOrEqual(requests.length);
          const numas = new Set(own.map(({ numa }) => numa));
          if (rule === 'matchAttribute') expect(numas.size).toBe(1);
          if (rule === 'distinctAttribute') expect(numas.size).toBe(own.length);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('are never those of another pod', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 }),
        (pools, counts) => {
          const cluster = pools.flatMap((size, i) => [
            node(`n${i}`),
            slice(
              `n${i}`,
              Array.from({ length: size }, (_, k) => device(`d${k}`)),
            ),
          ]);
          const claims = counts.map((count, i) => claim(`c${i}`, [exactly('r', { count })]));
          const pods = counts.map((_, i) => pod(`p${i}`, `c${i}`));
          const { verdicts, devices } = decide([...cluster, deviceClass(), ...claims], ...pods);
          const all = Object.values(devices).flat();
          expect(new Set(all).size).toBe(all.length);
          counts.forEach((count, i) => {
            const isPlaced = !verdicts[i]!.startsWith('-');
            expect(devices[`c${i}`]!.length).toBe(isPlaced ? count : 0);
          });
        },
      ),
      { numRuns: 100 },
    );
  });
});

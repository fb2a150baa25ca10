// Endpoints worked on by changes only, against computing them all anew.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressList } from '../../../engine/controllers/address-list.ts';
import { textOrder } from '../../../engine/controllers/endpoint-facts.ts';
import type { ResolvedPort } from '../../../engine/controllers/endpoint-parts.ts';
import { placeEndpoints, type Slice } from '../../../engine/controllers/slice-placement.ts';
import { repackSubsets } from '../../../engine/kinds/endpoints-pack.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { isTerminal, PodBit } from '../../../engine/state/index.ts';
import { Harness, replicaSet, SECOND, service } from '../../unit/controllers/harness.ts';

const MAX = 5;
const endpoint = (serial: number, ready: boolean): Json => ({
  addresses: [`10.0.0.${serial}`],
  conditions: { ready, serving: ready, terminating: false },
  targetRef: { uid: `${serial}` },
});

describe('placement', () => {
  it('of what changed gives the slices that placement of everything gives', () => {
    const change = fc.tuple(fc.nat(30), fc.constantFrom('ready', 'unready', 'gone'));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 12 }), { maxLength: 25 }), (rounds) => {
        let slices: Slice[] = [];
        let nextId = 1;
        const desired = new Map<number, Json>();
        for (const round of rounds) {
          const changed = new Map<number, Json | null>();
          for (const [serial, what] of round) {
            if (what === 'gone') desired.delete(serial);
            else desired.set(serial, endpoint(serial, what === 'ready'));
            changed.set(serial, desired.get(serial) ?? null);
          }
          const everything = new Map<number, Json | null>(desired);
          for (const slice of slices) {
            for (const serial of slice.serials) if (!everything.has(serial)) everything.set(serial, null);
          }
          const apply = (to: Slice[], given: ReadonlyMap<number, Json | null>): Slice[] => {
            const of = (serial: number): Slice | undefined =>
              to.find((slice) => slice.serials.includes(serial));
            const plan = placeEndpoints(to, of, given, MAX, 'p');
            for (const made of plan.create) made.id = nextId + plan.create.indexOf(made);
            return [...to.filter((slice) => !plan.remove.includes(slice)), ...plan.create];
          };
          const twin = apply(
            // Lists of endpoints are shared with the twin, as with the objects that are stored: nobody may change them.
            slices.map((slice) => ({ ...slice, serials: [...slice.serials] })),
            everything,
          );
          slices = apply(slices, changed);
          nextId += 100;
          // Ids of new slices come from the same counter in both.
          expect(slices.map((s) => [s.serials, s.endpoints])).toEqual(
            twin.map((s) => [s.serials, s.endpoints]),
          );
          const placed = slices.flatMap((slice) => [...slice.serials]).sort((a, b) => a - b);
          expect(placed).toEqual([...desired.keys()].sort((a, b) => a - b));
          for (const slice of slices) expect(slice.serials.length).toBeLessThanOrEqual(MAX);
          for (const slice of slices) expect(slice.serials.length).toBeGreaterThan(0);
        }
      }),
      { seed: 3, numRuns: 200 },
    );
  });
});

describe('addresses', () => {
  const PORTS: readonly ResolvedPort[] = [
    { name: 'http', port: 8080, protocol: 'TCP', appProtocol: undefined },
    { name: 'http', port: 9090, protocol: 'TCP', appProtocol: undefined },
    { name: 'dns', port: 53, protocol: 'UDP', appProtocol: undefined },
  ];
  /** Ports by bit mask; the empty set does not occur. */
  const portsOf = (mask: number): ResolvedPort[] => PORTS.filter((_, bit) => mask & (1 << bit));

  it('kept at every change are packed as RepackSubsets packs them from scratch', () => {
    const change = fc.record({
      serial: fc.nat(12),
      ready: fc.boolean(),
      mask: fc.integer({ min: 0, max: 7 }),
    });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const list = new AddressList();
        const known = new Map<number, { ready: boolean; mask: number }>();
        for (const { serial, ready, mask } of changes) {
          if (mask === 0) {
            list.remove(serial);
            known.delete(serial);
            continue;
          }
          const ip = `10.0.0.${serial}`;
          list.set(
            { serial, order: serial, json: { ip, targetRef: { uid: '' } }, ready, portsKey: String(mask) },
            portsOf(mask),
          );
          known.set(serial, { ready, mask });
        }
        const raw = [...known].map(([serial, { ready, mask }]) => ({
          [ready ? 'addresses' : 'notReadyAddresses']: [{ ip: `10.0.0.${serial}` }],
          ports: portsOf(mask).map(({ name, port, protocol }) => ({ name, port, protocol })),
        }));
        // The packer sorts by address; two ports of different pods end up in subsets of their own.
        const flat = (subsets: Json[]): string[] =>
          subsets
            .flatMap((subset) =>
              (subset.ports as Json[]).flatMap((port) => [
                ...(subset.addresses ?? []).map((a: Json) => `${port.name}:${port.port} ${a.ip} ready`),
                ...(subset.notReadyAddresses ?? []).map((a: Json) => `${port.name}:${port.port} ${a.ip} not`),
              ]),
            )
            .sort();
        expect(flat(list.subsets(1000).subsets)).toEqual(flat(repackSubsets(raw)));
      }),
      { seed: 9, numRuns: 300 },
    );
  });
});

describe('the order of addresses as numbers', () => {
  it('is that of their texts', () => {
    const text = (ip: number): string => [24, 16, 8, 0].map((shift) => (ip >>> shift) & 255).join('.');
    const octet = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 9, 10, 19, 20, 100, 199, 200, 255));
    const address = fc
      .tuple(octet, octet, octet, octet)
      .map(([a, b, c, d]) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
    fc.assert(
      fc.property(address, address, (a, b) => {
        expect(Math.sign(textOrder(a) - textOrder(b))).toBe(
          text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0,
        );
      }),
      { seed: 13, numRuns: 2000 },
    );
  });
});

describe('a Service under churn', () => {
  it('ends with exactly the endpoints that its pods call for', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('scale' as const), replicas: fc.nat(130) }),
      fc.record({ do: fc.constant('flap' as const), pick: fc.nat(), ready: fc.boolean() }),
      fc.record({ do: fc.constant('delete' as const), pick: fc.nat() }),
      fc.record({ do: fc.constant('wait' as const), ms: fc.nat(1500) }),
      fc.record({ do: fc.constant('select' as const), other: fc.boolean() }),
      fc.record({ do: fc.constant('vandal' as const), pick: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 12 }), (steps) => {
        const h = new Harness({
          readyUs: (n) => (n % 7 === 3 ? Number.NaN : SECOND),
          costs: (c) => ({ ...c, clients: { ...c.clients, controller: { qps: 200, burst: 100 } } }),
        });
        h.create(service('web'));
        h.create(replicaSet('web', 20));
        h.create(replicaSet('other', 5));
        h.run(2 * SECOND);
        for (const s of steps) {
          const pods = h.pods();
          const slices = h.all('EndpointSlice');
          if (s.do === 'scale') h.scale('ReplicaSet', 'web', s.replicas);
          else if (s.do === 'wait') h.run(s.ms * 1000);
          else if (s.do === 'select') {
            const app = s.other ? 'other' : 'web';
            h.patch('Service', 'web', (o) => ({ ...o, spec: { ...o.spec, selector: { app } } }));
          } else if (s.do === 'vandal') {
            if (slices.length > 0) h.delete('EndpointSlice', slices[s.pick % slices.length].metadata.name);
          } else if (pods.length > 0) {
            const pod = pods[s.pick % pods.length]!;
            if (s.do === 'delete') h.deletePod(pod);
            else if (h.state.pods.ip[pod] !== 0) h.setReady(pod, s.ready);
          }
        }
        h.run(60 * SECOND);
        const { selector } = h.get('Service', 'web').spec;
        const wanted = h
          .pods()
          .filter((pod) => h.state.labels.get(h.state.pods.labelSet[pod]!)['app'] === selector.app)
          .filter((pod) => h.state.pods.ip[pod] !== 0 && !isTerminal(h.state.pods.word[pod]!))
          .map((pod) => {
            const word = h.state.pods.word[pod]!;
            const terminating = (word & PodBit.deleting) !== 0;
            const serving = (word & PodBit.ready) !== 0;
            return `${h.state.podName(pod)} ${serving && !terminating} ${serving} ${terminating}`;
          });
        const told = h.all('EndpointSlice').flatMap((slice) =>
          (slice.endpoints ?? []).map((e: Json) => {
            const { ready, serving, terminating } = e.conditions;
            return `${e.targetRef.name} ${ready} ${serving} ${terminating}`;
          }),
        );
        expect(told.sort()).toEqual(wanted.sort());
        const subsets: Json[] = h.get('Endpoints', 'web').subsets ?? [];
        const names = subsets.flatMap((s) => [...(s.addresses ?? []), ...(s.notReadyAddresses ?? [])]);
        expect(names.map((a) => a.targetRef.name).sort()).toEqual(
          wanted.map((text) => text.split(' ')[0]).sort(),
        );
      }),
      { seed: 21, numRuns: 40 },
    );
  }, 60_000);
});

// The promises of a DaemonSet, for any limits and luck: never more pods on a node than one (and one more while it is
// surging), no more nodes without a ready pod than allowed, and in the end one pod of the right template on each node
// that it fits, with a status that says so.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { scaledIntOrPercent } from '../../../engine/kinds/intorstring.ts';
import { isTerminal, PodBit } from '../../../engine/state/index.ts';
import { daemonSet, Harness, MS, SECOND } from '../../unit/controllers/harness.ts';

interface Seen {
  readonly node: string;
  readonly image: string;
  readonly ready: boolean;
}

/** Pods that are neither being deleted nor ended. */
function look(h: Harness): Seen[] {
  const { pods, texts } = h.state;
  return h
    .pods()
    .filter((pod) => !isTerminal(pods.word[pod]!) && !(pods.word[pod]! & PodBit.deleting))
    .map((pod) => ({
      node: texts.text(pods.pinned[pod]!),
      image: h.state.template(pod).spec.containers[0].image,
      ready: (pods.word[pod]! & PodBit.ready) !== 0,
    }));
}

const limit = fc.oneof(
  fc.integer({ min: 1, max: 5 }),
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
);
/** What happens to a node or its pod at a time. */
const mishap = fc.tuple(
  fc.integer({ min: 0, max: 200 }),
  fc.nat(9),
  fc.constantFrom('delete', 'fail', 'NoSchedule', 'NoExecute', 'heal', 'join'),
);

it('keeps one pod a node within its limits and ends with the right pod on each node', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      limit,
      fc.boolean(),
      fc.integer({ min: 0, max: 2 }),
      fc.array(fc.integer({ min: 0, max: 1500 }), { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 0, max: 2000 }),
      fc.array(mishap, { maxLength: 5 }),
      (size, given, isSurging, minReadySeconds, readyMs, stopMs, mishaps) => {
        const rollingUpdate = isSurging
          ? { maxSurge: given, maxUnavailable: 0 }
          : { maxSurge: 0, maxUnavailable: given };
        const allowed = scaledIntOrPercent(given, size, true)!;
        const h = new Harness({
          nodes: size,
          readyUs: (n) => readyMs[n % readyMs.length]! * MS,
          stopUs: stopMs * MS,
        });
        h.create(
          daemonSet('agent', { minReadySeconds, updateStrategy: { type: 'RollingUpdate', rollingUpdate } }),
        );
        h.run(20 * SECOND);
        expect(look(h).filter(({ ready }) => ready)).toHaveLength(size);
        h.setImage('agent', 'app:v2', 'DaemonSet');
        let joined = 0;
        for (let t = 0; t < 400; t++) {
          h.run(50 * MS);
          for (const [at, nth, what] of mishaps) {
            if (at !== t) continue;
            const pod = h.pods()[nth];
            const node = `n${(nth % size) + 1}`;
            if (what === 'join') h.addNode(`new-${joined++}`);
            else if (what === 'heal') h.changeNode(node, { taints: [] });
            else if (what === 'delete' || what === 'fail') {
              if (pod === undefined) continue;
              if (what === 'fail') h.endPod(pod, 'Failed');
              else h.deletePod(pod);
            } else h.changeNode(node, { taints: [{ key: 'x', effect: what }] });
          }
          const seen = look(h);
          const perNode = new Map<string, number>();
          for (const { node } of seen) perNode.set(node, (perNode.get(node) ?? 0) + 1);
          for (const [, count] of perNode) expect(count).toBeLessThanOrEqual(isSurging ? 2 : 1);
          if (mishaps.length > 0) continue;
          const ready = new Set(seen.filter((pod) => pod.ready).map(({ node }) => node));
          expect(ready.size).toBeGreaterThanOrEqual(isSurging ? size : size - allowed);
          if (isSurging) expect(seen.length).toBeLessThanOrEqual(size + allowed);
        }
        for (let i = 1; i <= size; i++) h.changeNode(`n${i}`, { taints: [] });
        h.run(120 * SECOND);
        const end = look(h);
        expect(end.map(({ node }) => node).sort()).toEqual(
          [...h.state.nodes.name].filter((_, node) => h.state.nodes.removed[node] === 0).sort(),
        );
        for (const { image, ready } of end) expect([image, ready]).toEqual(['app:v2', true]);
        const { observedGeneration: _generation, ...counts } = h.get('DaemonSet', 'agent').status;
        const nodes = size + joined;
        expect(counts).toEqual({
          currentNumberScheduled: nodes,
          desiredNumberScheduled: nodes,
          numberAvailable: nodes,
          numberMisscheduled: 0,
          numberReady: nodes,
          updatedNumberScheduled: nodes,
        });
      },
    ),
    { seed: 29, numRuns: 60 },
  );
}, 60_000);

// How much the plain search looks at, where it begins, and what it says when nothing fits.
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../engine/kernel/index.ts';
import type { Json } from '../../../engine/kinds/kind.ts';
import { SchedulerCache } from '../../../engine/scheduler/cache.ts';
import { cutMessage, diagnose } from '../../../engine/scheduler/diagnosis.ts';
import { Framework, type Instance, Verdicts } from '../../../engine/scheduler/framework.ts';
import { NodeOrder } from '../../../engine/scheduler/node-order.ts';
import { BruteSearch, feasibleWanted } from '../../../engine/scheduler/search/brute.ts';
import { PodCursor } from '../../../engine/scheduler/views.ts';
import { addNode, addPod, type NodeSpec, newState, podSpec, settingsOf } from './support.ts';

function clusterOf(nodes: readonly NodeSpec[], config?: Json) {
  const state = newState();
  const cache = new SchedulerCache(state, () => 0);
  nodes.forEach((spec, i) => {
    cache.nodeChanged(addNode(state, `n${i}`, spec));
  });
  const verdicts = new Verdicts();
  const instances: Instance[] = [];
  const framework = new Framework(settingsOf(config).profiles[0]!, cache, verdicts, instances, 0);
  const search = new BruteSearch(cache, verdicts, new Rng(3, 0).stream('scheduler/ties'));
  const select = (spec: Json, pin?: string) => {
    const pod = addPod(state, 'p', spec);
    if (pin !== undefined) state.pods.pinned[pod] = state.texts.id(pin);
    return search.select(new PodCursor(state).at(pod), framework);
  };
  const messageOf = (spec: Json, pin?: string): string => {
    return diagnose(select(spec, pin), verdicts, (name) => {
      return framework.preFilter.find((each) => each.name === name)!.index;
    }).message;
  };
  return { state, cache, search, select, messageOf };
}

describe('enough feasible nodes', () => {
  // Adaptive: 50 % less one per 125 nodes, at least 5 %; at least 100 nodes.
  it.each([
    [50, 0, 50],
    [99, 0, 99],
    [100, 0, 100],
    [200, 0, 100], // 200 x 49 % = 98
    [500, 0, 230], // 46 %
    [1000, 0, 420], // 42 %
    [2000, 0, 680], // 34 %
    [5000, 0, 500], // 10 %
    [5625, 0, 281], // 5 %
    [15000, 0, 750], // 5 %
    [5000, 1, 100], // 1 % = 50
    [5000, 30, 1500],
    [5000, 100, 5000],
  ])('%i nodes at %i %%: %i', (nodes, percentage, expected) => {
    expect(feasibleWanted(nodes, percentage)).toBe(expected);
  });
});

describe('the rotating start', () => {
  it('moves by what was looked at and wraps; a full look leaves it', () => {
    const { search, select } = clusterOf(Array.from({ length: 250 }, () => ({})));
    // 250 x 48 % = 120 nodes a search.
    expect(select(podSpec({ cpu: '1' }))).toMatchObject({ examined: 120, feasible: 120, scored: 120 });
    expect(search.start).toBe(120);
    select(podSpec({ cpu: '1' }));
    expect(search.start).toBe(240);
    select(podSpec({ cpu: '1' }));
    expect(search.start).toBe(110); // 360 mod 250
    select(podSpec({ cpu: '100' })); // fits nowhere: all 250
    expect(search.start).toBe(110);
  });

  it('counts nodes that were passed over, and stops exactly at the last that was needed', () => {
    // Every third node is too small: 120 feasible are found within 179 or 180 positions.
    const { search, select } = clusterOf(
      Array.from({ length: 250 }, (_, i) => ({ cpu: i % 3 === 0 ? '1' : '4' })),
    );
    // Positions 0 (small), 1, 2, 3 (small), ...: 60 groups of 3 hold 120 feasible nodes, the last at position 179.
    expect(select(podSpec({ cpu: '2' }))).toMatchObject({ examined: 180, feasible: 120 });
    expect(search.start).toBe(180);
  });
});

describe('a pod that is pinned to a node', () => {
  it('looks at that node only, and its selector still counts', () => {
    const { select, state } = clusterOf([{}, {}, {}]);
    const decision = select(podSpec({ cpu: '1' }), 'n2');
    expect(state.nodeName(decision.node)).toBe('n2');
    expect(decision).toMatchObject({ examined: 1, feasible: 1 });
    expect(select(podSpec({}, { nodeSelector: { disk: 'ssd' } }), 'n2').node).toBe(-1);
  });
});

describe('the choice', () => {
  it('is the best; one of the equal best, each in turn', () => {
    const { select, state } = clusterOf([{ cpu: '2' }, {}, { cpu: '2' }, {}, {}]);
    const chosen = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const { node, ties } = select(podSpec({ cpu: '1', memory: '1Gi' }));
      expect(ties).toBe(3);
      chosen.add(state.nodeName(node));
    }
    expect([...chosen].sort()).toEqual(['n1', 'n3', 'n4']);
  });

  it('is not scored when one node is left', () => {
    const { select, state } = clusterOf([{ cpu: '1' }, {}, { cpu: '1' }]);
    const decision = select(podSpec({ cpu: '2' }));
    expect(state.nodeName(decision.node)).toBe('n1');
    expect(decision).toMatchObject({ examined: 3, feasible: 1, scored: 0, ties: 1 });
  });
});

describe('the message', () => {
  it('counts each reason, parts sorted as strings', () => {
    const { messageOf } = clusterOf([
      ...Array.from({ length: 10 }, () => ({ cpu: '1', memory: '1Gi' })),
      ...Array.from({ length: 2 }, () => ({ taints: [{ key: 'a', effect: 'NoSchedule' }] })),
      { unschedulable: true },
    ]);
    // 10 nodes lack both CPU and memory, so the counts exceed 13.
    expect(messageOf(podSpec({ cpu: '2', memory: '2Gi' }))).toBe(
      '0/13 nodes are available: 1 node(s) were unschedulable, 10 Insufficient cpu, 10 Insufficient memory, 2 node(s) had untolerated taint(s).',
    );
  });

  it('names the plug-in that restricted the search, also to nodes that do not exist', () => {
    const { messageOf } = clusterOf([{}, {}, {}]);
    const pinned = (...names: string[]): Json => ({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [
              { matchFields: names.map((n) => ({ key: 'metadata.name', operator: 'In', values: [n] })) },
            ],
          },
        },
      },
    });
    expect(messageOf(podSpec({}, pinned('gone')))).toBe(
      "0/3 nodes are available: 3 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
    expect(messageOf(podSpec({ cpu: '5' }, pinned('n1')))).toBe(
      "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) didn't satisfy plugin(s) [NodeAffinity].",
    );
    // A pod pinned by its row and not by its template is told the same.
    expect(messageOf(podSpec(), 'gone')).toBe(messageOf(podSpec({}, pinned('gone'))));
    expect(messageOf(podSpec({ cpu: '5' }), 'n1')).toBe(messageOf(podSpec({ cpu: '5' }, pinned('n1'))));
    // Two names in one term: no node has both.
    expect(messageOf(podSpec({}, pinned('n1', 'n2')))).toBe(
      '0/3 nodes are available: pod affinity terms conflict.',
    );
  });

  it('is cut at 1,024 bytes', () => {
    expect(cutMessage('x'.repeat(1024))).toHaveLength(1024);
    expect(cutMessage('x'.repeat(1025))).toBe(`${'x'.repeat(1020)} ...`);
  });
});

describe('the order of nodes', () => {
  it('takes one node of each zone in turn', () => {
    const order = new NodeOrder();
    for (const [node, zone] of [
      [0, 'a'],
      [1, 'a'],
      [2, 'a'],
      [3, 'b'],
      [4, 'c'],
      [5, 'c'],
    ] as const) {
      order.add(node, zone);
    }
    expect([...order.list()]).toEqual([0, 3, 4, 1, 5, 2]);
    expect(order.position(5)).toBe(4);
    // The first of a leaves: the others of a move up.
    order.remove(0);
    expect([...order.list()]).toEqual([1, 3, 4, 2, 5]);
    // The last of b leaves: the zone is gone; back again it comes last.
    order.remove(3);
    order.add(3, 'b');
    expect([...order.list()]).toEqual([1, 4, 3, 2, 5]);
    order.move(4, 'a');
    expect([...order.list()]).toEqual([1, 5, 3, 2, 4]);
  });
});

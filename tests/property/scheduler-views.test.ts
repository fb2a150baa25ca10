// The scheduler's view at an attempt, as objects, decided again by `place`: the answer must be the one that the attempt
// gave in the run. Random small clusters with labels, taints, affinity, spread constraints, priorities (so preemptions
// and nominations), host ports, images, deletions and nodes that come, change and go.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttemptEnd, AttemptStart, SchedulerView } from '../../engine/index.ts';
import { loadProfiles, place } from '../../engine/index.ts';
import type { Json, KubeObject } from '../../engine/kinds/kind.ts';
import { loadScenario } from '../../experiments/load.ts';
import { simulateBuiltIn } from '../../experiments/simulate.ts';
import { schedulerRegistry } from '../../policies/scheduler/index.ts';

interface Seen {
  readonly start: AttemptStart;
  readonly view: SchedulerView;
  readonly end: AttemptEnd;
}

async function attemptsOf(objects: readonly KubeObject[], until = '60s'): Promise<Seen[]> {
  const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const { scenario } = await loadScenario(['-'], {
    readStdin: () => new TextEncoder().encode(text),
    until,
  } as Parameters<typeof loadScenario>[1]);
  const seen: Seen[] = [];
  let open: { start: AttemptStart; view: SchedulerView } | null = null;
  simulateBuiltIn(scenario, {
    attempts: {
      wants: () => true,
      began(start) {
        open = { start, view: start.view() };
      },
      ended(end) {
        seen.push({ ...open!, end });
        return false;
      },
    },
  });
  return seen;
}

const loaded = loadProfiles(undefined, schedulerRegistry);
if ('problems' in loaded) throw new Error('the default profile is a profile');
const { settings } = loaded;

/** What `place` says about the pod of the attempt, in the terms of the attempt. */
function again({ view, start, end }: Seen): Json {
  const { cluster, pending, ...run } = view;
  const [pod] = place({ name: '', family: '', settings, cluster, pending, run }).pods;
  const same = {
    pod: pod!.pod,
    result: pod!.result,
    message: pod!.message ?? '',
    node:
      pod!.result === 'scheduled'
        ? pod!.best!.includes(end.node)
          ? end.node
          : pod!.best!.join()
        : pod!.result === 'preempting'
          ? pod!.preemption!.outcomes!.some(({ node }) => node === end.node)
            ? end.node
            : '?'
          : '',
  };
  return { ...same, pod: `${start.namespace}/${start.pod}` === pod!.pod ? pod!.pod : '?' };
}

const told = ({ start, end }: Seen): Json => ({
  pod: `${start.namespace}/${start.pod}`,
  result: end.result,
  // A node that others are nominated to may be told in other words; the recorded cut applies to Events only.
  message: end.message,
  node: end.node,
});

const node = (i: number, zone: number, cpu: number, tainted: boolean): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: {
    name: `n${i}`,
    labels: {
      'kubernetes.io/hostname': `n${i}`,
      'topology.kubernetes.io/zone': `z${zone}`,
      disk: i % 2 === 0 ? 'ssd' : 'hdd',
    },
  },
  spec: tainted ? { taints: [{ key: 'only', value: 'x', effect: 'NoSchedule' }] } : {},
  status: {
    allocatable: { cpu: String(cpu), memory: '4Gi', pods: '8', 'example.com/gpu': i % 3 === 0 ? '2' : '0' },
    images: i % 2 === 0 ? [{ names: ['app:1'], sizeBytes: 300_000_000 }] : [],
  },
});

interface PodPlan {
  readonly cpu: number;
  readonly priority: number;
  readonly what: number;
  readonly app: string;
}

function podSpec({ cpu, priority, what, app }: PodPlan): Json {
  const selector = { matchLabels: { app } };
  const term = { labelSelector: selector, topologyKey: 'kubernetes.io/hostname' };
  const zonal = { ...term, topologyKey: 'topology.kubernetes.io/zone' };
  const extra: Json[] = [
    {},
    { nodeSelector: { disk: 'ssd' } },
    { tolerations: [{ key: 'only', operator: 'Exists' }] },
    { affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } } },
    { affinity: { podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [zonal] } } },
    {
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'topology.kubernetes.io/zone',
          whenUnsatisfiable: 'DoNotSchedule',
          labelSelector: selector,
        },
      ],
    },
    {
      affinity: {
        podAntiAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 50, podAffinityTerm: zonal }],
        },
      },
    },
  ];
  const gpu = what === 7 ? { 'example.com/gpu': '1' } : {};
  return {
    priority,
    terminationGracePeriodSeconds: 1,
    containers: [
      {
        name: 'c',
        image: 'app:1',
        resources: { requests: { cpu: `${cpu}m`, memory: '64Mi', ...gpu }, limits: { ...gpu } },
        ...(what === 8 ? { ports: [{ containerPort: 80, hostPort: 8080 }] } : {}),
      },
    ],
    ...extra[what % extra.length],
  };
}

const deployment = (i: number, replicas: number, plan: PodPlan): KubeObject => {
  const labels = { app: plan.app };
  const { priority, ...spec } = podSpec(plan);
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: `d${i}`, namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { ...spec, priorityClassName: `p${priority}` } },
    },
  };
};

const classes = [0, 10, 100].map((value) => ({
  apiVersion: 'scheduling.k8s.io/v1',
  kind: 'PriorityClass',
  metadata: { name: `p${value}` },
  value,
}));

const plan = fc.record({
  cpu: fc.integer({ min: 100, max: 2500 }),
  priority: fc.constantFrom(0, 10, 100),
  what: fc.integer({ min: 0, max: 8 }),
  app: fc.constantFrom('a', 'b', 'c'),
});

describe('a view of the scheduler', () => {
  it('decided again gives what the attempt gave', async () => {
    let compared = 0;
    const results = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ zone: fc.nat(2), cpu: fc.integer({ min: 1, max: 6 }), tainted: fc.boolean() }), {
          minLength: 1,
          maxLength: 6,
        }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), plan), { minLength: 1, maxLength: 6 }),
        async (nodes, sets) => {
          const objects = [
            ...nodes.map(({ zone, cpu, tainted }, i) => node(i, zone, cpu, tainted)),
            ...classes,
            ...sets.map(([replicas, each], i) => deployment(i, replicas, each)),
          ];
          for (const seen of await attemptsOf(objects)) {
            results.add(seen.end.result);
            if (seen.end.result === 'dropped') continue;
            expect(again(seen)).toEqual(told(seen));
            compared += 1;
          }
        },
      ),
      { numRuns: 30, seed: 7 },
    );
    expect([...results].sort()).toEqual(expect.arrayContaining(['preempting', 'scheduled', 'unschedulable']));
    expect(compared).toBeGreaterThan(250);
  }, 120_000);
});

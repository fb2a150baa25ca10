// What would make a pod fit: one table of clusters in which exactly one thing is wrong, with the hints in their order.
// That hints change no decision is held against recorded cases by tests/oracle/scheduler.test.ts.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import type { Hint } from '../../../engine/scheduler/hints/index.ts';
import { lower } from '../../../engine/scheduler/hints/quantities.ts';
import { place } from '../../../engine/scheduler/snapshot.ts';
import { settingsOf } from './support.ts';

const node = (name: string, cpu: string, more: Json = {}, labels: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
  spec: more,
  status: { allocatable: { cpu, memory: '8Gi', pods: '10', 'example.com/gpu': '2' } },
});

const container = (cpu: string, more: Json = {}): Json => ({
  name: 'c',
  image: 'i',
  resources: { requests: { cpu, memory: '1Gi' } },
  ...more,
});

const pod = (name: string, spec: Json, labels: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [container('1')], ...spec },
});

const NOT_BELOW = 'its priority 0 is not below 0';

function hints(cluster: KubeObject[], pending: KubeObject): readonly Hint[] {
  const input = { name: '', family: '', settings: settingsOf(), cluster, pending: [pending] };
  const [told] = place({ ...input, hints: 1 }).pods;
  const { hints: given, ...rest } = told!;
  expect(rest, 'hints change no decision').toEqual(place(input).pods[0]);
  return given!;
}

const brief = (given: readonly Hint[]): string[] =>
  given.map(({ size, change, node: at, nodes, victim, preemption }) => {
    const rules = victim === undefined ? '' : ` [${preemption}]`;
    return `${size} ${change}${rules} -> ${at} of ${nodes}`;
  });

const ADD = (like: string, cpu: string): string =>
  `4 add a node like ${like} (cpu ${cpu}, memory 8Gi) -> (added) of 1`;

describe('what would make a pod fit', () => {
  const anti = {
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        { labelSelector: { matchLabels: { app: 'a' } }, topologyKey: 'kubernetes.io/hostname' },
      ],
    },
  };
  const spread = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector: { matchLabels: { app: 'a' } },
  };
  const cases: readonly [string, KubeObject[], KubeObject, string[]][] = [
    [
      // n1 has 4 - 1 = 3 free, n2 2: the pod may keep 3 of its 5, so it gives up 2/5.
      'the exact request that fits, and nothing for a node that would be too small as well',
      [node('n1', '4'), node('n2', '2'), pod('x', { nodeName: 'n1' })],
      pod('p', { containers: [container('5')] }),
      ['0.4 lower the request of cpu from 5 to 3 -> n1 of 1'],
    ],
    [
      // 3 of 4 CPUs are free and 7 of 8 Gi: no resource alone is enough. (5-3)/5 = 0.4, (14-7)/14 = 0.5; 0.5 + 1.
      'two requests together where none alone is enough',
      [node('n1', '4'), pod('x', { nodeName: 'n1' })],
      pod('p', {
        containers: [{ ...container('5'), resources: { requests: { cpu: '5', memory: '14Gi' } } }],
      }),
      ['1.5 lower the request of cpu from 5 to 3 and memory from 14Gi to 7Gi -> n1 of 1'],
    ],
    [
      'an extended resource',
      [node('n1', '4')],
      pod('p', {
        containers: [
          container('1', {
            resources: {
              requests: { cpu: '1', 'example.com/gpu': '3' },
              limits: { 'example.com/gpu': '3' },
            },
          }),
        ],
      }),
      ['0.333 lower the request of example.com/gpu from 3 to 2 -> n1 of 1'],
    ],
    [
      'a taint: tolerated, or taken off the node',
      [node('n1', '4', { taints: [{ key: 'team', value: 'x', effect: 'NoSchedule' }] })],
      pod('p', {}),
      ['1 tolerate the taint team=x:NoSchedule, or take it off n1 -> n1 of 1'],
    ],
    [
      'a cordoned node; one more node would be like it, not cordoned',
      [node('n1', '4', { unschedulable: true })],
      pod('p', {}),
      ['1 uncordon n1 -> n1 of 1', ADD('n1', '4')],
    ],
    [
      'one label, or the rule about it',
      [node('n1', '4', {}, { disk: 'hdd' }), node('n2', '4')],
      pod('p', { nodeSelector: { disk: 'ssd' } }),
      ['1 label n1 with disk=ssd -> n1 of 1', '2 drop nodeSelector disk=ssd -> n1 of 2'],
    ],
    [
      'a label that must not be there',
      [node('n1', '4', {}, { old: 'yes' })],
      pod('p', {
        affinity: {
          nodeAffinity: {
            requiredDuringSchedulingIgnoredDuringExecution: {
              nodeSelectorTerms: [{ matchExpressions: [{ key: 'old', operator: 'DoesNotExist' }] }],
            },
          },
        },
      }),
      [
        '1 remove the label old from n1 -> n1 of 1',
        '2 drop affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution -> n1 of 1',
      ],
    ],
    [
      'a host port that another pod holds',
      [
        node('n1', '4'),
        pod('x', {
          nodeName: 'n1',
          containers: [container('1', { ports: [{ containerPort: 1, hostPort: 80 }] })],
        }),
      ],
      pod('p', { containers: [container('1', { ports: [{ containerPort: 1, hostPort: 80 }] })] }),
      [
        '1 free host port 80/TCP, or give it up -> n1 of 1',
        `3 delete pod default/x on n1 [${NOT_BELOW}] -> n1 of 1`,
        ADD('n1', '4'),
      ],
    ],
    [
      'anti-affinity: the rule dropped, the pod in the way deleted',
      [node('n1', '4'), pod('x', { nodeName: 'n1' }, { app: 'a' })],
      pod('p', { affinity: anti }),
      [
        '2 drop affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0] (kubernetes.io/hostname) -> n1 of 1',
        `3 delete pod default/x on n1 [${NOT_BELOW}] -> n1 of 1`,
        ADD('n1', '4'),
      ],
    ],
    [
      // Skew 2 - 0 on n1 with n2 full: the pod that leaves n1 makes it 1 - 0.
      'a spread constraint whose other domain is full',
      [
        node('n1', '4'),
        node('n2', '1'),
        pod('x', { nodeName: 'n1' }, { app: 'a' }),
        pod('y', { nodeName: 'n2', priority: 7 }, { app: 'b' }),
      ],
      pod('p', { topologySpreadConstraints: [spread], priority: 5, preemptionPolicy: 'Never' }, { app: 'a' }),
      [
        '1 lower the request of cpu from 1 to 0 -> n2 of 1',
        '2 drop topologySpreadConstraints[0] (kubernetes.io/hostname, maxSkew 1) -> n1 of 1',
        '3 delete pod default/x on n1 [preemptionPolicy is Never] -> n1 of 1',
        ADD('n1', '4'),
      ],
    ],
    [
      'scheduling gates',
      [node('n1', '4')],
      pod('p', { schedulingGates: [{ name: 'a' }, { name: 'b' }] }),
      ['1 remove the scheduling gates a, b -> n1 of 1'],
    ],
    [
      'a claim that does not exist',
      [node('n1', '4')],
      pod('p', { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'data' } }] }),
      ['1 create claim data and bind it to a volume -> n1 of 1'],
    ],
    [
      'nothing single',
      [node('n1', '4', { taints: [{ key: 't', effect: 'NoExecute' }] })],
      pod('p', { nodeSelector: { a: 'b' } }),
      [],
    ],
  ];
  for (const [what, cluster, pending, expected] of cases) {
    it(what, () => {
      expect(brief(hints(cluster, pending))).toEqual(expected);
    });
  }
});

describe('a spec that asks for less', () => {
  const cpu = (...amounts: string[]): Json[] =>
    amounts.map((amount) => ({ resources: { requests: { cpu: amount } } }));
  const asked = (containers: Json[]): string[] => containers.map(({ resources }) => resources.requests.cpu);
  it('takes from the containers that ask for most', () => {
    const spec = { containers: cpu('3', '1', '500m') };
    lower(spec, 'cpu', 2000);
    // 4500 - 2000 = 2500 too much: all of it from the first.
    expect(asked(spec.containers)).toEqual(['500m', '1', '500m']);
  });
  it('counts sidecars and overhead, and caps init containers at what is left beside them', () => {
    const [sidecar] = cpu('500m');
    const spec = {
      overhead: { cpu: '100m' },
      initContainers: [{ ...sidecar, restartPolicy: 'Always' }, ...cpu('4')],
      containers: cpu('2'),
    };
    lower(spec, 'cpu', 1600);
    // 1600 - 100 = 1500 = 500 (sidecar) + 1000; init containers run beside the sidecar: 1000.
    expect(asked([...spec.initContainers, ...spec.containers])).toEqual(['500m', '1000m', '1000m']);
  });
});

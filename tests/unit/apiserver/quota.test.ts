// Quotas in a run: what is charged, what is refused and in which words, and what the controller gives back.
import { describe, expect, it } from 'vitest';
import type { TimedStep } from '../../../engine/contracts/scenario.ts';
import type { Timeline } from '../../../engine/contracts/timeline.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { simulateBuiltIn } from '../../../experiments/simulate.ts';
import {
  change,
  create,
  pod,
  SECOND,
  scenario,
  service,
  workload,
} from '../../property/simulation/scenario.ts';

const quota = (hard: Json, more: Json = {}, name = 'q'): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ResourceQuota',
  metadata: { name, namespace: 'default' },
  spec: { hard, ...more },
});

const plain = (kind: string, name: string): KubeObject => ({
  apiVersion: 'v1',
  kind,
  metadata: { name, namespace: 'default' },
});

/** Refusals of steps, and the quotas' use at the end. */
function play(steps: readonly TimedStep[], untilUs = 60 * SECOND) {
  const refused: string[] = [];
  let timeline: Timeline | undefined;
  const used: Record<string, Json> = {};
  simulateBuiltIn(scenario([{ count: 3 }], steps, { untilUs, stopWhenIdle: false }), {
    timeline: (told) => {
      timeline = told;
    },
    sinks: [
      {
        open: () => ({
          table: ({ name }) =>
            name === 'loss'
              ? { row: ([source, , , , note]) => void (source === 'kubectl' && refused.push(String(note))) }
              : null,
          close: () => {},
        }),
      },
    ],
  });
  for (const [name, fields] of Object.entries(timeline!.final))
    if (name.includes('ResourceQuota')) used[name] = fields;
  return { refused, used: used['ResourceQuota/q'], all: used, timeline: timeline! };
}

describe('charges', () => {
  // Three pods of 100m fill 300m; limits and counts are only told where the quota names them.
  it.each<[string, Json, KubeObject[], Json, string[]]>([
    [
      'pods by their requests',
      { 'requests.cpu': '300m', pods: '8' },
      ['a', 'b', 'c', 'd'].map((name) => pod(name, '100m')),
      { 'used.requests.cpu': '300m', 'used.pods': '3' },
      [
        '403 pods "d" is forbidden: exceeded quota: q, requested: requests.cpu=100m, used: requests.cpu=300m, limited: requests.cpu=300m',
      ],
    ],
    [
      'all that is exceeded, by name',
      { cpu: '100m', pods: '1' },
      [pod('a', '100m'), pod('b', '100m')],
      { 'used.cpu': '100m', 'used.pods': '1' },
      [
        '403 pods "b" is forbidden: exceeded quota: q, requested: cpu=100m,pods=1, used: cpu=100m,pods=1, limited: cpu=100m,pods=1',
      ],
    ],
    [
      'nothing for a pod that must state what it wants and does not',
      { 'limits.memory': '1Gi' },
      [pod('a', '100m')],
      { 'used.limits.memory': '0' },
      ['403 pods "a" is forbidden: failed quota: q: must specify limits.memory for: c'],
    ],
    // pods.go Constraints (v1.36): amounts of the pod itself, of whatever resource, make those of containers optional.
    [
      'a pod that states amounts of its own, as far as they go',
      { 'limits.memory': '1Gi', 'requests.cpu': '1' },
      [{ ...pod('a', '100m'), spec: { ...pod('a', '100m').spec, resources: { requests: { cpu: '300m' } } } }],
      { 'used.limits.memory': '0', 'used.requests.cpu': '300m' },
      [],
    ],
    [
      'objects by count',
      { 'count/deployments.apps': '1', services: '1' },
      [
        workload('Deployment', 'a', 0, '1m'),
        workload('Deployment', 'b', 0, '1m'),
        service('s'),
        service('t'),
      ],
      { 'used.count/deployments.apps': '1', 'used.services': '1' },
      [
        '403 deployments.apps "b" is forbidden: exceeded quota: q, requested: count/deployments.apps=1, used: count/deployments.apps=1, limited: count/deployments.apps=1',
        '403 services "t" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1',
      ],
    ],
    // Short names of the core group; ConfigMap kube-root-ca.crt is there already.
    [
      'Secrets and ConfigMaps',
      { secrets: '1', configmaps: '2' },
      [plain('Secret', 'a'), plain('Secret', 'b'), plain('ConfigMap', 'a'), plain('ConfigMap', 'b')],
      { 'used.secrets': '1', 'used.configmaps': '2' },
      [
        '403 configmaps "b" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=2, limited: configmaps=2',
        '403 secrets "b" is forbidden: exceeded quota: q, requested: secrets=1, used: secrets=1, limited: secrets=1',
      ],
    ],
    [
      'kinds of which there is none yet',
      { 'count/roles.rbac.authorization.k8s.io': '0' },
      [{ ...plain('Role', 'a'), apiVersion: 'rbac.authorization.k8s.io/v1' }],
      { 'used.count/roles.rbac.authorization.k8s.io': '0' },
      [
        '403 roles.rbac.authorization.k8s.io "a" is forbidden: exceeded quota: q, requested: count/roles.rbac.authorization.k8s.io=1, used: count/roles.rbac.authorization.k8s.io=0, limited: count/roles.rbac.authorization.k8s.io=0',
      ],
    ],
  ])('%s', (_title, hard, objects, used, refused) => {
    const run = play([create(0, quota(hard)), create(1000, ...objects)]);
    expect(run.used).toMatchObject(used);
    expect(run.refused).toEqual(refused);
  });

  it('nothing while the quota has no status yet: what it limits is not in force', () => {
    // The pod is sent at the answer to the quota's creation, before the controller's first write can be there.
    const { refused } = play([create(0, quota({ pods: '0' }), pod('a', '1m'))]);
    expect(refused).toEqual([]);
  });

  it.each<[string, Json, Json]>([
    // One pod without requests (BestEffort), one with.
    ['BestEffort', { scopes: ['BestEffort'] }, '1'],
    ['NotBestEffort', { scopes: ['NotBestEffort'] }, '1'],
    ['Terminating', { scopes: ['Terminating'] }, '0'],
    [
      'PriorityClass',
      {
        scopeSelector: {
          matchExpressions: [{ scopeName: 'PriorityClass', operator: 'In', values: ['high'] }],
        },
      },
      '1',
    ],
  ])('follow the scope %s', (_title, scope, used) => {
    const bare = pod('bare', '1m');
    bare['spec'] = { containers: [{ name: 'c', image: 'bare:v1' }] };
    const high = {
      apiVersion: 'scheduling.k8s.io/v1',
      kind: 'PriorityClass',
      metadata: { name: 'high' },
      value: 9,
    };
    const run = play([
      create(0, quota({ pods: '5' }, scope), high),
      create(1000, bare, pod('other', '1m', { priorityClassName: 'high' })),
    ]);
    expect(run.used).toMatchObject({ 'used.pods': used });
  });

  it('fall on every quota that a pod is under, or on none', () => {
    const run = play([
      create(0, quota({ pods: '5' }), quota({ 'requests.cpu': '100m' }, {}, 'r')),
      create(1000, pod('a', '100m'), pod('b', '100m')),
    ]);
    expect(run.all['ResourceQuota/q']).toMatchObject({ 'used.pods': '1' });
    expect(run.all['ResourceQuota/r']).toMatchObject({ 'used.requests.cpu': '100m' });
    expect(run.refused).toHaveLength(1);
  });

  it('are refused in the name of either quota that is full', () => {
    // GetQuotas (resource_access.go) reads them out of an index: the older stands in the first of a map's eight slots and
    // comes second to the other in one walk of eight. 160 refusals: 20 expected, standard deviation 4.2.
    const pods = Array.from({ length: 161 }, (_, i) => create(1000 + 100 * i, pod(`p${i}`, '100m')));
    const cpu = quota({ 'requests.cpu': '100m' }, {}, 'cpu');
    const { refused } = play([create(0, quota({ pods: '1' }), cpu), ...pods]);
    expect(refused).toHaveLength(160);
    const second = refused.filter((text) =>
      text.includes('exceeded quota: cpu, requested: requests.cpu=100m,'),
    );
    expect(second.length).toBeGreaterThan(8);
    expect(second.length).toBeLessThan(33);
  });
});

describe('changes', () => {
  const patchOf = (kind: string, name: string, body: Json, atUs = 5 * SECOND): TimedStep => ({
    atUs,
    do: 'patch',
    objects: [],
    target: { kind, namespace: 'default', name },
    patch: { type: 'merge', body },
  });
  const claim: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'c', namespace: 'default' },
    spec: {
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'slow',
      resources: { requests: { storage: '2Gi' } },
    },
  };
  const ports = (n: number): Json => Array.from({ length: n }, (_, i) => ({ name: `p${i}`, port: 80 + i }));

  const volume: KubeObject = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: { name: 'v' },
    spec: {
      capacity: { storage: '9Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'slow',
      hostPath: { path: '/v' },
    },
  };

  const growing: KubeObject = {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: 'slow' },
    provisioner: 'kubernetes.io/no-provisioner',
    allowVolumeExpansion: true,
  };

  it.each<[string, Json, KubeObject | KubeObject[], TimedStep, Json, string[]]>([
    [
      'of a Service to a type that takes node ports are charged them',
      { 'services.nodeports': '2' },
      service('s'),
      patchOf('Service', 's', { spec: { type: 'NodePort', ports: ports(2) } }),
      { 'used.services.nodeports': '2' },
      [],
    ],
    [
      'beyond the limit are refused, and change nothing',
      { 'services.nodeports': '1', services: '1' },
      service('s'),
      patchOf('Service', 's', { spec: { type: 'NodePort', ports: ports(2) } }),
      { 'used.services.nodeports': '0', 'used.services': '1' },
      [
        '403 services "s" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=0, limited: services.nodeports=1',
      ],
    ],
    [
      // Nothing of what a Service counts grows: it is not refused although the quota is full.
      'that use nothing more pass a full quota',
      { services: '1' },
      service('s'),
      patchOf('Service', 's', { spec: { ports: ports(3) } }),
      { 'used.services': '1' },
      [],
    ],
    [
      // 2Gi are charged already; 5Gi ask for 3Gi more, of which 2Gi are left. Only a bound claim may grow.
      'of a claim are charged by what it grows',
      { 'requests.storage': '4Gi' },
      [growing, volume, claim],
      patchOf('PersistentVolumeClaim', 'c', { spec: { resources: { requests: { storage: '5Gi' } } } }),
      { 'used.requests.storage': '2Gi' },
      [
        '403 persistentvolumeclaims "c" is forbidden: exceeded quota: q, requested: requests.storage=3Gi, used: requests.storage=2Gi, limited: requests.storage=4Gi',
      ],
    ],
    [
      'of other kinds are not looked at',
      { 'count/deployments.apps': '1' },
      workload('Deployment', 'a', 0, '1m'),
      patchOf('Deployment', 'a', { spec: { replicas: 2 } }),
      { 'used.count/deployments.apps': '1' },
      [],
    ],
  ])('%s', (_title, hard, objects, patch, used, refused) => {
    const run = play([create(0, quota(hard)), create(1000, ...[objects].flat()), patch], 20 * SECOND);
    expect(run.used).toMatchObject(used);
    expect(run.refused).toEqual(refused);
  });

  it('are written into the quota before the object: the row of the charge comes first', () => {
    const patch = patchOf('Service', 's', { spec: { type: 'NodePort' } });
    const { timeline } = play([
      create(0, quota({ 'services.nodeports': '5' })),
      create(1000, service('s')),
      patch,
    ]);
    const rows = [...timeline.transitions];
    const charge = rows.findIndex(({ w, v }) => w === 'used.services.nodeports' && v === '1');
    const change = rows.findIndex(({ o, w, v }) => o === 'Service/s' && w === 'type' && v === 'NodePort');
    expect(charge).toBeGreaterThan(-1);
    expect(change).toBeGreaterThan(charge);
  });
});

describe('what is given back', () => {
  it('by a pod that is deleted, and by one that has ended', () => {
    const ends = pod('ends', '100m', {
      restartPolicy: 'Never',
      annotations: { 'kubetick.io/run-ms': '2000' },
    });
    const steps = [
      create(0, quota({ pods: '3', 'count/pods': '3' })),
      create(1000, ends, pod('a', '1m'), pod('b', '1m')),
    ];
    const run = play([...steps, change(20_000, 'delete', 'Pod', 'a')]);
    // The pod that has ended is still an object: count/pods keeps it.
    expect(run.used).toMatchObject({ 'used.pods': '1', 'used.count/pods': '2' });
  });

  it('by a Secret that is deleted', () => {
    const steps = [
      create(0, quota({ secrets: '2' })),
      create(1000, plain('Secret', 'a'), plain('Secret', 'b')),
    ];
    const run = play([...steps, change(5000, 'delete', 'Secret', 'a')]);
    expect(run.used).toMatchObject({ 'used.secrets': '1' });
  });

  it('lets a refused ReplicaSet go on at its next try', () => {
    const run = play(
      [
        create(0, quota({ pods: '2' })),
        create(1000, workload('ReplicaSet', 'web', 2, '1m'), pod('late', '1m')),
        change(10_000, 'delete', 'Pod', 'late'),
      ],
      120 * SECOND,
    );
    expect(run.used).toMatchObject({ 'used.pods': '2' });
    expect(run.timeline.final['ReplicaSet/web']).toMatchObject({ 'status.replicas': 2 });
  });

  it('shows a new limit as soon as it is counted', () => {
    const patch: TimedStep = {
      atUs: 5 * SECOND,
      do: 'patch',
      objects: [],
      target: { kind: 'ResourceQuota', namespace: 'default', name: 'q' },
      patch: { type: 'merge', body: { spec: { hard: { pods: '9' } } } },
    };
    const { timeline } = play([create(0, quota({ pods: '2' })), patch]);
    const rows = [...timeline.transitions].filter((row) => row.w === 'hard.pods').map((row) => row.v);
    expect(rows).toEqual(['2', '9']);
  });
});

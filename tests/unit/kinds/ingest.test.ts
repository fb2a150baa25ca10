// API objects as rows and rows as API objects: what columns hold, what templates share, what a write changes.
import { describe, expect, it } from 'vitest';
import { materialiseNode, materialisePod, podUid } from '../../../engine/kinds/ingest/materialise.ts';
import { ingestNode } from '../../../engine/kinds/ingest/node.ts';
import { ingestPod } from '../../../engine/kinds/ingest/pod.ts';
import { heldRequests, nonZeroRequests, podRequests } from '../../../engine/kinds/ingest/pod-requests.ts';
import { podTemplateCompiler, templateParts } from '../../../engine/kinds/ingest/pod-template.ts';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import { ClusterState, Phase, PodBit, phaseOf, timestampUs } from '../../../engine/state/index.ts';

const MI = 1024 * 1024;

const node = (name: string, more: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name },
  spec: {},
  status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
  ...more,
});

const running = (name: string, nodeName: string, suffix = 'aaaaa', more: Json = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    generateName: 'web-',
    uid: `uid-${name}`,
    creationTimestamp: '2025-12-31T10:00:00Z',
    labels: { app: 'web' },
    ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: 'u', controller: true }],
    ...more.metadata,
  },
  spec: {
    nodeName,
    containers: [
      { name: 'c', image: 'app', volumeMounts: [{ name: `kube-api-access-${suffix}`, mountPath: '/s' }] },
    ],
    volumes: [{ name: `kube-api-access-${suffix}`, projected: { sources: [] } }],
    ...more.spec,
  },
  status: {
    phase: 'Running',
    conditions: [
      { type: 'Ready', status: 'True', lastTransitionTime: '2025-12-31T10:00:09Z' },
      { type: 'ContainersReady', status: 'True' },
    ],
    podIP: '10.244.3.7',
    startTime: '2025-12-31T10:00:01Z',
    containerStatuses: [{ name: 'c', restartCount: 2, ready: true }],
    ...more.status,
  },
});

const podWithout = (name: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'app' }] },
});

function cluster(...names: string[]): ClusterState {
  const state = new ClusterState(podTemplateCompiler);
  for (const name of names) {
    ingestNode(state, node(name), { name, zone: '', hostname: false, us: 0, revision: 1 });
  }
  return state;
}

const how = { owner: -1, us: 0, revision: 5 };

describe('a pod that is ingested', () => {
  it('becomes columns', () => {
    const state = cluster('n1', 'n2');
    const { pods } = state;
    const pod = ingestPod(state, running('web-1', 'n2'), how);
    expect(state.nodeName(pods.node[pod]!)).toBe('n2');
    expect(phaseOf(pods.word[pod]!)).toBe(Phase.running);
    const bits =
      PodBit.ready | PodBit.containersReady | PodBit.scheduled | PodBit.sandbox | PodBit.initialized;
    expect(pods.word[pod]! & bits).toBe(bits);
    expect(pods.word[pod]! & (PodBit.deleting | PodBit.unschedulable)).toBe(0);
    // 10.244.3.7
    expect(pods.ip[pod]! >>> 0).toBe(10 * 2 ** 24 + 244 * 2 ** 16 + 3 * 256 + 7);
    expect(pods.restarts[pod]).toBe(2);
    expect(podUid(state, pod)).toBe('uid-web-1');
    expect(state.podNames.find(state.texts.id('default'), state.texts.id('web-1'), -1)).toBe(pod);
  });

  it('keeps its deletion', () => {
    const state = cluster('n1');
    const metadata = { deletionTimestamp: '2026-01-01T00:00:20Z', deletionGracePeriodSeconds: 30 };
    const pod = ingestPod(state, running('web-1', 'n1', 'aaaaa', { metadata }), how);
    expect(state.pods.word[pod]! & PodBit.deleting).toBe(PodBit.deleting);
    // The virtual clock starts at 2026-01-01T00:00:00Z.
    expect(state.pods.deletionUs[pod]).toBe(20_000_000);
    expect(state.pods.graceSeconds[pod]).toBe(30);
    expect(timestampUs('2026-01-01T00:00:20Z')).toBe(20_000_000);
  });

  it('shares its template with equal pods of other nodes and token volumes', () => {
    const state = cluster('n1', 'n2');
    const a = ingestPod(state, running('web-1', 'n1', 'aaaaa'), how);
    const b = ingestPod(state, running('web-2', 'n2', 'bbbbb'), how);
    expect(state.pods.template[a]).toBe(state.pods.template[b]);
    expect(materialisePod(state, a)['spec'].volumes[0].name).toBe('kube-api-access-aaaaa');
    expect(materialisePod(state, b)['spec'].containers[0].volumeMounts[0].name).toBe('kube-api-access-bbbbb');
    expect(materialisePod(state, b)['spec'].nodeName).toBe('n2');
  });

  it('of a DaemonSet shares its template too: the node that it is pinned to is a column', () => {
    const state = cluster('n1', 'n2');
    const pinnedTo = (node: string): KubeObject => {
      const matchFields = [{ key: 'metadata.name', operator: 'In', values: [node] }];
      const required = { nodeSelectorTerms: [{ matchFields }] };
      const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: required } };
      const pod = running(`agent-${node}`, node);
      return { ...pod, spec: { ...pod['spec'], affinity } };
    };
    const a = ingestPod(state, pinnedTo('n1'), how);
    const b = ingestPod(state, pinnedTo('n2'), how);
    expect(state.pods.template[a]).toBe(state.pods.template[b]);
    expect(state.texts.text(state.pods.pinned[b]!)).toBe('n2');
    expect(materialisePod(state, b)['spec'].affinity).toEqual(pinnedTo('n2')['spec'].affinity);
    expect(state.pods.pinned[ingestPod(state, running('web-1', 'n1'), how)]).toBe(-1);
  });

  it('of a StatefulSet is named by its ordinal, and found under its name', () => {
    const state = cluster('n1');
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: 'u', controller: true };
    const metadata = { generateName: 'db-', ownerReferences: [owner] };
    const pod = ingestPod(state, running('db-12', 'n1', 'aaaaa', { metadata }), how);
    expect(state.pods.ordinal(pod)).toBe(12);
    expect(state.podName(pod)).toBe('db-12');
    expect(state.findPod(state.texts.id('default'), 'db-12')).toBe(pod);
    expect(state.findPod(state.texts.id('default'), 'db-2')).toBe(-1);
    expect(materialisePod(state, pod).metadata).toMatchObject({ name: 'db-12', generateName: 'db-' });
  });

  it('has the status that follows from its row where it came without one', () => {
    const state = cluster();
    const pod = ingestPod(state, podWithout('p'), how);
    expect(materialisePod(state, pod)['status']).toEqual({ phase: 'Pending', qosClass: 'BestEffort' });
  });

  it('waits with the name of a node that is not there', () => {
    const state = cluster('n1');
    const pod = ingestPod(state, running('web-1', 'gone', 'aaaaa', { status: { phase: 'Pending' } }), how);
    expect(state.pods.node[pod]).toBe(-1);
    expect(materialisePod(state, pod)['spec'].nodeName).toBe('gone');
  });

  it('is printed as it was given until it is written, then as its columns say', () => {
    const state = cluster('n1');
    const given = running('web-1', 'n1');
    const pod = ingestPod(state, given, how);
    expect(materialisePod(state, pod)).toEqual({
      ...given,
      metadata: { ...given.metadata, generation: 1, resourceVersion: '5' },
    });
    state.pods.word[pod] = (state.pods.word[pod]! & ~PodBit.ready & ~PodBit.phaseMask) | Phase.failed;
    state.pods.revision[pod] = 6;
    const { metadata, status } = materialisePod(state, pod);
    expect(status).toMatchObject({ phase: 'Failed', podIP: '10.244.3.7', startTime: '2025-12-31T10:00:01Z' });
    expect(status.conditions.find(({ type }: Json) => type === 'Ready').status).toBe('False');
    expect(metadata.uid).toBe('uid-web-1');
  });
});

describe('a pod that the run creates', () => {
  const create = (metadata: Json, spec: Json, suffix: number) => {
    const state = cluster();
    const pod: KubeObject = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { containers: [], ...spec } };
    const template = state.templates.intern(templateParts(pod));
    const row = state.pods.create({
      namespace: state.texts.id('default'),
      nameBase: state.texts.id(metadata.name ?? metadata.generateName),
      nameSuffix: suffix,
      template: template.id,
      labelSet: template.labelSet,
      owner: -1,
      priority: 0,
      createdUs: 3_000_000,
      revision: 9,
      runUs: Number.NaN,
    });
    return materialisePod(state, row);
  };

  it('has its generateName, whether that made the name or not', () => {
    // Suffix 0 is five times the first letter of the alphabet.
    expect(create({ generateName: 'web-' }, {}, 0).metadata).toMatchObject({
      name: 'web-bbbbb',
      generateName: 'web-',
      creationTimestamp: '2026-01-01T00:00:03Z',
    });
    expect(create({ generateName: 'web-', name: 'own' }, {}, -1).metadata).toMatchObject({
      name: 'own',
      generateName: 'web-',
    });
  });

  it('says that it waits for its gates', () => {
    const { status } = create({ name: 'p' }, { schedulingGates: [{ name: 'a' }] }, -1);
    expect(status.conditions).toEqual([
      expect.objectContaining({ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }),
    ]);
  });
});

describe('what a pod asks for', () => {
  const container = (name: string, cpu?: string, memory?: string, more: Json = {}): Json => ({
    name,
    resources: { requests: { ...(cpu ? { cpu } : {}), ...(memory ? { memory } : {}) } },
    ...more,
  });
  const sidecar = { restartPolicy: 'Always' };

  it.each<[string, Json, number, number]>([
    // 100 + 250
    ['sums containers', { containers: [container('a', '100m'), container('b', '250m', '1Mi')] }, 350, 1],
    // max(100, 900)
    [
      'takes the largest init container',
      { containers: [container('a', '100m')], initContainers: [container('i', '900m')] },
      900,
      0,
    ],
    // sidecar 200 stays: containers 100 + 200 = 300; the init container after it 900 + 200
    [
      'adds sidecars to what starts after them',
      {
        containers: [container('a', '100m')],
        initContainers: [container('s', '200m', undefined, sidecar), container('i', '900m')],
      },
      1100,
      0,
    ],
    // the init container before the sidecar runs without it: max(900, 200, 300)
    [
      'does not add sidecars to what starts before them',
      {
        containers: [container('a', '100m')],
        initContainers: [container('i', '900m'), container('s', '200m', undefined, sidecar)],
      },
      900,
      0,
    ],
    // pod level 500m replaces 100m, overhead 10m is added; memory stays the containers'
    [
      'takes pod-level requests per resource, and overhead on top',
      {
        containers: [container('a', '100m', '3Mi')],
        resources: { requests: { cpu: '500m' } },
        overhead: { cpu: '10m' },
      },
      510,
      3,
    ],
  ])('%s', (_name, spec, cpu, memoryMi) => {
    const requests = podRequests(spec, null);
    expect([requests.get('cpu') ?? 0, (requests.get('memory') ?? 0) / MI]).toEqual([cpu, memoryMi]);
  });

  it('counts 100m and 200 MiB for a container that asks for none', () => {
    const spec = { containers: [container('a', '1'), container('b')] };
    // cpu 1000 + 100; memory 200 + 200
    expect(nonZeroRequests(spec, null, podRequests(spec, null))).toEqual({
      cpuMilli: 1100,
      memoryBytes: 400 * MI,
    });
  });

  const resized = (status: Json, conditions: Json = []): Json => ({
    conditions,
    containerStatuses: [{ name: 'a', ...status }],
  });
  const spec = { containers: [container('a', '500m', '300Mi')] };

  it.each<[string, Json, number, number]>([
    // asks 500m/300Mi, allocated 200m/400Mi, has 700m/100Mi
    [
      'the largest of asked, allocated and held',
      resized({
        allocatedResources: { cpu: '200m', memory: '400Mi' },
        resources: { requests: { cpu: '700m', memory: '100Mi' } },
      }),
      700,
      400,
    ],
    [
      'not what is asked while the resize is infeasible',
      resized(
        {
          allocatedResources: { cpu: '200m', memory: '100Mi' },
          resources: { requests: { cpu: '200m', memory: '100Mi' } },
        },
        [{ type: 'PodResizePending', status: 'True', reason: 'Infeasible' }],
      ),
      200,
      100,
    ],
    [
      'only the spec where the status has no resources',
      resized({ allocatedResources: { cpu: '9', memory: '9Gi' } }),
      500,
      300,
    ],
    [
      'the spec where the status says the same',
      resized({
        allocatedResources: { cpu: '0.5', memory: '300Mi' },
        resources: { requests: { cpu: '500m', memory: '300Mi' } },
      }),
      500,
      300,
    ],
  ])('counts of a resize %s', (_name, status, cpu, memoryMi) => {
    const requests = podRequests(spec, heldRequests(spec, status));
    expect([requests.get('cpu'), requests.get('memory')! / MI]).toEqual([cpu, memoryMi]);
  });

  it('does not make templates differ where a status repeats the spec', () => {
    const same = {
      allocatedResources: { cpu: '0.5', memory: '300Mi' },
      resources: { requests: { cpu: '500m', memory: '300Mi' } },
    };
    expect(heldRequests(spec, resized(same))).toBeNull();
    const state = cluster('n1');
    const a = ingestPod(state, running('a', 'n1', 'aaaaa', { spec }), how);
    const b = ingestPod(state, running('b', 'n1', 'aaaaa', { spec, status: resized(same) }), how);
    const other = { resources: { requests: { cpu: '2', memory: '300Mi' } } };
    const c = ingestPod(state, running('c', 'n1', 'aaaaa', { spec, status: resized(other) }), how);
    expect(state.pods.template[a]).toBe(state.pods.template[b]);
    expect(state.pods.template[c]).not.toBe(state.pods.template[a]);
    expect([state.template(a).cpuMilli, state.template(c).cpuMilli]).toEqual([500, 2000]);
    // The spec that is printed is the given one.
    expect(materialisePod(state, c)['spec'].containers).toEqual(spec.containers);
  });
});

describe('a node', () => {
  it('keeps what the model does not read, and shows its images as they change', () => {
    const state = new ClusterState(podTemplateCompiler);
    const images = [
      { names: ['app@sha256:1', 'app:v1'], sizeBytes: 100 },
      { names: ['db'], sizeBytes: 200 },
    ];
    const given = node('n1', {
      metadata: {
        name: 'n1',
        uid: 'u-1',
        creationTimestamp: '2025-01-01T00:00:00Z',
        annotations: { a: 'b' },
      },
      spec: { podCIDR: '10.244.0.0/24', taints: [{ key: 'k', effect: 'NoSchedule' }], unschedulable: true },
      status: { allocatable: { cpu: '4' }, nodeInfo: { kubeletVersion: 'v1.36.3' }, images },
    });
    const row = ingestNode(state, given, { name: 'n1', zone: '', hostname: false, us: 0, revision: 7 });
    expect(materialiseNode(state, row)).toEqual({
      ...given,
      metadata: { ...given.metadata, resourceVersion: '7' },
    });
    // db is removed, web was pulled.
    const web = state.images.id('web:v2');
    state.imageBytes[web] = 300;
    state.nodes.images[row] = [state.images.id('app@sha256:1'), state.images.id('app:v1'), web];
    expect(materialiseNode(state, row)['status'].images).toEqual([
      images[0],
      { names: ['web:v2'], sizeBytes: 300 },
    ]);
  });

  it('that joins during the run is as old as its joining', () => {
    const state = cluster();
    const row = ingestNode(state, node('n9'), {
      name: 'n9',
      zone: 'z',
      hostname: true,
      us: 90_000_000,
      revision: 1,
    });
    const { metadata } = materialiseNode(state, row);
    expect(metadata.creationTimestamp).toBe('2026-01-01T00:01:30Z');
    expect(metadata.labels).toEqual({ 'kubernetes.io/hostname': 'n9', 'topology.kubernetes.io/zone': 'z' });
    expect(metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });
});

// Claims and the scheduler: which nodes a bound claim leaves, which volume a waiting claim takes, and what one pod's choice
// leaves to the next.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import {
  claim,
  claimed,
  decide,
  first,
  LATE,
  LOCAL,
  limits,
  NOW,
  node,
  object,
  on,
  pod,
  storageClass,
  verdicts,
  volume,
  whole,
  ZONE,
} from './volume-cases.ts';

const GIB = 1024 ** 3;

describe('claims that are bound', () => {
  it('stay with nodes that their volume can be used on', () => {
    const cluster = [
      node('a'),
      node('b'),
      NOW,
      claim('c', 'now', { to: 'v' }),
      volume('v', 'now', { nodeAffinity: on('b') }),
    ];
    expect(first(cluster, claimed('c'))).toEqual({
      a: "VolumeBinding: node(s) didn't match PersistentVolume's node affinity",
      b: '-',
    });
  });

  it.each<[string, Json, Json, Record<string, string>]>([
    [
      'one zone',
      { [ZONE]: 'z1' },
      {},
      { a: '-', b: 'VolumeZone: node(s) had no available volume zone', c: '-' },
    ],
    ['a set of zones', { [ZONE]: 'z1__z2' }, {}, { a: '-', b: '-', c: '-' }],
    ['an empty member makes the label unreadable', { [ZONE]: 'z9__' }, {}, { a: '-', b: '-', c: '-' }],
    [
      'the older label is compared with the newer one of nodes',
      { 'failure-domain.beta.kubernetes.io/zone': 'z2' },
      {},
      { a: 'VolumeZone: node(s) had no available volume zone', b: '-', c: '-' },
    ],
  ])('stay in their zone: %s', (_name, labels, spec, verdict) => {
    const nodes = [node('a', { [ZONE]: 'z1' }), node('b', { [ZONE]: 'z2' }), node('c')];
    const cluster = [...nodes, NOW, claim('c', 'now', { to: 'v' }), volume('v', 'now', spec, labels)];
    expect(first(cluster, claimed('c'))).toEqual(verdict);
  });

  it('to a migrated disk are looked for under the label of its driver', () => {
    const key = 'topology.ebs.csi.aws.com/zone';
    const migrated = { 'storage.alpha.kubernetes.io/migrated-plugins': 'kubernetes.io/aws-ebs' };
    const terms = [{ matchExpressions: [{ key: ZONE, operator: 'In', values: ['z1'] }] }];
    const spec = {
      csi: undefined,
      awsElasticBlockStore: { volumeID: 'vol-1' },
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
    };
    const cluster = [
      // a knows only the driver's label, b only the common one; both say that EBS is migrated, c does not.
      node('a', { [key]: 'z1' }),
      node('b', { [ZONE]: 'z1' }),
      node('c', { [ZONE]: 'z1' }),
      limits('a', {}, migrated),
      limits('b', {}, migrated),
      limits('c', {}),
      NOW,
      claim('c', 'now', { to: 'v' }),
      JSON.parse(JSON.stringify(volume('v', 'now', spec))),
    ];
    const rejected = "VolumeBinding: node(s) didn't match PersistentVolume's node affinity";
    expect(first(cluster, claimed('c'))).toEqual({ a: '-', b: rejected, c: '-' });
  });
});

describe('a claim that waits for its pod', () => {
  const none = "VolumeBinding: node(s) didn't find available persistent volumes to bind";

  it('takes the smallest volume that fits, on a node that can use it', () => {
    const cluster = [
      node('a'),
      node('b'),
      LOCAL,
      volume('large', 'local', { capacity: { storage: '9Gi' }, nodeAffinity: on('a') }),
      volume('small', 'local', { capacity: { storage: '3Gi' }, nodeAffinity: on('a') }),
      volume('tiny', 'local', { capacity: { storage: '1Gi' }, nodeAffinity: on('b') }),
      claim('c', 'local', { storage: '2Gi' }),
      claim('d', 'local', { storage: '4Gi' }),
    ];
    // c takes `small`, so that `large` is left for d.
    const [c, d, again] = decide(cluster, [
      pod('x', claimed('c')),
      pod('y', claimed('d')),
      pod('z', claimed('d')),
    ]);
    expect(verdicts(c!)).toEqual({ a: '-', b: none });
    expect(verdicts(d!)).toEqual({ a: '-', b: none });
    // d has its volume: a second pod of it goes there, too.
    expect(verdicts(again!)).toEqual({ a: '-', b: none });
  });

  it('needs a volume of its own for each claim of the pod', () => {
    const cluster = [
      node('a'),
      node('b'),
      LOCAL,
      volume('a1', 'local', { nodeAffinity: on('a') }),
      volume('b1', 'local', { capacity: { storage: '2Gi' }, nodeAffinity: on('b') }),
      volume('b2', 'local', { capacity: { storage: '3Gi' }, nodeAffinity: on('b') }),
      claim('c', 'local'),
      claim('d', 'local'),
    ];
    expect(first(cluster, claimed('c', 'd'))).toEqual({ a: none, b: '-' });
  });

  it.each<[string, Json, Json, Json]>([
    ['too small', { capacity: { storage: '512Mi' } }, {}, {}],
    ['another mode', { volumeMode: 'Block' }, {}, {}],
    ['other access', { accessModes: ['ReadOnlyMany'] }, {}, {}],
    ['other labels', {}, { tier: 'slow' }, { selector: { matchLabels: { tier: 'fast' } } }],
    // FindMatchingVolume of component-helpers/storage/volume/pv_helpers.go compares the classes, either way round.
    ['of a class of attributes', { volumeAttributesClassName: 'gold' }, {}, {}],
    ['without the class of attributes', {}, {}, { volumeAttributesClassName: 'gold' }],
    ['promised to another claim', { claimRef: { namespace: 'default', name: 'other' } }, {}, {}],
    [
      'promised to an older claim of the name',
      { claimRef: { namespace: 'default', name: 'c', uid: 'old' } },
      {},
      {},
    ],
  ])('does not take a volume that is %s', (_name, spec, labels, over) => {
    const cluster = [node('a'), LOCAL, volume('v', 'local', spec, labels), claim('c', 'local', { over })];
    expect(first(cluster, claimed('c'))).toEqual({ a: none });
  });

  it('takes a volume of its class of attributes', () => {
    const gold = { volumeAttributesClassName: 'gold' };
    const cluster = [node('a'), LOCAL, volume('v', 'local', gold), claim('c', 'local', { over: gold })];
    expect(first(cluster, claimed('c'))).toEqual({ a: '-' });
  });

  it('takes the volume that names it before all others, wherever that is', () => {
    const cluster = [
      node('a'),
      node('b'),
      LOCAL,
      volume('free', 'local', { nodeAffinity: on('a') }),
      volume('own', 'local', {
        capacity: { storage: '9Gi' },
        nodeAffinity: on('b'),
        claimRef: { namespace: 'default', name: 'c' },
      }),
      claim('c', 'local'),
    ];
    expect(first(cluster, claimed('c'))).toEqual({ a: none, b: '-' });
  });

  it('is provisioned where the class allows it, and from then on stays with that node', () => {
    const allowed = [{ matchLabelExpressions: [{ key: ZONE, values: ['z1'] }] }];
    const cluster = [
      node('a', { [ZONE]: 'z1' }),
      node('b', { [ZONE]: 'z1' }),
      node('c', { [ZONE]: 'z2' }),
      storageClass('late', 'csi.example.com', { allowedTopologies: allowed }),
      claim('c', 'late'),
    ];
    const [before, after] = decide(cluster, [pod('x', claimed('c')), pod('y', claimed('c'))]);
    expect(verdicts(before!)).toEqual({ a: '-', b: '-', c: none });
    expect(before!.node).toBe('a');
    expect(verdicts(after!)).toEqual({ a: '-', b: none, c: none });
  });

  it('needs storage that the driver has within reach of the node', () => {
    const pool = (zone: string, fields: Json): KubeObject =>
      object(
        'CSIStorageCapacity',
        `pool-${zone}`,
        {
          storageClassName: 'late',
          nodeTopology: { matchLabels: { [ZONE]: zone } },
          ...fields,
        },
        { namespace: 'kube-system' },
      );
    const cluster = [
      ...['z1', 'z2', 'z3', 'z4'].map((zone) => node(zone, { [ZONE]: zone })),
      LATE,
      object('CSIDriver', 'csi.example.com', { spec: { storageCapacity: true } }),
      pool('z1', { capacity: '10Gi' }),
      pool('z2', { capacity: '4Gi' }),
      // One volume may have 4 GiB at most, however much is left.
      pool('z3', { capacity: '100Gi', maximumVolumeSize: String(4 * GIB) }),
      claim('c', 'late', { storage: '5Gi' }),
    ];
    const short = 'VolumeBinding: node(s) did not have enough free storage';
    expect(first(cluster, claimed('c'))).toEqual({ z1: '-', z2: short, z3: short, z4: short });
  });
});

describe('a claim that no node can help', () => {
  const text = (reason: string): string => `0/1 nodes are available: ${reason}. not found`;
  const ephemeral = [{ name: 'e', ephemeral: { volumeClaimTemplate: { spec: {} } } }];
  const deleted = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
  it.each<[string, KubeObject[], Json[], string]>([
    ['is missing', [], claimed('c'), 'persistentvolumeclaim "c" not found'],
    [
      'is not bound, and does not wait for pods',
      [NOW, claim('c', 'now')],
      claimed('c'),
      'pod has unbound immediate PersistentVolumeClaims',
    ],
    [
      'is of a class that does not exist',
      [claim('c', 'absent')],
      claimed('c'),
      'pod has unbound immediate PersistentVolumeClaims',
    ],
    [
      'has lost its volume',
      [NOW, claim('c', 'now', { to: 'v', phase: 'Lost' })],
      claimed('c'),
      'persistentvolumeclaim "c" bound to non-existent persistentvolume "v"',
    ],
    [
      'is being deleted',
      [NOW, claim('c', 'now', { to: 'v', ...deleted })],
      claimed('c'),
      'persistentvolumeclaim "c" is being deleted',
    ],
    [
      'names a volume that is gone',
      [NOW, claim('c', 'now', { to: 'v' })],
      claimed('c'),
      'persistentvolume "v" not found',
    ],
    [
      'is not made yet',
      [],
      ephemeral,
      'waiting for ephemeral volume controller to create the persistentvolumeclaim "new-e"',
    ],
    [
      'is made for another pod',
      [LATE, claim('new-e', 'late')],
      ephemeral,
      'PVC default/new-e was not created for pod default/new (pod is not owner)',
    ],
  ])('%s', (_name, cluster, volumes, reason) => {
    expect(whole(cluster, volumes)).toBe(text(reason));
  });

  it('is told by VolumeBinding where VolumeZone is off', () => {
    const config = {
      apiVersion: 'kubescheduler.config.k8s.io/v1',
      kind: 'KubeSchedulerConfiguration',
      profiles: [{ plugins: { multiPoint: { disabled: [{ name: 'VolumeZone' }] } } }],
    };
    const [only] = decide(
      [node('a'), NOW, claim('c', 'now', { to: 'v' })],
      [pod('new', claimed('c'))],
      config,
    );
    expect(verdicts(only!)).toEqual({
      a: 'VolumeBinding: node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)',
    });
  });
});

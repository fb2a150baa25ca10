// Volumes and the scheduler: disks that one node mounts, claims for one pod, limits of drivers; and features of nodes.
import { describe, expect, it } from 'vitest';
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import {
  claim,
  claimed,
  decide,
  first,
  LATE,
  limits,
  NOW,
  node,
  object,
  pod,
  running,
  verdicts,
  volume,
} from './volume-cases.ts';

describe('a disk that one node mounts', () => {
  const disk = (source: string, fields: Json): Json => ({ name: 'd', [source]: fields });
  const rbd = (monitors: string[], image = 'i', more: Json = {}): Json =>
    disk('rbd', { monitors, pool: 'p', image, ...more });
  const taken = 'VolumeRestrictions: node(s) had no available disk';
  it.each([
    [
      'EBS twice',
      disk('awsElasticBlockStore', { volumeID: 'x' }),
      disk('awsElasticBlockStore', { volumeID: 'x' }),
      taken,
    ],
    // EBS allows no second mount even if both only read.
    [
      'EBS twice, to read',
      disk('awsElasticBlockStore', { volumeID: 'x', readOnly: true }),
      disk('awsElasticBlockStore', { volumeID: 'x', readOnly: true }),
      taken,
    ],
    [
      'two EBS volumes',
      disk('awsElasticBlockStore', { volumeID: 'x' }),
      disk('awsElasticBlockStore', { volumeID: 'y' }),
      '-',
    ],
    [
      'GCE, one writes',
      disk('gcePersistentDisk', { pdName: 'x', readOnly: true }),
      disk('gcePersistentDisk', { pdName: 'x' }),
      taken,
    ],
    [
      'GCE, both read',
      disk('gcePersistentDisk', { pdName: 'x', readOnly: true }),
      disk('gcePersistentDisk', { pdName: 'x', readOnly: true }),
      '-',
    ],
    [
      'iSCSI by its name alone, whatever the unit',
      disk('iscsi', { targetPortal: '10.0.0.1', iqn: 'iqn.x', lun: 0 }),
      disk('iscsi', { targetPortal: '10.0.0.2', iqn: 'iqn.x', lun: 1 }),
      taken,
    ],
    ['RBD over a common monitor', rbd(['m1', 'm2']), rbd(['m2', 'm3']), taken],
    ['RBD over other monitors', rbd(['m1']), rbd(['m2']), '-'],
    ['RBD, both read', rbd(['m1'], 'i', { readOnly: true }), rbd(['m1'], 'i', { readOnly: true }), '-'],
  ])('%s', (_name, held, wanted, verdict) => {
    const cluster = [node('a'), node('b'), running('old', 'a', [held])];
    expect(first(cluster, [wanted])).toEqual({ a: verdict, b: '-' });
  });
});

describe('a ReadWriteOncePod claim', () => {
  const one = (name: string): KubeObject[] => [
    claim(name, 'now', { modes: ['ReadWriteOncePod'], to: `pv-${name}` }),
    volume(`pv-${name}`, 'now', { accessModes: ['ReadWriteOncePod'] }),
  ];
  const inUse =
    'VolumeRestrictions: node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod';

  it('in use keeps the next pod off all nodes, and preemption frees it on the node of its user', () => {
    const cluster = [node('a'), node('b'), NOW, ...one('c'), running('old', 'a', claimed('c'))];
    const [later] = decide(cluster, [pod('new', claimed('c'), { priority: 10 })]);
    expect(verdicts(later!)).toEqual({ a: inUse, b: inUse });
    expect(later!.preemption!.outcomes).toEqual([{ node: 'a', victims: ['default/old'] }]);
    expect(later!.placed).toBe(true);
  });

  it('belongs to its first pod from the moment of the decision', () => {
    const [before, after] = decide(
      [node('a'), node('b'), NOW, ...one('c')],
      [pod('x', claimed('c')), pod('y', claimed('c'))],
    );
    expect(before!.result).toBe('scheduled');
    expect(verdicts(after!)).toEqual({ a: inUse, b: inUse });
  });

  it('two of which are in use is not freed by one victim', () => {
    const cluster = [
      node('a'),
      node('b'),
      NOW,
      ...one('c'),
      ...one('d'),
      running('x', 'a', claimed('c')),
      running('y', 'b', claimed('d')),
    ];
    const [later] = decide(cluster, [pod('new', claimed('c', 'd'), { priority: 10 })]);
    expect(later!.result).toBe('unschedulable');
  });
});

describe('limits of a CSI driver', () => {
  const full = 'NodeVolumeLimits: node(s) exceed max volume count';
  const bound = (...names: string[]): KubeObject[] =>
    names.flatMap((name) => [claim(name, 'now', { to: `pv-${name}` }), volume(`pv-${name}`, 'now')]);
  const two = { 'csi.example.com': 2 };

  it.each<[string, KubeObject[], Json[], string]>([
    // 1 in use + 1 new = 2 of 2.
    ['leave room', [running('r', 'a', claimed('x'))], claimed('y'), '-'],
    // 2 in use + 1 new = 3 of 2.
    ['are reached', [running('r', 'a', claimed('x', 'z'))], claimed('y'), full],
    // x is there already: 2 in use + 0 new.
    ['do not count a volume twice', [running('r', 'a', claimed('x', 'z'))], claimed('x'), '-'],
    // 1 in use + 2 new = 3 of 2.
    ['count all claims of a pod', [running('r', 'a', claimed('x'))], claimed('y', 'z'), full],
    // late-1 is to be provisioned by the same driver: 2 in use + 1 new.
    [
      'count what is still to be provisioned',
      [running('r', 'a', claimed('x', 'z'))],
      claimed('late-1'),
      full,
    ],
    [
      'do not count claims that are gone',
      [running('r', 'a', claimed('gone-1', 'gone-2'))],
      claimed('x'),
      '-',
    ],
  ])('%s', (_name, pods, volumes, verdict) => {
    const cluster = [
      node('a'),
      NOW,
      LATE,
      ...bound('x', 'y', 'z'),
      claim('late-1', 'late'),
      limits('a', two),
      ...pods,
    ];
    expect(first(cluster, volumes)).toEqual({ a: verdict });
  });

  const attachment = (of: string): KubeObject =>
    object('VolumeAttachment', `att-${of}`, {
      spec: { attacher: 'csi.example.com', nodeName: 'a', source: { persistentVolumeName: of } },
    });
  it.each<[string, KubeObject[], Json[], string]>([
    // pv-x by its pod and its attachment is one; 1 + 1 new = 2.
    [
      'the volume of a pod of the node: counted once',
      [running('r', 'a', claimed('x')), attachment('pv-x')],
      claimed('y'),
      '-',
    ],
    // pv-z has no pod here: 1 + 1 + 1 new = 3 of 2.
    [
      'of no pod here: takes a place',
      [running('r', 'a', claimed('x')), attachment('pv-z')],
      claimed('y'),
      full,
    ],
    // The pod's own volume, attached already, counts as attached and as new: 1 + 1 + 1 = 3 of 2.
    [
      'of the pod itself: counted twice',
      [running('r', 'a', claimed('x')), attachment('pv-y')],
      claimed('y'),
      full,
    ],
  ])('an attachment %s', (_name, more, volumes, verdict) => {
    expect(first([node('a'), NOW, ...bound('x', 'y', 'z'), limits('a', two), ...more], volumes)).toEqual({
      a: verdict,
    });
  });

  it('hold for in-tree disks of the driver, and only where there is a CSINode', () => {
    const ebs = (id: string): Json => ({ name: id, awsElasticBlockStore: { volumeID: id } });
    const cluster = [node('a'), node('b'), limits('a', { 'ebs.csi.aws.com': 1 })];
    const held = [running('r', 'a', [ebs('vol-1')]), running('s', 'b', [ebs('vol-2')])];
    expect(first([...cluster, ...held], [ebs('vol-3')])).toEqual({ a: full, b: '-' });
  });
});

describe('features that nodes declare', () => {
  it('are asked for by pods whose containers restart all others', () => {
    const rules = [{ action: 'RestartAllContainers', exitCodes: { operator: 'In', values: [42] } }];
    const containers = [{ name: 'c', image: 'app:v1', restartPolicy: 'Never', restartPolicyRules: rules }];
    const nodes = [node('a'), node('b', {}, { declaredFeatures: ['RestartAllContainersOnContainerExits'] })];
    const [asking, plain] = decide(nodes, [pod('x', [], { containers }), pod('y', [])]);
    expect(verdicts(asking!)).toEqual({
      a: "NodeDeclaredFeatures: node(s) didn't match Pod's required features",
      b: '-',
    });
    expect(verdicts(plain!)).toEqual({ a: '-', b: '-' });
  });
});

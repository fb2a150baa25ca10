// Volumes, claims and classes: defaults and refusals.
import { describe, expect, it } from 'vitest';
import { kinds as volumes } from '../../../engine/kinds/persistentvolume.ts';
import { kinds as claims } from '../../../engine/kinds/persistentvolumeclaim.ts';
import { kinds as storage } from '../../../engine/kinds/storage.ts';
import { outcomeOf, refusals } from './table.ts';

const base = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'] };
const claim = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };

describe('PersistentVolume', () => {
  it('is a retained file system volume', () => {
    const { object } = outcomeOf(volumes, 'PersistentVolume', {
      spec: { ...base, hostPath: { path: '/x' } },
    });
    expect(object.spec).toMatchObject({
      persistentVolumeReclaimPolicy: 'Retain',
      volumeMode: 'Filesystem',
      hostPath: { path: '/x', type: '' },
    });
    expect(object.status).toEqual({ phase: 'Pending' });
  });

  const local = { path: '/mnt' };
  const affinity = (expression: object) => ({
    required: { nodeSelectorTerms: [{ matchExpressions: [expression] }] },
  });
  refusals(volumes, 'PersistentVolume', [
    [
      'a local volume anywhere',
      { spec: { ...base, local } },
      ['spec.nodeAffinity: Required value: Local volume requires node affinity'],
    ],
    [
      'a local volume on a node',
      { spec: { ...base, local, nodeAffinity: affinity({ key: 'a', operator: 'In', values: ['b'] }) } },
      [],
    ],
    [
      'node affinity by number without one',
      {
        spec: {
          ...base,
          nfs: { server: 's', path: '/' },
          nodeAffinity: affinity({ key: 'a', operator: 'Gt' }),
        },
      },
      [
        "spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values: Required value: must be specified single value when `operator` is 'Lt' or 'Gt'",
      ],
    ],
    [
      'a relative NFS path',
      { spec: { ...base, nfs: { server: 's', path: 'x' } } },
      ['spec.nfs.path: Invalid value: "x": must be an absolute path'],
    ],
    [
      'CSI without handle',
      { spec: { ...base, csi: { driver: 'd.example.com', volumeHandle: '' } } },
      ['spec.csi.volumeHandle: Required value'],
    ],
    [
      'recycling the root of a host',
      { spec: { ...base, hostPath: { path: '//.' }, persistentVolumeReclaimPolicy: 'Recycle' } },
      ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
    ],
    [
      'no size at all',
      { spec: { ...base, capacity: { storage: '0' }, hostPath: { path: '/x' } } },
      ['spec.capacity[storage]: Invalid value: "0": must be greater than zero'],
    ],
  ]);
});

describe('PersistentVolumeClaim', () => {
  const spec = (more: object) =>
    outcomeOf(claims, 'PersistentVolumeClaim', { spec: { ...claim, ...more } }).object.spec;

  it('names a clone source in both fields', () => {
    const source = { kind: 'PersistentVolumeClaim', name: 'old' };
    expect(spec({ dataSource: source }).dataSourceRef).toEqual({ apiGroup: null, ...source });
    expect(spec({ dataSourceRef: source }).dataSource).toEqual({ apiGroup: null, ...source });
  });

  it('keeps a custom source in dataSourceRef alone', () => {
    const source = { apiGroup: 'example.com', kind: 'Image', name: 'old' };
    expect(spec({ dataSource: source }).dataSource).toBeUndefined();
  });

  refusals(claims, 'PersistentVolumeClaim', [
    ['a sound claim', { spec: claim }, []],
    [
      'a negative size',
      { spec: { ...claim, resources: { requests: { storage: '-1Gi' } } } },
      ['spec.resources[storage]: Invalid value: "-1Gi": must be greater than zero'],
    ],
    [
      'sources that differ',
      {
        spec: {
          ...claim,
          dataSource: { kind: 'PersistentVolumeClaim', name: 'a' },
          dataSourceRef: { kind: 'PersistentVolumeClaim', name: 'b' },
        },
      },
      ['spec: Invalid value: "spec.dataSource": must match dataSourceRef'],
    ],
  ]);
});

describe('StorageClass', () => {
  refusals(storage, 'StorageClass', [
    ['a provisioner in upper case', { provisioner: 'Example.com/P' }, []],
    [
      'recycling',
      { provisioner: 'a/b', reclaimPolicy: 'Recycle' },
      ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"'],
    ],
    [
      'a topology key twice, without values',
      {
        provisioner: 'a/b',
        allowedTopologies: [
          {
            matchLabelExpressions: [
              { key: 'z', values: ['1'] },
              { key: 'z', values: [] },
            ],
          },
        ],
      },
      [
        'allowedTopologies[0].matchLabelExpressions[1].values: Required value',
        'allowedTopologies[0].matchLabelExpressions[1].key: Duplicate value: "z"',
      ],
    ],
  ]);
});

describe('CSI objects', () => {
  it('assumes a driver that attaches', () => {
    expect(outcomeOf(storage, 'CSIDriver', { spec: {} }).object.spec).toEqual({
      attachRequired: true,
      podInfoOnMount: false,
      storageCapacity: false,
      fsGroupPolicy: 'ReadWriteOnceWithFSType',
      volumeLifecycleModes: ['Persistent'],
      requiresRepublish: false,
      seLinuxMount: false,
    });
  });

  refusals(storage, 'CSINode', [
    [
      'a driver twice, once without node id',
      {
        spec: {
          drivers: [
            { name: 'd', nodeID: 'n' },
            { name: 'd', nodeID: '' },
          ],
        },
      },
      ['spec.drivers[1].nodeID: Required value', 'spec.drivers[1].name: Duplicate value: "d"'],
    ],
  ]);
});

// Clusters with volumes from a few words, and what the scheduler decides on them.
import type { Json, KubeObject } from '../../../engine/kinds/kind.ts';
import type { PodPlacement } from '../../../engine/scheduler/placement.ts';
import { place } from '../../../engine/scheduler/snapshot.ts';
import { settingsOf } from './support.ts';

export const ZONE = 'topology.kubernetes.io/zone';

export const object = (kind: string, name: string, fields: Json = {}, metadata: Json = {}): KubeObject => ({
  apiVersion: kind.startsWith('Persistent') || kind === 'Pod' || kind === 'Node' ? 'v1' : 'storage.k8s.io/v1',
  kind,
  metadata: { name, uid: `uid-${name}`, ...metadata },
  ...fields,
});

export const node = (name: string, labels: Json = {}, status: Json = {}): KubeObject =>
  object(
    'Node',
    name,
    { spec: {}, status: { allocatable: { cpu: '8', memory: '16Gi', pods: '110' }, ...status } },
    { labels: { 'kubernetes.io/hostname': name, ...labels } },
  );

export const pod = (name: string, volumes: Json[], over: Json = {}): KubeObject =>
  object(
    'Pod',
    name,
    { spec: { containers: [{ name: 'c', image: 'app:v1' }], volumes, ...over } },
    { namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
  );

export const running = (name: string, on: string, volumes: Json[], over: Json = {}): KubeObject => ({
  ...pod(name, volumes, { nodeName: on, ...over }),
  status: { phase: 'Running', startTime: '2026-01-01T01:00:00Z' },
});

export const claimed = (...names: string[]): Json[] =>
  names.map((name) => ({ name: `v-${name}`, persistentVolumeClaim: { claimName: name } }));

interface ClaimFields {
  readonly storage?: string;
  readonly modes?: string[];
  /** Volume that it is bound to. */
  readonly to?: string;
  readonly over?: Json;
  readonly metadata?: Json;
  readonly phase?: string;
}

export const claim = (name: string, storageClass: string, fields: ClaimFields = {}): KubeObject =>
  object(
    'PersistentVolumeClaim',
    name,
    {
      spec: {
        accessModes: fields.modes ?? ['ReadWriteOnce'],
        storageClassName: storageClass,
        resources: { requests: { storage: fields.storage ?? '1Gi' } },
        ...(fields.to === undefined ? {} : { volumeName: fields.to }),
        ...fields.over,
      },
      status: { phase: fields.phase ?? (fields.to === undefined ? 'Pending' : 'Bound') },
    },
    {
      namespace: 'default',
      ...(fields.to === undefined ? {} : { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } }),
      ...fields.metadata,
    },
  );

export const on = (...nodes: string[]): Json => ({
  required: {
    nodeSelectorTerms: [
      { matchExpressions: [{ key: 'kubernetes.io/hostname', operator: 'In', values: nodes }] },
    ],
  },
});

export const volume = (name: string, storageClass: string, spec: Json = {}, labels: Json = {}): KubeObject =>
  object(
    'PersistentVolume',
    name,
    {
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: storageClass,
        csi: { driver: 'csi.example.com', volumeHandle: name },
        ...spec,
      },
      status: { phase: 'Available' },
    },
    { labels },
  );

export const storageClass = (name: string, provisioner: string, over: Json = {}): KubeObject =>
  object('StorageClass', name, { provisioner, volumeBindingMode: 'WaitForFirstConsumer', ...over });

export const LOCAL = storageClass('local', 'kubernetes.io/no-provisioner');
export const LATE = storageClass('late', 'csi.example.com');
export const NOW = storageClass('now', 'csi.example.com', { volumeBindingMode: 'Immediate' });

export const limits = (name: string, counts: Record<string, number>, annotations: Json = {}): KubeObject =>
  object(
    'CSINode',
    name,
    {
      spec: {
        drivers: Object.entries(counts).map(([driver, count]) => ({
          name: driver,
          nodeID: name,
          allocatable: { count },
        })),
      },
    },
    { annotations },
  );

export function decide(cluster: KubeObject[], pending: KubeObject[], config?: Json): readonly PodPlacement[] {
  return place({ name: 'test', family: 'test', settings: settingsOf(config), cluster, pending }).pods;
}

/** Reasons by node, `-` for a node that is feasible. */
export function verdicts(placement: PodPlacement): Record<string, string> {
  const result: Record<string, string> = {};
  for (const name of placement.feasible ?? []) result[name] = '-';
  for (const [name, { plugin, reasons }] of Object.entries(placement.rejected ?? {})) {
    result[name] = `${plugin}: ${reasons.join(', ')}`;
  }
  return result;
}

export const first = (cluster: KubeObject[], volumes: Json[]): Record<string, string> =>
  verdicts(decide(cluster, [pod('new', volumes)])[0]!);

export const whole = (cluster: KubeObject[], volumes: Json[]): string | undefined =>
  decide([node('a'), ...cluster], [pod('new', volumes)])[0]!.message;

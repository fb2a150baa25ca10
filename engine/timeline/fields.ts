// What a timeline tells of an object: the fields of each kind that controllers write and people watch, as text or
// number. Values that differ from run to run for no reason (times, addresses, random names) are told as "set",
// "allocated" or by the object's normal name.
import type { FieldValue } from '../contracts/timeline.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';

export type Fields = Record<string, FieldValue>;

/** What the projection asks about other objects. */
export interface FieldNames {
  /** Normal name of the object with that UID; undefined if it never was seen. */
  refOf(uid: string): string | undefined;
  /** The scenario's own name of a cluster-scoped object: without the namespace in front. */
  local(name: string): string;
  /** Normal name of a ControllerRevision. */
  revisionRef(namespace: string, name: string): string;
  /** True for addresses and node ports that the scenario's own documents ask for. */
  isGiven(address: string): boolean;
  /** Minutes on the clock between the start and that API timestamp. */
  minutes(timestamp: string): number;
}

type Projection = (object: KubeObject, out: Fields, names: FieldNames) => void;

const REVISION = 'deployment.kubernetes.io/revision';
const DESIRED = 'deployment.kubernetes.io/desired-replicas';
const MAX = 'deployment.kubernetes.io/max-replicas';

function copy(out: Fields, prefix: string, from: Json, keys: readonly string[]): void {
  for (const key of keys) {
    const value: unknown = from?.[key];
    if (typeof value === 'number' || typeof value === 'string') out[`${prefix}.${key}`] = value;
  }
}

/** `condition.X` = `Status:Reason`. */
function conditions(out: Fields, object: KubeObject, types?: readonly string[]): void {
  for (const { type, status, reason } of object['status']?.conditions ?? []) {
    if (types !== undefined && !types.includes(type)) continue;
    out[`condition.${type}`] = reason ? `${status}:${reason}` : `${status}`;
  }
}

const flag = (out: Fields, name: string, value: unknown): void => {
  if (value) out[name] = 'true';
};
const isSet = (out: Fields, name: string, value: unknown): void => {
  if (value !== undefined && value !== null) out[name] = 'set';
};

function finalizers(out: Fields, object: KubeObject): void {
  const list = object.metadata.finalizers;
  if (list !== undefined && list.length > 0) out['finalizers'] = list.join(',');
}

const REPLICA_STATUS = [
  'replicas',
  'fullyLabeledReplicas',
  'readyReplicas',
  'availableReplicas',
  'terminatingReplicas',
];

function generation(out: Fields, object: KubeObject): void {
  const observed: unknown = object['status']?.observedGeneration;
  if (typeof observed === 'number' && observed > 0) out['observedGeneration'] = observed;
}

function annotation(out: Fields, name: string, object: KubeObject, key: string): void {
  const value = object.metadata.annotations?.[key];
  if (value !== undefined) out[name] = value;
}

function owner(out: Fields, object: KubeObject): void {
  if (!object.metadata.ownerReferences?.some((reference) => reference.controller)) out['owner'] = 'none';
}

function nodePorts(service: KubeObject, names: FieldNames): string | undefined {
  const ports: Json[] = (service['spec']?.ports ?? []).filter((port: Json) => port.nodePort);
  if (ports.length === 0) return undefined;
  return ports.every((port) => names.isGiven(`${port.nodePort}`)) ? 'fixed' : 'allocated';
}

const endpointsOf = (slice: KubeObject): string => {
  const list: Json[] = slice['endpoints'] ?? [];
  const count = (name: string): number => list.filter((e) => e.conditions?.[name] === true).length;
  return `total=${list.length} ready=${count('ready')} serving=${count('serving')} terminating=${count('terminating')}`;
};

const addresses = (object: KubeObject, list: string): number =>
  (object['subsets'] ?? []).reduce((sum: number, subset: Json) => sum + (subset[list]?.length ?? 0), 0);

const taintsOf = (node: KubeObject): string =>
  (node['spec']?.taints ?? [])
    .map((t: Json) => `${t.key}${t.value ? `=${t.value}` : ''}:${t.effect}`)
    .sort()
    .join(',');

const PROJECTIONS: Readonly<Record<string, Projection>> = {
  Deployment(object, out) {
    copy(out, 'spec', object['spec'], ['replicas']);
    flag(out, 'spec.paused', object['spec']?.paused);
    annotation(out, 'revision', object, REVISION);
    generation(out, object);
    copy(out, 'status', object['status'], [
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
    ]);
    conditions(out, object);
  },
  ReplicaSet(object, out) {
    owner(out, object);
    copy(out, 'spec', object['spec'], ['replicas']);
    annotation(out, 'revision', object, REVISION);
    annotation(out, 'annotation.desired-replicas', object, DESIRED);
    annotation(out, 'annotation.max-replicas', object, MAX);
    generation(out, object);
    copy(out, 'status', object['status'], REPLICA_STATUS);
    conditions(out, object);
  },
  ReplicationController(object, out) {
    copy(out, 'spec', object['spec'], ['replicas']);
    generation(out, object);
    copy(out, 'status', object['status'], REPLICA_STATUS);
    conditions(out, object);
  },
  StatefulSet(object, out, names) {
    copy(out, 'spec', object['spec'], ['replicas']);
    generation(out, object);
    const { status } = object;
    copy(out, 'status', status, [
      'replicas',
      'readyReplicas',
      'availableReplicas',
      'currentReplicas',
      'updatedReplicas',
      'collisionCount',
    ]);
    for (const key of ['currentRevision', 'updateRevision']) {
      const name: unknown = status?.[key];
      if (typeof name === 'string' && name !== '')
        out[`status.${key}`] = names.revisionRef(object.metadata.namespace ?? '', name);
    }
  },
  DaemonSet(object, out) {
    generation(out, object);
    copy(out, 'status', object['status'], [
      'currentNumberScheduled',
      'desiredNumberScheduled',
      'numberAvailable',
      'numberMisscheduled',
      'numberReady',
      'numberUnavailable',
      'updatedNumberScheduled',
    ]);
  },
  ControllerRevision(object, out) {
    out['revision'] = object['revision'] ?? 0;
  },
  Job(object, out) {
    copy(out, 'spec', object['spec'], ['completions', 'parallelism']);
    flag(out, 'spec.suspend', object['spec']?.suspend);
    const status = object['status'] ?? {};
    copy(out, 'status', status, [
      'active',
      'ready',
      'terminating',
      'succeeded',
      'failed',
      'completedIndexes',
      'failedIndexes',
    ]);
    // The controller writes zeros and empty lists where there was nothing before.
    for (const [key, value] of Object.entries(out))
      if (key.startsWith('status.') && (value === '' || value === 0)) delete out[key];
    for (const key of ['succeeded', 'failed']) {
      const list: unknown = status.uncountedTerminatedPods?.[key];
      if (Array.isArray(list) && list.length > 0) out[`status.uncounted.${key}`] = list.length;
    }
    isSet(out, 'startTime', status.startTime);
    isSet(out, 'completionTime', status.completionTime);
    conditions(out, object);
  },
  CronJob(object, out, names) {
    flag(out, 'spec.suspend', object['spec']?.suspend);
    const status = object['status'] ?? {};
    out['status.active'] = status.active?.length ?? 0;
    if (status.lastScheduleTime) out['lastScheduleTime'] = `minute+${names.minutes(status.lastScheduleTime)}`;
    if (status.lastSuccessfulTime) out['lastSuccessfulTime'] = `set#${status.lastSuccessfulTime}`;
  },
  Service(object, out, names) {
    const { spec } = object;
    out['type'] = spec?.type ?? 'ClusterIP';
    const ip: string | undefined = spec?.clusterIP;
    if (ip) out['clusterIP'] = ip === 'None' || names.isGiven(ip) ? ip : 'allocated';
    const ports = nodePorts(object, names);
    if (ports !== undefined) out['nodePorts'] = ports;
  },
  Endpoints(object, out) {
    out['ready'] = addresses(object, 'addresses');
    out['notReady'] = addresses(object, 'notReadyAddresses');
  },
  EndpointSlice(object, out) {
    out['endpoints'] = endpointsOf(object);
  },
  PersistentVolume(object, out, names) {
    finalizers(out, object);
    out['phase'] = object['status']?.phase ?? 'Pending';
    const claim = object['spec']?.claimRef;
    if (claim?.name) out['claim'] = names.local(claim.name);
    if (object.metadata.annotations?.['pv.kubernetes.io/bound-by-controller'])
      out['boundByController'] = 'yes';
  },
  PersistentVolumeClaim(object, out, names) {
    finalizers(out, object);
    out['phase'] = object['status']?.phase ?? 'Pending';
    const volume: string | undefined = object['spec']?.volumeName;
    if (volume) out['volume'] = names.local(volume);
    if (object.metadata.annotations?.['pv.kubernetes.io/bind-completed']) out['bindCompleted'] = 'yes';
    const owners = object.metadata.ownerReferences?.map((reference) => reference.kind) ?? [];
    if (owners.length > 0) out['owners'] = owners.join(',');
  },
  PodDisruptionBudget(object, out) {
    const status = object['status'] ?? {};
    copy(out, 'status', status, ['currentHealthy', 'desiredHealthy', 'disruptionsAllowed', 'expectedPods']);
    const disrupted = Object.keys(status.disruptedPods ?? {}).length;
    if (disrupted > 0) out['status.disruptedPods'] = disrupted;
    conditions(out, object);
  },
  HorizontalPodAutoscaler(object, out) {
    const status = object['status'] ?? {};
    copy(out, 'status', status, ['currentReplicas', 'desiredReplicas']);
    const current: unknown = status.currentMetrics?.[0]?.resource?.current?.averageUtilization;
    if (typeof current === 'number') out['currentUtilization'] = current;
    conditions(out, object);
  },
  ResourceQuota(object, out) {
    for (const part of ['hard', 'used'] as const)
      for (const [name, value] of Object.entries(object['status']?.[part] ?? {}))
        out[`${part}.${name}`] = `${value}`;
  },
  LimitRange() {},
  Namespace(object, out) {
    out['phase'] = object['status']?.phase ?? 'Active';
    conditions(out, object);
  },
  Node(object, out) {
    conditions(out, object, ['Ready']);
    const taints = taintsOf(object);
    if (taints !== '') out['taints'] = taints;
    flag(out, 'unschedulable', object['spec']?.unschedulable);
  },
};

/** Kinds whose objects are listed at the end even if they have no fields; others are told only as created and gone. */
export const hasFields = (kind: string): boolean => kind in PROJECTIONS;

/** Kinds that a timeline leaves out: heartbeats, Events, which it lists apart, and classes, which never change. */
export const LEFT_OUT: ReadonlySet<string> = new Set(['Lease', 'Event', 'PriorityClass', 'StorageClass']);

/** The told fields of an object that is neither a pod nor an Event. */
export function fieldsOf(object: KubeObject, names: FieldNames): Fields {
  const out: Fields = {};
  PROJECTIONS[object.kind]?.(object, out, names);
  // Finalizers of workloads appear only while a deletion waits for them.
  if (object.metadata.deletionTimestamp !== undefined) {
    out['deleting'] = 'true';
    finalizers(out, object);
  }
  return out;
}

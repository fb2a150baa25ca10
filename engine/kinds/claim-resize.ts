// What is written of a claim whose volume grows: conditions, sizes, and how far it is (MergeResizeConditionOnPVC and
// Mark… of pkg/volume/util/resize_util.go; external-resizer, pkg/controller/resize_status.go).
import type { Json, KubeObject } from './kind.ts';
import { compareQuantities } from './quantity.ts';
import { claimSize } from './volume-facts.ts';

/** Size of the file system before, on a volume that has grown already: what a claim that is bound anew gets. */
export const PRE_RESIZE_CAPACITY = 'volume.alpha.kubernetes.io/pre-resize-capacity';

/** status.allocatedResourceStatuses.storage. */
export type ResizeStatus = 'ControllerResizeInProgress' | 'NodeResizePending' | 'NodeResizeInProgress';

const RESIZE_CONDITIONS: readonly string[] = ['Resizing', 'FileSystemResizePending'];

export const resizeStatusOf = (claim: KubeObject): ResizeStatus | '' =>
  claim['status']?.allocatedResourceStatuses?.storage ?? '';

/** What the claim has now; '0': nothing is said. */
export const claimCapacity = (claim: KubeObject): string => String(claim['status']?.capacity?.storage ?? '0');

/** A bound claim asks for more than it has. */
export const wantsMore = (claim: KubeObject): boolean =>
  claim['status']?.phase === 'Bound' &&
  Boolean(claim['spec'].volumeName) &&
  compareQuantities(claimSize(claim), claimCapacity(claim)) > 0;

/** Conditions of other kinds stay; of resizing only `type` does, null: none. */
function conditions(status: Json, type: string | null, now: string, message = ''): Json {
  const before: readonly Json[] = status.conditions ?? [];
  const kept = before.filter((one) => !RESIZE_CONDITIONS.includes(one.type) || one.type === type);
  if (type === null || kept.some((one) => one.type === type)) return kept;
  const added = { type, status: 'True', lastProbeTime: null, lastTransitionTime: now };
  return [...kept, message === '' ? added : { ...added, message }];
}

function withStatus(claim: KubeObject, change: Json): KubeObject {
  const {
    conditions: list,
    allocatedResourceStatuses: statuses,
    ...status
  } = {
    ...claim['status'],
    ...change,
  };
  return {
    ...claim,
    status: {
      ...status,
      ...(list === undefined || list.length === 0 ? {} : { conditions: list }),
      ...(statuses === undefined || Object.keys(statuses).length === 0
        ? {}
        : { allocatedResourceStatuses: statuses }),
    },
  };
}

const withResizeStatus = (status: Json, storage: ResizeStatus | null): Json => {
  const { storage: _, ...others } = status?.allocatedResourceStatuses ?? {};
  return storage === null ? others : { ...others, storage };
};

/** The volume is being made larger. */
export function markResizing(claim: KubeObject, size: string, now: string): KubeObject {
  const status: Json = claim['status'] ?? {};
  return withStatus(claim, {
    conditions: conditions(status, 'Resizing', now),
    allocatedResources: { ...status.allocatedResources, storage: size },
    allocatedResourceStatuses: withResizeStatus(status, 'ControllerResizeInProgress'),
  });
}

/** The volume is larger; its file system is to grow on a node. */
export function markPendingOnNode(claim: KubeObject, now: string): KubeObject {
  const status: Json = claim['status'] ?? {};
  const message = 'Waiting for user to (re-)start a pod to finish file system resize of volume on node.';
  return withStatus(claim, {
    conditions: conditions(status, 'FileSystemResizePending', now, message),
    allocatedResourceStatuses: withResizeStatus(status, 'NodeResizePending'),
  });
}

export const markInProgressOnNode = (claim: KubeObject): KubeObject =>
  withStatus(claim, { allocatedResourceStatuses: withResizeStatus(claim['status'], 'NodeResizeInProgress') });

/** The claim has that size. */
export function markResized(claim: KubeObject, size: string, now: string): KubeObject {
  const status: Json = claim['status'] ?? {};
  return withStatus(claim, {
    conditions: conditions(status, null, now),
    capacity: { ...status.capacity, storage: size },
    allocatedResourceStatuses: withResizeStatus(status, null),
  });
}

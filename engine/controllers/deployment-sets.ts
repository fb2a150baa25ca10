// The ReplicaSets of a Deployment as one sync knows them, and what it asks of them.
import type { KubeObject } from '../kinds/kind.ts';
import { annotationsOf, MAX_REPLICAS, numberAt } from './deployment-annotations.ts';
import type { Size } from './deployment-sizes.ts';
import { specReplicas } from './deployment-status.ts';

/** A ReplicaSet's version as a sync knows it. */
export interface SeenSet {
  readonly id: number;
  readonly object: KubeObject;
  readonly revision: number;
}

/** All ReplicaSets of the Deployment, the one of the current template apart. */
export interface Sets {
  readonly current: SeenSet | null;
  readonly old: readonly SeenSet[];
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
export const byCreation = (a: SeenSet, b: SeenSet): number =>
  byText(a.object.metadata.creationTimestamp ?? '', b.object.metadata.creationTimestamp ?? '') ||
  byText(a.object.metadata.name!, b.object.metadata.name!);
export const objectsOf = (sets: readonly SeenSet[]): KubeObject[] => sets.map((set) => set.object);
export const isScaledUp = (set: SeenSet): boolean => specReplicas(set.object) > 0;

export const sizeOf = (set: SeenSet): Size => ({
  replicas: specReplicas(set.object),
  available: set.object['status']?.availableReplicas ?? 0,
  maxReplicas: numberAt(annotationsOf(set.object), MAX_REPLICAS),
});

/** The only ReplicaSet with pods, or without any the newest; null if several have pods (FindActiveOrLatest). */
export function activeOrLatest(sets: Sets): SeenSet | null {
  const all = sets.current === null ? [...sets.old] : [...sets.old, sets.current];
  const active = all.filter(isScaledUp);
  if (active.length === 1) return active[0]!;
  if (active.length > 1) return null;
  return sets.current ?? sets.old.toSorted((a, b) => -byCreation(a, b))[0] ?? null;
}

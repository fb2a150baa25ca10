// What scheduler plug-ins may know of volumes: claims, volumes, classes and CSI objects as the scheduler has last seen
// them, with what it has assumed since, and which pods of a node use volumes.
import type { KubeObject } from '../kinds/kind.ts';
import type { PodTemplate } from '../state/index.ts';

/** A pod that counts on a node and has volumes that can be claimed or attached. */
export interface VolumePod {
  readonly id: number;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly template: PodTemplate;
}

export interface StorageView {
  /**
   * Whether somebody binds claims to volumes, provisions volumes and creates the claims of ephemeral volumes. Where
   * nobody does, a claim that waits for it would wait for ever: plug-ins then take it for granted.
   */
  readonly controllers: boolean;
  /** Assumed versions go before those of the API server. */
  claim(namespace: string, name: string): KubeObject | null;
  volume(name: string): KubeObject | null;
  /** In the order in which they were first seen. '' is the class of volumes without one. */
  volumesOfClass(storageClass: string): Iterable<KubeObject>;
  storageClass(name: string): KubeObject | null;
  csiNode(node: string): KubeObject | null;
  csiDriver(name: string): KubeObject | null;
  capacitiesOfClass(storageClass: string): Iterable<KubeObject>;
  /** VolumeAttachments that name the node. */
  attachmentsOn(node: string): Iterable<KubeObject>;
  /** Pods on nodes that name the claim in a persistentVolumeClaim volume; a pod counts once for each such volume. */
  claimUsers(namespace: string, name: string): number;
  /** In the order in which they came. */
  podsOn(node: number): readonly VolumePod[];
  /** Holds until the API server tells a newer version, or until it is forgotten. */
  assumeVolume(volume: KubeObject): void;
  assumeClaim(claim: KubeObject): void;
  forgetVolume(name: string): void;
  forgetClaim(namespace: string, name: string): void;
}

/** The class that a claim asks for or a volume is of; the annotation is older and goes first (storage/volume/helpers.go). */
export function storageClassOf(object: KubeObject): string {
  const annotated = object.metadata.annotations?.['volume.beta.kubernetes.io/storage-class'];
  return annotated ?? object['spec']?.storageClassName ?? '';
}

// Where volumes live: how long a storage system takes for each step of a volume's life, and what it can do. One file a
// backend in policies/costs/storage, with the sources of its numbers; `storage` of a cost preset names the ones there
// are, so that a cost file of a user's changes them or a preset of a plug-in adds others.
import type { Duration } from '../kernel/index.ts';

export interface StorageBackend {
  readonly about: string;
  /** CSI driver: `provisioner` of storage classes and `spec.csi.driver` of volumes; '': none, the kubelet mounts it. */
  readonly driver: string;
  /** Field of a volume's spec that it is known by where there is no driver: `hostPath`, `local`, `nfs`; '' otherwise. */
  readonly source: string;
  /** Whether somebody makes volumes for claims. */
  readonly provisions: boolean;
  /** CreateVolume and DeleteVolume. */
  readonly provisionUs: Duration;
  readonly deleteUs: Duration;
  /** Whether volumes are attached to nodes before they are mounted (CSIDriver spec.attachRequired). */
  readonly attachRequired: boolean;
  /** ControllerPublishVolume and ControllerUnpublishVolume. */
  readonly attachUs: Duration;
  readonly detachUs: Duration;
  /** NodeStageVolume, once a node (map, file system, mount), and NodeUnstageVolume. */
  readonly stageUs: Duration;
  readonly unstageUs: Duration;
  /** NodePublishVolume, once a pod, and NodeUnpublishVolume. */
  readonly publishUs: Duration;
  readonly unpublishUs: Duration;
  /** Whether volumes grow: also while nodes have them, only while none has, or not at all (default). */
  readonly expansion?: 'online' | 'offline' | 'none';
  /** ControllerExpandVolume. */
  readonly expandUs?: Duration;
  /** NodeExpandVolume; absent: file systems have nothing to do on nodes when the volume has grown. */
  readonly nodeExpandUs?: Duration;
  /** Volumes that a node takes (CSINode allocatable.count); 0: any number. */
  readonly attachLimit: number;
  /** Access modes that file system volumes can have. */
  readonly accessModes: readonly string[];
  /** From where a volume can be reached: every node, the nodes of its zone, its node. */
  readonly reach: 'everywhere' | 'zone' | 'node';
}

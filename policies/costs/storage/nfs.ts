// NFS. csi-driver-nfs makes a volume by mounting the share, making a directory and unmounting, and has neither attach nor
// stage (its csidriver manifest: attachRequired false; nodeserver: only NodePublish). Estimates of a mount over a local
// network; no published distribution was found.
import type { StorageBackend } from '../../../engine/index.ts';

export const nfs: StorageBackend = {
  about: 'NFS, by csi-driver-nfs or as a volume source: directories of a server',
  driver: 'nfs.csi.k8s.io',
  source: 'nfs',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 300_000, p99: 2_000_000, max: 10_000_000 },
  deleteUs: { dist: 'lognormal', p50: 300_000, p99: 2_000_000, max: 10_000_000 },
  attachRequired: false,
  attachUs: 0,
  detachUs: 0,
  stageUs: 0,
  unstageUs: 0,
  publishUs: { dist: 'lognormal', p50: 150_000, p99: 1_000_000, max: 10_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 50_000, p99: 500_000, max: 10_000_000 },
  expansion: 'online',
  // The driver answers and does nothing (csi-driver-nfs, pkg/nfs/controllerserver.go): the share is no larger or smaller.
  expandUs: 1000,
  attachLimit: 0,
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  reach: 'everywhere',
};

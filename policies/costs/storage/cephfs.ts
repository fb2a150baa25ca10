// CephFS. A subvolume is made by one command of the manager; the kernel client mounts it at staging. Nothing is attached
// (attachRequired false in ceph-csi's deploy/cephfs/kubernetes/csidriver.yaml). Estimates from the order of magnitude of
// the manager's commands and of a mount; no published distribution was found.
import type { StorageBackend } from '../../../engine/index.ts';

export const cephfs: StorageBackend = {
  about: 'CephFS by ceph-csi: subvolumes that many nodes mount at once',
  driver: 'cephfs.csi.ceph.com',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 1_000_000, p99: 5_000_000, max: 30_000_000 },
  deleteUs: { dist: 'lognormal', p50: 1_000_000, p99: 5_000_000, max: 30_000_000 },
  attachRequired: false,
  attachUs: 0,
  detachUs: 0,
  stageUs: { dist: 'lognormal', p50: 500_000, p99: 3_000_000, max: 30_000_000 },
  unstageUs: { dist: 'lognormal', p50: 200_000, p99: 1_500_000, max: 15_000_000 },
  publishUs: { dist: 'lognormal', p50: 60_000, p99: 400_000, max: 5_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 60_000, p99: 400_000, max: 5_000_000 },
  expansion: 'online',
  // Estimate: a quota of the subvolume is set; nodes have nothing to do.
  expandUs: { dist: 'lognormal', p50: 250_000, p99: 2_000_000, max: 30_000_000 },
  attachLimit: 0,
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  reach: 'everywhere',
};

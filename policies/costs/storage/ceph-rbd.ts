// Ceph RBD. CreateVolume: 250 volumes in bursts of 25 took 588 s in all, 41 % under 2 s, 98 % under 4 s (metrics that the
// developers of ceph-csi published with its port to go-ceph, January 2020). The driver has no attach step of its own:
// ControllerPublishVolume answers at once, the VolumeAttachment keeps the volume to one node. NodeStage maps the image
// and makes or checks the file system, NodeUnstage took 1.2 s in logs of the same project; the others are estimates.
import type { StorageBackend } from '../../../engine/index.ts';

export const cephRbd: StorageBackend = {
  about: 'Ceph RBD by ceph-csi: block devices that any node can map',
  driver: 'rbd.csi.ceph.com',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 2_200_000, p99: 6_000_000, max: 30_000_000 },
  deleteUs: { dist: 'lognormal', p50: 2_000_000, p99: 8_000_000, max: 30_000_000 },
  attachRequired: true,
  attachUs: { dist: 'lognormal', p50: 20_000, p99: 200_000, max: 2_000_000 },
  detachUs: { dist: 'lognormal', p50: 20_000, p99: 200_000, max: 2_000_000 },
  stageUs: { dist: 'lognormal', p50: 1_500_000, p99: 6_000_000, max: 60_000_000 },
  unstageUs: { dist: 'lognormal', p50: 1_200_000, p99: 4_000_000, max: 30_000_000 },
  publishUs: { dist: 'lognormal', p50: 60_000, p99: 400_000, max: 5_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 60_000, p99: 400_000, max: 5_000_000 },
  expansion: 'online',
  // Estimate: one command that changes the image's header (rbd resize).
  expandUs: { dist: 'lognormal', p50: 300_000, p99: 2_000_000, max: 30_000_000 },
  // Estimate: resize2fs or xfs_growfs of a mounted file system.
  nodeExpandUs: { dist: 'lognormal', p50: 600_000, p99: 4_000_000, max: 30_000_000 },
  attachLimit: 0,
  accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'],
  reach: 'everywhere',
};

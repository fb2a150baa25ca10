// GCE persistent disk. 127 disks besides the boot disk for machines of more than one core (gcp-compute-persistent-disk-
// csi-driver, pkg/gce-pd-csi-driver/node.go). Operations are asked about each 3 s or less until done; the durations are
// estimates from that, no published distribution was found.
import type { StorageBackend } from '../../../engine/index.ts';

export const gcePd: StorageBackend = {
  about: 'GCE persistent disk: disks of one zone',
  driver: 'pd.csi.storage.gke.io',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 2_500_000, p99: 8_000_000, max: 60_000_000 },
  deleteUs: { dist: 'lognormal', p50: 2_500_000, p99: 10_000_000, max: 60_000_000 },
  attachRequired: true,
  attachUs: { dist: 'lognormal', p50: 5_000_000, p99: 12_000_000, max: 120_000_000 },
  detachUs: { dist: 'lognormal', p50: 4_000_000, p99: 12_000_000, max: 120_000_000 },
  stageUs: { dist: 'lognormal', p50: 900_000, p99: 5_000_000, max: 60_000_000 },
  unstageUs: { dist: 'lognormal', p50: 150_000, p99: 1_000_000, max: 10_000_000 },
  publishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  expansion: 'online',
  // Estimate: a disk operation, asked about each 3 s or less until done.
  expandUs: { dist: 'lognormal', p50: 3_000_000, p99: 15_000_000, max: 300_000_000 },
  // Estimate: resize2fs or xfs_growfs of a mounted file system.
  nodeExpandUs: { dist: 'lognormal', p50: 600_000, p99: 4_000_000, max: 30_000_000 },
  attachLimit: 127,
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteOncePod'],
  reach: 'zone',
};

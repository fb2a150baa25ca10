// Azure disk. A machine takes twice as many disks as it has cores, 16 here for 8 (azuredisk-csi-driver, pkg/azuredisk/
// azure_dd_max_disk_count.go). An attach is an update of the machine, batched by the driver, of 10 s and more (its
// docs/design-v2.md gives that latency as the reason for a second version); the spread is an estimate.
import type { StorageBackend } from '../../../engine/index.ts';

export const azureDisk: StorageBackend = {
  about: 'Azure disk: disks of one zone',
  driver: 'disk.csi.azure.com',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 2_500_000, p99: 8_000_000, max: 60_000_000 },
  deleteUs: { dist: 'lognormal', p50: 2_500_000, p99: 10_000_000, max: 60_000_000 },
  attachRequired: true,
  attachUs: { dist: 'lognormal', p50: 12_000_000, p99: 40_000_000, max: 180_000_000 },
  detachUs: { dist: 'lognormal', p50: 12_000_000, p99: 40_000_000, max: 180_000_000 },
  stageUs: { dist: 'lognormal', p50: 1_200_000, p99: 6_000_000, max: 60_000_000 },
  unstageUs: { dist: 'lognormal', p50: 150_000, p99: 1_000_000, max: 10_000_000 },
  publishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  expansion: 'online',
  // Estimate from the time that an update of a disk takes; without downtime since 2022.
  expandUs: { dist: 'lognormal', p50: 8_000_000, p99: 40_000_000, max: 600_000_000 },
  // Estimate: resize2fs or xfs_growfs of a mounted file system.
  nodeExpandUs: { dist: 'lognormal', p50: 600_000, p99: 4_000_000, max: 30_000_000 },
  attachLimit: 16,
  accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'],
  reach: 'zone',
};

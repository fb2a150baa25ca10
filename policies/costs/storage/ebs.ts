// Amazon EBS. The attach limit of Nitro instances before the seventh generation is 28 for disks, network interfaces and
// local disks together; the driver then tells 25 to 27 (aws-ebs-csi-driver, docs/faq.md and pkg/cloud/volume_limits.go).
// The driver looks each second or two until a disk is available or attached (pkg/cloud/cloud.go), so whole seconds are
// lost; the durations are estimates from that loop, no published distribution was found.
import type { StorageBackend } from '../../../engine/index.ts';

export const ebs: StorageBackend = {
  about: 'AWS EBS: disks of one zone',
  driver: 'ebs.csi.aws.com',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 1_500_000, p99: 5_000_000, max: 60_000_000 },
  deleteUs: { dist: 'lognormal', p50: 500_000, p99: 3_000_000, max: 60_000_000 },
  attachRequired: true,
  attachUs: { dist: 'lognormal', p50: 2_500_000, p99: 10_000_000, max: 60_000_000 },
  detachUs: { dist: 'lognormal', p50: 6_000_000, p99: 20_000_000, max: 60_000_000 },
  stageUs: { dist: 'lognormal', p50: 700_000, p99: 4_000_000, max: 30_000_000 },
  unstageUs: { dist: 'lognormal', p50: 100_000, p99: 1_000_000, max: 10_000_000 },
  publishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 50_000, p99: 400_000, max: 5_000_000 },
  expansion: 'online',
  // Estimate: the driver asks about the modification with pauses from 1 s until it is optimizing (pkg/cloud/cloud.go,
  // waitForVolumeModification). The six hours between two modifications of a volume are left out.
  expandUs: { dist: 'lognormal', p50: 5_000_000, p99: 30_000_000, max: 600_000_000 },
  // Estimate: resize2fs or xfs_growfs of a mounted file system.
  nodeExpandUs: { dist: 'lognormal', p50: 600_000, p99: 4_000_000, max: 30_000_000 },
  attachLimit: 25,
  accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'],
  reach: 'zone',
};

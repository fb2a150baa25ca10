// Gluster. A volume is made of bricks on three servers and started, then mounted by the FUSE client; nothing is attached
// (gluster-csi-driver's deployment). Estimates from the steps; the project is retired and no distribution was found.
import type { StorageBackend } from '../../../engine/index.ts';

export const gluster: StorageBackend = {
  about: 'Gluster by its CSI driver: volumes of bricks, mounted by FUSE',
  driver: 'org.gluster.glusterfs',
  source: '',
  provisions: true,
  provisionUs: { dist: 'lognormal', p50: 4_000_000, p99: 20_000_000, max: 60_000_000 },
  deleteUs: { dist: 'lognormal', p50: 3_000_000, p99: 20_000_000, max: 60_000_000 },
  attachRequired: false,
  attachUs: 0,
  detachUs: 0,
  stageUs: 0,
  unstageUs: 0,
  publishUs: { dist: 'lognormal', p50: 500_000, p99: 3_000_000, max: 30_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 100_000, p99: 1_000_000, max: 10_000_000 },
  expansion: 'none',
  attachLimit: 0,
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  reach: 'everywhere',
};

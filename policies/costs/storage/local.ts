// Local volumes (pkg/volume/local, v1.36): a bind mount of a directory or disk of the node that the volume's node affinity
// names. Made by hand or by the static provisioner, never for a claim; classes have kubernetes.io/no-provisioner. The
// duration is an estimate of one mount call.
import type { StorageBackend } from '../../../engine/index.ts';

export const local: StorageBackend = {
  about: 'local volumes: disks of one node, made by hand or by the static provisioner',
  driver: '',
  source: 'local',
  provisions: false,
  provisionUs: 0,
  deleteUs: 0,
  attachRequired: false,
  attachUs: 0,
  detachUs: 0,
  stageUs: 0,
  unstageUs: 0,
  publishUs: { dist: 'lognormal', p50: 10_000, p99: 100_000, max: 1_000_000 },
  unpublishUs: { dist: 'lognormal', p50: 10_000, p99: 100_000, max: 1_000_000 },
  expansion: 'none',
  attachLimit: 0,
  accessModes: ['ReadWriteOnce', 'ReadWriteOncePod'],
  reach: 'node',
};

// emptyDir (pkg/volume/emptydir, v1.36): a directory below the pod's own, made in microseconds and removed with the pod.
// Its time is part of the sandbox's.
import type { StorageBackend } from '../../../engine/index.ts';

export const emptyDir: StorageBackend = {
  about: 'emptyDir: a directory that comes and goes with its pod',
  driver: '',
  source: 'emptyDir',
  provisions: false,
  provisionUs: 0,
  deleteUs: 0,
  attachRequired: false,
  attachUs: 0,
  detachUs: 0,
  stageUs: 0,
  unstageUs: 0,
  publishUs: 0,
  unpublishUs: 0,
  expansion: 'none',
  attachLimit: 0,
  accessModes: ['ReadWriteOnce'],
  reach: 'node',
};

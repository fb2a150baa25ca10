// hostPath (pkg/volume/hostpath, v1.36): setting it up checks that the path is there and mounts nothing, so it takes no
// time of its own. Nothing keeps a pod to the node with its data.
import type { StorageBackend } from '../../../engine/index.ts';

export const hostPath: StorageBackend = {
  about: 'hostPath: a directory of whatever node the pod is on',
  driver: '',
  source: 'hostPath',
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
  accessModes: ['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOncePod'],
  reach: 'everywhere',
};

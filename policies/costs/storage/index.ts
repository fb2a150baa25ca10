// The storage backends by name. A new one is one file and one line here.
import type { StorageBackend } from '../../../engine/index.ts';
import { azureDisk } from './azure-disk.ts';
import { cephRbd } from './ceph-rbd.ts';
import { cephfs } from './cephfs.ts';
import { ebs } from './ebs.ts';
import { emptyDir } from './empty-dir.ts';
import { gcePd } from './gce-pd.ts';
import { gluster } from './gluster.ts';
import { hostPath } from './host-path.ts';
import { local } from './local.ts';
import { nfs } from './nfs.ts';

export const storageBackends: Readonly<Record<string, StorageBackend>> = {
  'ceph-rbd': cephRbd,
  cephfs,
  nfs,
  gluster,
  ebs,
  'gce-pd': gcePd,
  'azure-disk': azureDisk,
  local,
  'host-path': hostPath,
  'empty-dir': emptyDir,
};

/** The same where every step takes no time. */
export const instantBackends: Readonly<Record<string, StorageBackend>> = Object.fromEntries(
  Object.entries(storageBackends).map(([name, backend]) => [
    name,
    {
      ...backend,
      provisionUs: 0,
      deleteUs: 0,
      attachUs: 0,
      detachUs: 0,
      stageUs: 0,
      unstageUs: 0,
      publishUs: 0,
      unpublishUs: 0,
      expandUs: 0,
      ...(backend.nodeExpandUs === undefined ? {} : { nodeExpandUs: 0 }),
    },
  ]),
);

// Who makes the volumes of a storage class (pv_controller.go findProvisionablePlugin, v1.36).
import type { KubeObject } from '../kinds/kind.ts';

/** Plug-ins that moved out of the controller to CSI drivers: their classes are served by those (csi-translation-lib). */
const MIGRATED: Readonly<Record<string, string>> = {
  'kubernetes.io/aws-ebs': 'ebs.csi.aws.com',
  'kubernetes.io/gce-pd': 'pd.csi.storage.gke.io',
  'kubernetes.io/azure-disk': 'disk.csi.azure.com',
  'kubernetes.io/azure-file': 'file.csi.azure.com',
  'kubernetes.io/cinder': 'cinder.csi.openstack.org',
  'kubernetes.io/vsphere-volume': 'csi.vsphere.vmware.com',
  'kubernetes.io/portworx-volume': 'pxd.portworx.com',
};

/** The driver that serves a class, or why there is none. */
export function provisioningOf(
  name: string,
  storageClass: KubeObject | null,
): { readonly provisioner: string } | { readonly problem: string } {
  if (storageClass === null) return { problem: `storageclass.storage.k8s.io "${name}" not found` };
  const provisioner: string = storageClass['provisioner'] ?? '';
  const migrated = MIGRATED[provisioner];
  if (migrated !== undefined) return { provisioner: migrated };
  if (!provisioner.startsWith('kubernetes.io/')) return { provisioner };
  return { problem: `no volume plugin matched name: ${provisioner}` };
}

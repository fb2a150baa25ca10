// What the volume controller asks of storage classes: which one is the default, and who makes volumes of a class
// (component-helpers/storage/volume and pv_controller.go findProvisionablePlugin, v1.36).
import type { SeenObject } from '../contracts/controller.ts';
import type { KubeObject } from '../kinds/kind.ts';

const DEFAULT = 'storageclass.kubernetes.io/is-default-class';
const BETA_DEFAULT = 'storageclass.beta.kubernetes.io/is-default-class';

export const defaultClass = {
  says(object: KubeObject): boolean {
    const { annotations } = object.metadata;
    return annotations?.[DEFAULT] === 'true' || annotations?.[BETA_DEFAULT] === 'true';
  },

  /** Of several the youngest, of equal ones the first by name. */
  of(classes: Iterable<SeenObject>): string {
    const timeOf = ({ object }: SeenObject): string => object.metadata.creationTimestamp ?? '';
    const [first] = [...classes].sort((a, b) => {
      if (timeOf(a) !== timeOf(b)) return timeOf(a) > timeOf(b) ? -1 : 1;
      return a.name < b.name ? -1 : 1;
    });
    return first!.name;
  },
};

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

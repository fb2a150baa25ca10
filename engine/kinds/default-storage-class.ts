// Which storage class claims get that name none (pkg/volume/util/storageclass.go GetDefaultClass, v1.36).
import type { KubeObject } from './kind.ts';

const DEFAULT = 'storageclass.kubernetes.io/is-default-class';
const BETA_DEFAULT = 'storageclass.beta.kubernetes.io/is-default-class';

export function saysDefault(storageClass: KubeObject): boolean {
  const { annotations } = storageClass.metadata;
  return annotations?.[DEFAULT] === 'true' || annotations?.[BETA_DEFAULT] === 'true';
}

/** Name of the youngest of these classes, of equally old ones the first by name; undefined: there is none. */
export function youngestClass(classes: Iterable<KubeObject>): string | undefined {
  const timeOf = (object: KubeObject): string => object.metadata.creationTimestamp ?? '';
  const sorted = [...classes].sort((a, b) => {
    if (timeOf(a) !== timeOf(b)) return timeOf(a) > timeOf(b) ? -1 : 1;
    return a.metadata.name! < b.metadata.name! ? -1 : 1;
  });
  return sorted[0]?.metadata.name;
}

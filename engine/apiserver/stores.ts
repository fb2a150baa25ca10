// Where an object is stored: all versions of a kind that the server serves as one, kinds that nobody knows by themselves.
import type { KubeObject } from '../kinds/kind.ts';
import { kindOf } from '../kinds/registry.ts';
import { groupOf, type KindStore, type ObjectStore } from '../state/index.ts';

export interface DescribedKind {
  readonly resource: string;
  readonly namespaced: boolean;
  readonly modelled: boolean;
}

export function describeKind({ apiVersion, kind, metadata }: KubeObject): DescribedKind {
  const known = kindOf(apiVersion, kind);
  return {
    resource: known?.resource ?? `${kind.toLowerCase()}s`,
    namespaced: known?.namespaced ?? metadata.namespace !== undefined,
    modelled: known?.modelled ?? false,
  };
}

export function storeFor(
  objects: ObjectStore,
  describe: (object: KubeObject) => DescribedKind,
  object: KubeObject,
): KindStore {
  const known = objects.findKind(object.kind);
  if (known?.apiVersion === object.apiVersion) return known;
  // A version that the server does not serve is nobody's, whatever its kind is called.
  const isVersion = known !== undefined && groupOf(known.apiVersion) === groupOf(object.apiVersion);
  if (isVersion && describe(object).modelled) return known;
  const name = `${object.kind}.${object.apiVersion}`;
  const other = objects.findKind(name);
  if (other !== undefined) return other;
  const { modelled, resource, namespaced } = describe(object);
  return objects.register(modelled ? object.kind : name, object.apiVersion, resource, namespaced);
}

// Creation as the simulated server runs it: the kinds' rules with what the cluster holds at this moment — namespaces,
// accounts, priority classes — as admission looks them up.
import { saysDefault, youngestClass } from '../kinds/default-storage-class.ts';
import { TOKEN_SUFFIX } from '../kinds/ingest/materialise.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { kindOf } from '../kinds/registry.ts';
import { type ClusterState, objectUid, timestampText } from '../state/index.ts';
import type { Admitted } from './admitted.ts';
import { type CreateContext, createObject } from './registry.ts';

/** Every namespace has it, made by the service account controller. */
const DEFAULT_ACCOUNT: KubeObject = Object.freeze({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: 'default' },
});

const NO_RANGES: readonly KubeObject[] = Object.freeze([]);

/** Checks and completes a new object against `state`. */
export function admission(state: ClusterState): (object: KubeObject, uid?: string) => Admitted {
  const { objects } = state;
  const find = (
    kind: string,
    apiVersion: string,
    namespace: string,
    name: string,
  ): KubeObject | undefined => {
    const store = objects.findKind(kind) ?? objects.findKind(`${kind}.${apiVersion}`);
    const id = store?.ids.get(namespace === '' ? name : `${namespace}/${name}`);
    return id === undefined ? undefined : (objects.get(id) ?? undefined);
  };
  let known: string | undefined;
  const context: CreateContext = {
    nodeLifecycle: true,
    volumeProtection: true,
    defaultStorageClass: () => {
      const store = objects.findKind('StorageClass');
      if (store === undefined || store.ids.size === 0) return undefined;
      return youngestClass([...store.ids.values()].map((id) => objects.get(id)!).filter(saysDefault));
    },
    namespaceExists: (name) => objects.find('Namespace', '', name) >= 0,
    serviceAccount: (namespace, name) =>
      find('ServiceAccount', 'v1', namespace, name) ?? (name === 'default' ? DEFAULT_ACCOUNT : undefined),
    priorityClass: (name) => find('PriorityClass', 'scheduling.k8s.io/v1', '', name),
    defaultPriorityClass: () => {
      const store =
        objects.findKind('PriorityClass') ?? objects.findKind('PriorityClass.scheduling.k8s.io/v1');
      for (const id of store?.ids.values() ?? []) {
        const object = objects.get(id);
        if (object?.['globalDefault'] === true) return object;
      }
      return undefined;
    },
    limitRanges: (namespace) => {
      const store = objects.findKind('LimitRange');
      if (store === undefined || store.ids.size === 0) return NO_RANGES;
      const ids = [...store.ids.values()].filter((id) => objects.get(id)!.metadata.namespace === namespace);
      return ids.map((id) => objects.get(id)!);
    },
    runtimeClass: (name) => find('RuntimeClass', 'node.k8s.io/v1', '', name),
    // One for all: equal pods share a template, and each is given its own characters when it is printed.
    suffix: () => TOKEN_SUFFIX,
    uid: () => known ?? objectUid(objects.used + 1),
    creationTimestamp: () => timestampText(0),
  };
  return (object, uid) => {
    known = uid;
    // Custom resources: their definitions are taken to be installed, and nothing is known to check them by.
    if (kindOf(object.apiVersion, object.kind) === undefined) return { code: 201, object };
    const answer = createObject(object, context);
    if (!('object' in answer)) return answer;
    // The server itself makes generated names unique.
    if (!object.metadata?.name && answer.object.metadata.generateName) delete answer.object.metadata.name;
    return answer;
  };
}

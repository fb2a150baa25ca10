// Who the pods of a StatefulSet are: their ordinals, the template of each and the names of their claims
// (pkg/controller/statefulset/stateful_set_utils.go, v1.36).
//
// Each ordinal has a pod template of its own: labels, hostname and claims carry the ordinal, and selectors may ask for
// them. It is made once per revision and ordinal and serves every pod that takes the place.
import type { SeenPods } from '../contracts/controller.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import type { ClusterState, Labels } from '../state/index.ts';

const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name';
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index';
export const REVISION_LABEL = 'controller-revision-hash';

const ORDINAL = /^(.*)-(0|[1-9]\d{0,8})$/;

/** Ordinal of a pod of the set, -1 if its name is none of the set's. */
export function ordinalOf(pods: SeenPods, state: ClusterState, pod: number, set: string): number {
  const known = pods.table.ordinal(pod);
  if (known >= 0) return known;
  const match = ORDINAL.exec(state.podName(pod));
  return match !== null && match[1] === set ? Number(match[2]) : -1;
}

/** The labels that tell the pod's place (updateIdentity); the same object if they do. */
export function withIdentity(labels: Labels, set: string, ordinal: number): Labels {
  const name = `${set}-${ordinal}`;
  if (labels[POD_NAME_LABEL] === name) return labels;
  return { ...labels, [POD_NAME_LABEL]: name, [POD_INDEX_LABEL]: String(ordinal) };
}

export const startOrdinal = (set: KubeObject): number => set['spec'].ordinals?.start ?? 0;

export const claimTemplates = (set: KubeObject): readonly Json[] => set['spec'].volumeClaimTemplates ?? [];

export const claimName = (set: KubeObject, template: Json, ordinal: number): string =>
  `${template.metadata.name}-${set.metadata.name}-${ordinal}`;

/** The claim of one ordinal, as the controller asks for it (getPersistentVolumeClaims). */
export function claimOf(set: KubeObject, template: Json, ordinal: number): KubeObject {
  const { name: _name, labels, ...metadata } = template.metadata;
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      ...metadata,
      name: claimName(set, template, ordinal),
      namespace: set.metadata.namespace ?? 'default',
      labels: { ...labels, ...set['spec'].selector?.matchLabels },
    },
    spec: template.spec,
  };
}

/** By template of a revision: the pod templates of its ordinals. */
const known = new WeakMap<object, Map<number, Json>>();

/** The pod template of one ordinal (newStatefulSetPod). The same object at each call. */
export function podTemplate(set: KubeObject, template: Json, revision: string, ordinal: number): Json {
  let own = known.get(template);
  if (own === undefined) {
    own = new Map();
    known.set(template, own);
  }
  let made = own.get(ordinal);
  if (made === undefined) {
    made = makeTemplate(set, template, revision, ordinal);
    own.set(ordinal, made);
  }
  return made;
}

function makeTemplate(set: KubeObject, template: Json, revision: string, ordinal: number): Json {
  const name = `${set.metadata.name}-${ordinal}`;
  const claims = claimTemplates(set);
  const named = new Set(claims.map((claim) => claim.metadata.name));
  const volumes = [
    ...claims.map((claim) => ({
      name: claim.metadata.name,
      persistentVolumeClaim: { claimName: claimName(set, claim, ordinal) },
    })),
    ...(template.spec.volumes ?? []).filter((volume: Json) => !named.has(volume.name)),
  ];
  const { serviceName } = set['spec'];
  return {
    metadata: {
      ...template.metadata,
      labels: {
        ...template.metadata?.labels,
        [POD_INDEX_LABEL]: String(ordinal),
        [REVISION_LABEL]: revision,
        [POD_NAME_LABEL]: name,
      },
    },
    spec: {
      ...template.spec,
      ...(volumes.length > 0 ? { volumes } : {}),
      hostname: name,
      ...(serviceName ? { subdomain: serviceName } : {}),
    },
  };
}

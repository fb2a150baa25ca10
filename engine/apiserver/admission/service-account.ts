// ServiceAccount admission: gives a pod its account, its pull secrets and the volume with the account's token
// (plugin/pkg/admission/serviceaccount, v1.36).
import { isSet, list, text } from '../../kinds/field-lists.ts';
import type { Json, KubeObject } from '../../kinds/kind.ts';
import type { AdmissionContext } from './admission.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const VOLUME_PREFIX = 'kube-api-access-';
const MOUNT_PATH = '/var/run/secrets/kubernetes.io/serviceaccount';
/** An hour and 7 s: the odd number tells tokens of this plug-in from others. */
const TOKEN_SECONDS = 3607;

function tokenVolume(name: string): Json {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: TOKEN_SECONDS, path: 'token' } },
        { configMap: { name: 'kube-root-ca.crt', items: [{ key: 'ca.crt', path: 'ca.crt' }] } },
        {
          downwardAPI: {
            items: [{ path: 'namespace', fieldRef: { apiVersion: 'v1', fieldPath: 'metadata.namespace' } }],
          },
        },
      ],
      defaultMode: 420,
    },
  };
}

const wantsToken = (account: Json, spec: Json): boolean =>
  spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true;

function mountToken(spec: Json, context: AdmissionContext): void {
  const known = list(spec.volumes).find((volume) => text(volume.name).startsWith(VOLUME_PREFIX));
  let name: string = known?.name ?? '';
  let mounted = false;
  for (const key of ['initContainers', 'containers', 'ephemeralContainers']) {
    for (const container of list(spec[key])) {
      if (list(container.volumeMounts).some((mount) => mount.mountPath === MOUNT_PATH)) continue;
      if (name === '') name = VOLUME_PREFIX + context.suffix();
      container.volumeMounts = [
        ...list(container.volumeMounts),
        { name, readOnly: true, mountPath: MOUNT_PATH },
      ];
      mounted = true;
    }
  }
  if (mounted && known === undefined) spec.volumes = [...list(spec.volumes), tokenVolume(name)];
}

/** Returns why the pod is refused, undefined when it is not. */
export function admitServiceAccount(pod: KubeObject, context: AdmissionContext): string | undefined {
  if (pod.metadata.annotations?.[MIRROR] !== undefined) return undefined;
  const { spec } = pod;
  if (text(spec.serviceAccountName) === '') {
    spec.serviceAccountName = 'default';
    spec.serviceAccount = 'default';
  }
  const name: string = spec.serviceAccountName;
  const namespace = pod.metadata.namespace ?? '';
  const account = context.serviceAccount(namespace, name);
  if (account === undefined) {
    return `error looking up service account ${namespace}/${name}: serviceaccount ${JSON.stringify(name)} not found`;
  }
  if (wantsToken(account, spec)) mountToken(spec, context);
  if (list(spec.imagePullSecrets).length === 0 && isSet(account.imagePullSecrets)) {
    const secrets = list(account.imagePullSecrets).map((secret) => ({ name: text(secret.name) }));
    if (secrets.length > 0) spec.imagePullSecrets = secrets;
  }
  return undefined;
}

// PersistentVolume (core/v1): defaults.go, registry strategy and ValidatePersistentVolumeSpec, v1.36. The API server
// adds status.lastPhaseTransitionTime (it has the clock), admission adds the protection finalizer.
import {
  checkNoBacksteps,
  checkNodeSelector,
  checkPositiveQuantity,
  checkSubdomain,
  entries,
  omitEmpty,
  setDefault,
} from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { volumeSources } from './volume-sources.ts';

export const accessModes = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'] as const;
export const volumeModes = ['Block', 'Filesystem'] as const;
const reclaimPolicies = ['Delete', 'Recycle', 'Retain'];

/** Finalizers that the admission plug-in StorageObjectInUseProtection puts on new volumes and claims. */
export const protectionFinalizers: Readonly<Record<string, string>> = {
  PersistentVolume: 'kubernetes.io/pv-protection',
  PersistentVolumeClaim: 'kubernetes.io/pvc-protection',
};

function defaultSource(spec: Json): void {
  const { hostPath, rbd, iscsi, azureDisk, scaleIO } = spec;
  if (hostPath !== undefined) hostPath.type ??= '';
  if (rbd !== undefined) {
    setDefault(rbd, 'pool', 'rbd');
    setDefault(rbd, 'user', 'admin');
    setDefault(rbd, 'keyring', '/etc/ceph/keyring');
  }
  if (iscsi !== undefined) setDefault(iscsi, 'iscsiInterface', 'default');
  if (azureDisk !== undefined) {
    azureDisk.cachingMode ??= 'ReadWrite';
    azureDisk.fsType ??= 'ext4';
    azureDisk.readOnly ??= false;
    azureDisk.kind ??= 'Shared';
  }
  if (scaleIO !== undefined) {
    setDefault(scaleIO, 'storageMode', 'ThinProvisioned');
    setDefault(scaleIO, 'fsType', 'xfs');
  }
}

function defaults(volume: KubeObject): void {
  volume.spec ??= {};
  const spec = volume.spec;
  setDefault(spec, 'persistentVolumeReclaimPolicy', 'Retain');
  spec.volumeMode ??= 'Filesystem';
  omitEmpty(spec, 'capacity', 'accessModes', 'mountOptions', 'storageClassName');
  defaultSource(spec);
  volume.status = { phase: 'Pending' };
}

/** Shared by volumes and claims: known modes, ReadWriteOncePod alone. */
export function checkAccessModes(modes: readonly string[], field: string, errors: FieldErrors): void {
  for (const mode of modes) {
    if (!(accessModes as readonly string[]).includes(mode)) errors.notSupported(field, mode, accessModes);
  }
  if (modes.includes('ReadWriteOncePod') && modes.some((mode) => mode !== 'ReadWriteOncePod')) {
    errors.forbidden(field, 'may not use ReadWriteOncePod with other access modes');
  }
}

function checkCapacity(capacity: Record<string, string> | undefined, errors: FieldErrors): void {
  const keys = Object.keys(capacity ?? {});
  if (keys.length === 0) errors.required('spec.capacity');
  if (keys.length !== 1 || keys[0] !== 'storage') {
    errors.notSupported('spec.capacity', keys.length === 0 ? null : capacity, ['storage']);
  }
  for (const [field, , amount] of entries<string>('spec.capacity', capacity)) {
    checkPositiveQuantity(errors, field, amount);
  }
}

/** Slashes collapsed and `.` dropped, as Go's path.Clean; enough to recognise the root. */
const isRootPath = (path: string): boolean =>
  path.startsWith('/') && path.split('/').every((part) => part === '' || part === '.');

function checkSources(spec: Json, errors: FieldErrors): void {
  let count = 0;
  for (const [name, check] of volumeSources) {
    const source = spec[name === 'cephFS' ? 'cephfs' : name];
    if (source === undefined) continue;
    const field = `spec.${name}`;
    if (count > 0) {
      errors.forbidden(field, 'may not specify more than 1 volume type');
    } else {
      count++;
      check(source, field, errors);
      if (name === 'local') {
        checkNoBacksteps(errors, `${field}.path`, source.path ?? '');
        if (spec.nodeAffinity === undefined)
          errors.required('spec.nodeAffinity', 'Local volume requires node affinity');
      }
    }
  }
  if (count === 0) errors.required('spec', 'must specify a volume type');
}

function validate(volume: KubeObject, errors: FieldErrors): void {
  const spec = volume.spec;
  const modes: string[] = spec.accessModes ?? [];
  if (modes.length === 0) errors.required('spec.accessModes');
  checkAccessModes(modes, 'spec.accessModes', errors);
  checkCapacity(spec.capacity, errors);
  const policy = spec.persistentVolumeReclaimPolicy;
  const policyField = 'spec.persistentVolumeReclaimPolicy';
  if (!reclaimPolicies.includes(policy)) errors.notSupported(policyField, policy, reclaimPolicies);
  if (spec.nodeAffinity !== undefined) {
    const field = 'spec.nodeAffinity.required';
    if (spec.nodeAffinity.required === undefined)
      errors.required(field, 'must specify required node constraints');
    else checkNodeSelector(errors, field, spec.nodeAffinity.required);
  }
  checkSources(spec, errors);
  if (spec.hostPath !== undefined && policy === 'Recycle' && isRootPath(spec.hostPath.path ?? '')) {
    errors.forbidden(policyField, "may not be 'recycle' for a hostPath mount of '/'");
  }
  if ((spec.storageClassName ?? '') !== '')
    checkSubdomain(errors, 'spec.storageClassName', spec.storageClassName);
  if (!(volumeModes as readonly string[]).includes(spec.volumeMode)) {
    errors.notSupported('spec.volumeMode', spec.volumeMode, volumeModes);
  }
  checkAttributesClass(spec, errors);
}

function checkAttributesClass(spec: Json, errors: FieldErrors): void {
  const name = spec.volumeAttributesClassName;
  if (name === undefined) return;
  const field = 'spec.volumeAttributesClassName';
  if (name === '') errors.required(field, 'an empty string is disallowed');
  else checkSubdomain(errors, field, name);
  if (spec.csi === undefined)
    errors.required('spec.csi', 'has to be specified when using volumeAttributesClassName');
}

const removedSources: readonly (readonly [string, string, string])[] = [
  ['photonPersistentDisk', 'v1.11', 'v1.16+'],
  ['scaleIO', 'v1.16', 'v1.22+'],
  ['storageos', 'v1.22', 'v1.25+'],
  ['glusterfs', 'v1.25', 'v1.26+'],
  ['cephfs', 'v1.28', 'v1.31+'],
  ['rbd', 'v1.28', 'v1.31+'],
];

/** The annotation that named a class before storageClassName existed. */
export function storageClassAnnotationWarning(object: KubeObject): string[] {
  const key = 'volume.beta.kubernetes.io/storage-class';
  if (object.metadata.annotations?.[key] === undefined) return [];
  return [`metadata.annotations[${key}]: deprecated since v1.8; use "storageClassName" attribute instead`];
}

function warnings(volume: KubeObject): string[] {
  const spec = volume.spec ?? {};
  const found = storageClassAnnotationWarning(volume);
  if (spec.persistentVolumeReclaimPolicy === 'Recycle') {
    const advice = 'Instead, the recommended approach is to use dynamic provisioning.';
    found.push(`spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. ${advice}`);
  }
  for (const [source, deprecated, gone] of removedSources) {
    if (spec[source] === undefined) continue;
    const name = source === 'storageos' ? 'storageOS' : source;
    found.push(`spec.${name}: deprecated in ${deprecated}, non-functional in ${gone}`);
  }
  return found;
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    resource: 'persistentvolumes',
    namespaced: false,
    shortNames: ['pv'],
    modelled: true,
    defaults,
    validate,
    warnings,
  },
];

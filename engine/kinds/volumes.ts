// Pod volumes: defaults and checks of every volume type (SetDefaults_Volume and its kin in pkg/apis/core/v1,
// ValidateVolumes in pkg/apis/core/validation/validation.go, v1.36). Types are checked in the server's order.
import { checkDescendingPath, checkNoBacksteps, report } from './checks.ts';
import { defaultPullPolicy } from './container-image.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { checkedAlone, isSet, list, requireText, text } from './field-lists.ts';
import type { Json, ObjectMeta } from './kind.ts';
import { checkTemplateMetadata } from './metadata.ts';
import { dns1123LabelMessages, dns1123SubdomainMessages } from './names.ts';
import { checkPersistentVolumeClaimSpec, defaultPersistentVolumeClaimSpec } from './persistentvolumeclaim.ts';
import { reportProjected } from './projected-volume.ts';
import { reportDownwardFile, reportFileMode, reportKeysToPaths } from './volume-files.ts';

/** Mode of files made from Secrets, ConfigMaps and the downward API: 0644. */
const FILE_MODE_DEFAULT = 420;

function setUnless(object: Json, defaults: Record<string, Json>): void {
  for (const [key, value] of Object.entries(defaults)) {
    if (!isSet(object[key]) || object[key] === '') object[key] = value;
  }
}

function defaultProjected(projected: Json): void {
  setUnless(projected, { defaultMode: FILE_MODE_DEFAULT });
  for (const source of list(projected.sources)) {
    if (isSet(source.serviceAccountToken)) setUnless(source.serviceAccountToken, { expirationSeconds: 3600 });
    for (const file of list(source.downwardAPI?.items)) {
      if (isSet(file.fieldRef)) setUnless(file.fieldRef, { apiVersion: 'v1' });
    }
  }
}

const DEFAULTS: Record<string, (source: Json) => void> = {
  secret: (source) => setUnless(source, { defaultMode: FILE_MODE_DEFAULT }),
  configMap: (source) => setUnless(source, { defaultMode: FILE_MODE_DEFAULT }),
  downwardAPI: (source) => {
    setUnless(source, { defaultMode: FILE_MODE_DEFAULT });
    for (const file of list(source.items))
      if (isSet(file.fieldRef)) setUnless(file.fieldRef, { apiVersion: 'v1' });
  },
  projected: defaultProjected,
  hostPath: (source) => {
    if (!isSet(source.type)) source.type = '';
  },
  iscsi: (source) => setUnless(source, { iscsiInterface: 'default' }),
  rbd: (source) => setUnless(source, { pool: 'rbd', user: 'admin', keyring: '/etc/ceph/keyring' }),
  azureDisk: (source) => {
    setUnless(source, { cachingMode: 'ReadWrite', kind: 'Shared' });
    if (!isSet(source.fsType)) source.fsType = 'ext4';
    if (!isSet(source.readOnly)) source.readOnly = false;
  },
  scaleIO: (source) => setUnless(source, { storageMode: 'ThinProvisioned', fsType: 'xfs' }),
  ephemeral: (source) => {
    if (isSet(source.volumeClaimTemplate)) defaultPersistentVolumeClaimSpec(source.volumeClaimTemplate.spec);
  },
  image: (source) => setUnless(source, { pullPolicy: defaultPullPolicy(text(source.reference)) }),
};

/** A volume without any source is an empty directory. */
export function defaultVolume(volume: Json): void {
  if (Object.keys(volume).every((key) => key === 'name')) volume.emptyDir = {};
  for (const [type, apply] of Object.entries(DEFAULTS)) if (isSet(volume[type])) apply(volume[type]);
}

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];

type SourceCheck = (errors: FieldErrors, at: string, source: Json, isPod: boolean) => void;

const required =
  (...fields: string[]): SourceCheck =>
  (errors, at, source) => {
    for (const field of fields) requireText(errors, child(at, field), source[field]);
  };

const requiredList =
  (...fields: string[]): SourceCheck =>
  (errors, at, source) => {
    for (const field of fields) if (list(source[field]).length === 0) errors.required(child(at, field));
  };

const checkPartition = (errors: FieldErrors, at: string, source: Json): void => {
  const partition = source.partition ?? 0;
  if (partition < 0 || partition > 255) {
    errors.invalid(child(at, 'partition'), partition, 'must be between 1 and 255, inclusive');
  }
};

function checkHostPath(errors: FieldErrors, at: string, source: Json): void {
  if (!requireText(errors, child(at, 'path'), source.path)) return;
  checkNoBacksteps(errors, child(at, 'path'), source.path);
  if (isSet(source.type) && !HOST_PATH_TYPES.includes(source.type)) {
    errors.notSupported(child(at, 'type'), source.type, HOST_PATH_TYPES);
  }
}

const IQN = /iqn\.\d{4}-\d{2}\.([A-Za-z0-9\-.]+)(:[^,;*&$|\s]+)$/;

/** iSCSI names start with iqn, eui or naa and have that type's form. `field` is the name as upstream spells it. */
function checkIscsiName(errors: FieldErrors, field: string, name: string): void {
  const type = name.slice(0, 3);
  if (!['iqn', 'eui', 'naa'].includes(type)) {
    errors.invalid(field, name, 'must be valid format starting with iqn, eui, or naa');
    return;
  }
  const form = type === 'iqn' ? IQN : type === 'eui' ? /^eui.[A-Za-z0-9]{16}$/ : /^naa.[A-Za-z0-9]{32}$/;
  if (!form.test(name)) errors.invalid(field, name, 'must be valid format');
}

function checkIscsi(errors: FieldErrors, at: string, source: Json): void {
  requireText(errors, child(at, 'targetPortal'), source.targetPortal);
  if (requireText(errors, child(at, 'iqn'), source.iqn)) checkIscsiName(errors, child(at, 'iqn'), source.iqn);
  const lun = source.lun ?? 0;
  if (lun < 0 || lun > 255) errors.invalid(child(at, 'lun'), lun, 'must be between 0 and 255, inclusive');
  if ((source.chapAuthDiscovery === true || source.chapAuthSession === true) && !isSet(source.secretRef)) {
    errors.required(child(at, 'secretRef'));
  }
  if (isSet(source.initiatorName)) checkIscsiName(errors, child(at, 'initiatorname'), source.initiatorName);
}

function checkFibreChannel(errors: FieldErrors, at: string, source: Json): void {
  const names = list(source.targetWWNs);
  if (names.length < 1 && list(source.wwids).length < 1) {
    errors.required(child(at, 'targetWWNs'), 'must specify either targetWWNs or wwids, but not both');
  }
  if (names.length !== 0 && list(source.wwids).length !== 0) {
    errors.invalid(
      child(at, 'targetWWNs'),
      names,
      'targetWWNs and wwids can not be specified simultaneously',
    );
  }
  if (names.length === 0) return;
  if (!isSet(source.lun)) errors.required(child(at, 'lun'), 'lun is required if targetWWNs is specified');
  else if (source.lun < 0 || source.lun > 255) {
    errors.invalid(child(at, 'lun'), source.lun, 'must be between 0 and 255, inclusive');
  }
}

function checkFlocker(errors: FieldErrors, at: string, source: Json): void {
  const name = text(source.datasetName);
  const uuid = text(source.datasetUUID);
  if (name === '' && uuid === '') errors.required(at, 'one of datasetName and datasetUUID is required');
  if (name !== '' && uuid !== '') {
    errors.invalid(at, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (name.includes('/')) errors.invalid(child(at, 'datasetName'), name, "must not contain '/'");
}

function checkQuobyte(errors: FieldErrors, at: string, source: Json): void {
  const registry = text(source.registry);
  const pairs = 'must be a host:port pair or multiple pairs separated by commas';
  if (registry === '') errors.required(child(at, 'registry'), pairs);
  else if (text(source.tenant).length >= 65) {
    errors.required(child(at, 'tenant'), 'must be a UUID and may not exceed a length of 64 characters');
  } else {
    for (const pair of registry.split(',')) {
      if (!/^([^:[\]]*|\[[^[\]]*\]):[^:]*$/.test(pair))
        errors.invalid(child(at, 'registry'), registry, pairs);
    }
  }
  requireText(errors, child(at, 'volume'), source.volume);
}

function checkDownwardApi(errors: FieldErrors, at: string, source: Json): void {
  reportFileMode(errors, child(at, 'defaultMode'), source.defaultMode);
  for (const file of list(source.items)) reportDownwardFile(errors, at, file);
}

function checkFlexVolume(errors: FieldErrors, at: string, source: Json): void {
  requireText(errors, child(at, 'driver'), source.driver);
  for (const key of Object.keys(source.options ?? {})) {
    const namespace = `.${(key.split('/')[0] as string).toLowerCase()}`;
    if (namespace.endsWith('.kubernetes.io') || namespace.endsWith('.k8s.io')) {
      errors.invalid(`${at}.options[${key}]`, key, 'kubernetes.io and k8s.io namespaces are reserved');
    }
  }
}

function checkAzureDisk(errors: FieldErrors, at: string, source: Json): void {
  requireText(errors, child(at, 'diskName'), source.diskName);
  requireText(errors, child(at, 'diskURI'), source.diskURI);
  const uri = text(source.diskURI);
  const cachingModes = ['None', 'ReadOnly', 'ReadWrite'];
  if (isSet(source.cachingMode) && !cachingModes.includes(source.cachingMode)) {
    errors.notSupported(child(at, 'cachingMode'), source.cachingMode, cachingModes);
  }
  if (!isSet(source.kind)) return;
  if (!['Dedicated', 'Managed', 'Shared'].includes(source.kind)) {
    errors.notSupported(child(at, 'kind'), source.kind, ['Dedicated', 'Managed', 'Shared']);
  }
  if (source.kind === 'Managed' && !uri.startsWith('/subscriptions/')) {
    const form =
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
    errors.notSupported(child(at, 'diskURI'), uri, [form]);
  }
  if (source.kind !== 'Managed' && !uri.startsWith('https://')) {
    const form = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
    errors.notSupported(child(at, 'diskURI'), uri, [form]);
  }
}

function checkStorageOs(errors: FieldErrors, at: string, source: Json): void {
  if (requireText(errors, child(at, 'volumeName'), source.volumeName)) {
    report(errors, child(at, 'volumeName'), source.volumeName, dns1123LabelMessages(source.volumeName));
  }
  if (text(source.volumeNamespace) !== '') {
    const at2 = child(at, 'volumeNamespace');
    report(errors, at2, source.volumeNamespace, dns1123LabelMessages(source.volumeNamespace));
  }
  if (isSet(source.secretRef)) requireText(errors, `${at}.secretRef.name`, source.secretRef.name);
}

function checkCsi(errors: FieldErrors, at: string, source: Json): void {
  const driver = text(source.driver);
  requireText(errors, child(at, 'driver'), driver);
  if (driver.length > 63) errors.tooLong(child(at, 'driver'), 63);
  report(errors, child(at, 'driver'), driver, dns1123SubdomainMessages(driver.toLowerCase()));
  if (!isSet(source.nodePublishSecretRef)) return;
  const name = text(source.nodePublishSecretRef.name);
  if (requireText(errors, `${at}.nodePublishSecretRef.name`, name)) {
    report(errors, child(at, 'name'), name, dns1123SubdomainMessages(name));
  }
}

function checkEphemeral(errors: FieldErrors, at: string, source: Json): void {
  const templateAt = child(at, 'volumeClaimTemplate');
  if (!isSet(source.volumeClaimTemplate)) {
    errors.required(templateAt);
    return;
  }
  checkTemplateMetadata(errors, child(templateAt, 'metadata'), source.volumeClaimTemplate.metadata);
  checkPersistentVolumeClaimSpec(source.volumeClaimTemplate.spec ?? {}, child(templateAt, 'spec'), errors);
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];

function checkImage(errors: FieldErrors, at: string, source: Json, isPod: boolean): void {
  if (isPod) requireText(errors, child(at, 'reference'), source.reference);
  if (
    requireText(errors, child(at, 'pullPolicy'), source.pullPolicy) &&
    !PULL_POLICIES.includes(source.pullPolicy)
  ) {
    errors.notSupported(child(at, 'pullPolicy'), source.pullPolicy, PULL_POLICIES);
  }
}

function checkFiles(nameField: string): SourceCheck {
  return (errors, at, source) => {
    requireText(errors, child(at, nameField), source[nameField]);
    reportFileMode(errors, child(at, 'defaultMode'), source.defaultMode);
    reportKeysToPaths(errors, child(at, 'items'), source.items);
  };
}

/** Field, the name upstream uses when it is one type too many, the name it uses below it, the check. */
const TYPES: readonly (readonly [field: string, tooMany: string, at: string, check: SourceCheck])[] = [
  ['hostPath', 'hostPath', 'hostPath', checkHostPath],
  [
    'gitRepo',
    'gitRepo',
    'gitRepo',
    (errors, at, source) => {
      requireText(errors, child(at, 'repository'), source.repository);
      checkDescendingPath(errors, child(at, 'directory'), text(source.directory));
    },
  ],
  [
    'gcePersistentDisk',
    'gcePersistentDisk',
    'persistentDisk',
    (errors, at, source) => {
      requireText(errors, child(at, 'pdName'), source.pdName);
      checkPartition(errors, at, source);
    },
  ],
  [
    'awsElasticBlockStore',
    'awsElasticBlockStore',
    'awsElasticBlockStore',
    (errors, at, source) => {
      requireText(errors, child(at, 'volumeID'), source.volumeID);
      checkPartition(errors, at, source);
    },
  ],
  ['secret', 'secret', 'secret', checkFiles('secretName')],
  [
    'nfs',
    'nfs',
    'nfs',
    (errors, at, source) => {
      requireText(errors, child(at, 'server'), source.server);
      requireText(errors, child(at, 'path'), source.path);
      if (!text(source.path).startsWith('/')) {
        errors.invalid(child(at, 'path'), text(source.path), 'must be an absolute path');
      }
    },
  ],
  ['iscsi', 'iscsi', 'iscsi', checkIscsi],
  ['glusterfs', 'glusterfs', 'glusterfs', required('endpoints', 'path')],
  ['flocker', 'flocker', 'flocker', checkFlocker],
  ['persistentVolumeClaim', 'persistentVolumeClaim', 'persistentVolumeClaim', required('claimName')],
  [
    'rbd',
    'rbd',
    'rbd',
    (errors, at, source) => {
      requiredList('monitors')(errors, at, source, false);
      requireText(errors, child(at, 'image'), source.image);
    },
  ],
  [
    'cinder',
    'cinder',
    'cinder',
    (errors, at, source) => {
      requireText(errors, child(at, 'volumeID'), source.volumeID);
      if (isSet(source.secretRef)) requireText(errors, `${at}.secretRef.name`, source.secretRef.name);
    },
  ],
  ['cephfs', 'cephFS', 'cephfs', requiredList('monitors')],
  ['quobyte', 'quobyte', 'quobyte', checkQuobyte],
  ['downwardAPI', 'downwarAPI', 'downwardAPI', checkDownwardApi],
  ['fc', 'fc', 'fc', checkFibreChannel],
  ['flexVolume', 'flexVolume', 'flexVolume', checkFlexVolume],
  ['configMap', 'configMap', 'configMap', checkFiles('name')],
  ['azureFile', 'azureFile', 'azureFile', required('secretName', 'shareName')],
  ['vsphereVolume', 'vsphereVolume', 'vsphereVolume', required('volumePath')],
  ['photonPersistentDisk', 'photonPersistentDisk', 'photonPersistentDisk', required('pdID')],
  ['portworxVolume', 'portworxVolume', 'portworxVolume', required('volumeID')],
  ['azureDisk', 'azureDisk', 'azureDisk', checkAzureDisk],
  ['storageos', 'storageos', 'storageos', checkStorageOs],
  ['projected', 'projected', 'projected', reportProjected],
  ['scaleIO', 'scaleIO', 'scaleIO', required('gateway', 'system', 'volumeName')],
  ['csi', 'csi', 'csi', checkCsi],
  ['ephemeral', 'ephemeral', 'ephemeral', checkEphemeral],
  ['image', 'image', 'image', checkImage],
];

function checkSource(errors: FieldErrors, at: string, volume: Json, pod: ObjectMeta | undefined): void {
  let types = 0;
  if (isSet(volume.emptyDir)) {
    types++;
    if (text(volume.emptyDir.sizeLimit).startsWith('-')) {
      errors.forbidden(`${at}.emptyDir.sizeLimit`, 'SizeLimit field must be a valid resource quantity');
    }
  }
  for (const [field, tooMany, below, check] of TYPES) {
    const source = volume[field];
    if (!isSet(source)) continue;
    if (types > 0) errors.forbidden(child(at, tooMany), 'may not specify more than 1 volume type');
    else {
      types++;
      check(errors, child(at, below), source, pod !== undefined);
      if (field === 'ephemeral') checkClaimName(errors, at, volume, pod);
    }
    if (field === 'iscsi' && isSet(source.initiatorName)) checkIscsiLength(errors, at, volume);
  }
  if (types === 0) errors.required(at, 'must specify a volume type');
}

function checkIscsiLength(errors: FieldErrors, at: string, volume: Json): void {
  if (`${volume.name}:${volume.iscsi.targetPortal}`.length <= 64) return;
  const message =
    'Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.';
  errors.invalid(child(at, 'name'), text(volume.name), message);
}

/** The claim of an ephemeral volume is named after its pod and volume. */
function checkClaimName(errors: FieldErrors, at: string, volume: Json, pod: ObjectMeta | undefined): void {
  if ((pod?.name ?? '') === '' || text(volume.name) === '') return;
  const claim = `${pod?.name}-${volume.name}`;
  for (const message of dns1123SubdomainMessages(claim)) {
    errors.invalid(child(at, 'name'), volume.name, `PVC name "${claim}": ${message}`);
  }
}

/**
 * Checks all volumes and returns the good ones by name: containers may mount only those. `pod` is the metadata of a
 * real pod, undefined for templates.
 */
export function checkVolumes(
  errors: FieldErrors,
  field: string,
  volumes: readonly Json[],
  pod: ObjectMeta | undefined,
): Map<string, Json> {
  const good = new Map<string, Json>();
  const created = new Set(
    volumes
      .filter((volume) => isSet(volume.ephemeral) && (pod?.name ?? '') !== '')
      .map((v) => `${pod?.name}-${v.name}`),
  );
  for (const [index, volume] of volumes.entries()) {
    const at = item(field, index);
    const name = text(volume.name);
    const fine = checkedAlone(errors, (own) => {
      checkSource(own, at, volume, pod);
      if (requireText(own, child(at, 'name'), name))
        report(own, child(at, 'name'), name, dns1123LabelMessages(name));
      if (good.has(name)) own.duplicate(child(at, 'name'), name);
    });
    if (fine) good.set(name, volume);
    const claim = text(volume.persistentVolumeClaim?.claimName);
    if (created.has(claim)) {
      const message = 'must not reference a PVC that gets created for an ephemeral volume';
      errors.invalid(`${at}.persistentVolumeClaim.claimName`, claim, message);
    }
  }
  return good;
}

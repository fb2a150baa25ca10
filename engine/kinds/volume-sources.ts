// What each source of a PersistentVolume must say (validate*VolumeSource in pkg/apis/core/validation, v1.36), in the
// order in which the server looks at them: the first one given counts, every other one is forbidden.
import { checkNoBacksteps, notSupportedInOrder } from './checks.ts';
import type { FieldErrors } from './field-errors.ts';
import type { Json } from './kind.ts';

type SourceCheck = (source: Json, field: string, errors: FieldErrors) => void;

const hostPathTypes = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const byteRange = 'must be between 0 and 255, inclusive';

/** A check that the named fields are not empty. */
function needs(...names: string[]): SourceCheck {
  return (source, field, errors) => {
    for (const name of names) {
      const value = source[name] ?? '';
      if (value === '' || (Array.isArray(value) && value.length === 0)) {
        errors.required(`${field}.${name}`);
      }
    }
  };
}

/** Cloud disks name a volume and may name a partition. */
function disk(idField: string): SourceCheck {
  return (source, field, errors) => {
    needs(idField)(source, field, errors);
    const partition = source.partition ?? 0;
    // 0 means none and is taken, but the text says otherwise.
    if (partition < 0 || partition > 255) {
      errors.invalid(`${field}.partition`, partition, 'must be between 1 and 255, inclusive');
    }
  };
}

const hostPath: SourceCheck = (source, field, errors) => {
  if ((source.path ?? '') === '') {
    errors.required(`${field}.path`);
    return;
  }
  checkNoBacksteps(errors, `${field}.path`, source.path);
  if (source.type !== undefined && !hostPathTypes.includes(source.type)) {
    errors.notSupported(`${field}.type`, source.type, hostPathTypes);
  }
};

const nfs: SourceCheck = (source, field, errors) => {
  needs('server', 'path')(source, field, errors);
  const path = source.path ?? '';
  if (!path.startsWith('/')) errors.invalid(`${field}.path`, path, 'must be an absolute path');
};

const flocker: SourceCheck = (source, field, errors) => {
  const name = source.datasetName ?? '';
  const uuid = source.datasetUUID ?? '';
  if (name === '' && uuid === '') errors.required(field, 'one of datasetName and datasetUUID is required');
  if (name !== '' && uuid !== '') {
    errors.invalid(field, 'resource', 'datasetName and datasetUUID can not be specified simultaneously');
  }
  if (name.includes('/')) errors.invalid(`${field}.datasetName`, name, "must not contain '/'");
};

const iscsi: SourceCheck = (source, field, errors) => {
  needs('targetPortal', 'iqn')(source, field, errors);
  const iqn: string = source.iqn ?? '';
  if (iqn !== '' && !/^(iqn|eui|naa)/.test(iqn)) {
    errors.invalid(`${field}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa');
  }
  const lun = source.lun ?? 0;
  if (lun < 0 || lun > 255) errors.invalid(`${field}.lun`, lun, byteRange);
  const needsSecret = source.chapAuthDiscovery || source.chapAuthSession;
  if (needsSecret && source.secretRef === undefined) errors.required(`${field}.secretRef`);
};

const fibreChannel: SourceCheck = (source, field, errors) => {
  const wwns = (source.targetWWNs ?? []).length;
  const wwids = (source.wwids ?? []).length;
  if (wwns === 0 && wwids === 0) {
    errors.required(`${field}.targetWWNs`, 'must specify either targetWWNs or wwids, but not both');
  }
  if (wwns > 0 && wwids > 0) {
    errors.invalid(
      `${field}.targetWWNs`,
      source.targetWWNs,
      'targetWWNs and wwids can not be specified simultaneously',
    );
  }
  if (wwns > 0) {
    const lun = source.lun;
    if (lun === undefined) errors.required(`${field}.lun`, 'lun is required if targetWWNs is specified');
    else if (lun < 0 || lun > 255) errors.invalid(`${field}.lun`, lun, byteRange);
  }
};

const azureFile: SourceCheck = (source, field, errors) => {
  needs('secretName', 'shareName')(source, field, errors);
  if (source.secretNamespace === '') errors.required(`${field}.secretNamespace`);
};

const azureDisk: SourceCheck = (source, field, errors) => {
  needs('diskName', 'diskURI')(source, field, errors);
  const cachingModes = ['None', 'ReadOnly', 'ReadWrite'];
  if (source.cachingMode !== undefined && !cachingModes.includes(source.cachingMode)) {
    errors.notSupported(`${field}.cachingMode`, source.cachingMode, cachingModes);
  }
  const kinds = ['Dedicated', 'Managed', 'Shared'];
  if (source.kind !== undefined && !kinds.includes(source.kind)) {
    errors.notSupported(`${field}.kind`, source.kind, kinds);
  }
  const isUri = (source.diskURI ?? '').startsWith('/subscriptions/');
  if (source.kind === 'Managed' && !isUri) {
    const form =
      '/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}';
    notSupportedInOrder(errors, `${field}.diskURI`, source.diskURI ?? '', [form]);
  }
  if (source.kind !== 'Managed' && isUri) {
    const form = 'https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd';
    notSupportedInOrder(errors, `${field}.diskURI`, source.diskURI, [form]);
  }
};

/** Names of CSI drivers: subdomains of at most 63 characters, upper case allowed. */
export function checkCsiDriverName(errors: FieldErrors, field: string, name: string): void {
  if (name === '') {
    errors.required(field);
    return;
  }
  if (name.length > 63) errors.tooLong(field, 63);
  const pattern = '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*';
  if (!new RegExp(`^${pattern}$`).test(name.toLowerCase())) {
    const rule =
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    errors.invalid(field, name, `${rule} (e.g. 'example.com', regex used for validation is '${pattern}')`);
  }
}

const csi: SourceCheck = (source, field, errors) => {
  checkCsiDriverName(errors, `${field}.driver`, source.driver ?? '');
  needs('volumeHandle')(source, field, errors);
  for (const secret of [
    'controllerPublishSecretRef',
    'controllerExpandSecretRef',
    'nodePublishSecretRef',
    'nodeExpandSecretRef',
    'nodeStageSecretRef',
  ]) {
    if (source[secret] !== undefined)
      needs('name', 'namespace')(source[secret], `${field}.${secret}`, errors);
  }
};

export const volumeSources: readonly (readonly [string, SourceCheck])[] = [
  ['hostPath', hostPath],
  ['gcePersistentDisk', disk('pdName')],
  ['awsElasticBlockStore', disk('volumeID')],
  ['glusterfs', needs('endpoints', 'path')],
  ['flocker', flocker],
  ['nfs', nfs],
  ['rbd', needs('monitors', 'image')],
  ['quobyte', needs('registry', 'volume')],
  ['cephFS', needs('monitors')],
  ['iscsi', iscsi],
  ['cinder', needs('volumeID')],
  ['fc', fibreChannel],
  ['azureFile', azureFile],
  ['vsphereVolume', needs('volumePath')],
  ['photonPersistentDisk', needs('pdID')],
  ['portworxVolume', needs('volumeID')],
  ['azureDisk', azureDisk],
  ['scaleIO', needs('gateway', 'system', 'volumeName')],
  ['local', needs('path')],
  ['storageos', () => undefined],
  ['csi', csi],
];

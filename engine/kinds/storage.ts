// Kinds of storage.k8s.io/v1: defaults.go and validation.go of pkg/apis/storage, v1.36.
import {
  checkLabelSelector,
  checkNonNegativeQuantity,
  checkSubdomain,
  entries,
  notSupportedInOrder,
  omitEmpty,
  report,
  setDefault,
} from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { labelKeyMessages } from './names.ts';
import { checkCsiDriverName } from './volume-sources.ts';

const parametersMax = 512;
const parameterBytesMax = 256 * 1024;
/** Bounds of a service account token's life time in seconds (authentication/validation). */
const tokenSecondsMin = 600;
const tokenSecondsMax = 2 ** 32;
const allocatablePeriodSecondsMin = 10;

function defaultStorageClass(storageClass: KubeObject): void {
  storageClass.volumeBindingMode ??= 'Immediate';
  setDefault(storageClass, 'reclaimPolicy', 'Delete');
  omitEmpty(storageClass, 'mountOptions', 'allowedTopologies');
}

function checkParameters(parameters: Record<string, string> | undefined, errors: FieldErrors): void {
  const keys = Object.keys(parameters ?? {});
  if (keys.length > parametersMax) errors.tooLong('parameters', parametersMax);
  let bytes = 0;
  for (const [, key, value] of entries<string>('parameters', parameters)) {
    if (key === '') errors.invalid('parameters', key, 'field can not be empty.');
    bytes += key.length + value.length;
  }
  if (bytes > parameterBytesMax) errors.tooLong('parameters', parameterBytesMax);
}

function checkAllowedTopologies(terms: readonly Json[], errors: FieldErrors): void {
  for (const [index, term] of terms.entries()) {
    const keys = new Set<string>();
    for (const [k, requirement] of (term.matchLabelExpressions ?? []).entries()) {
      const at = item(`${item('allowedTopologies', index)}.matchLabelExpressions`, k);
      const key = requirement.key ?? '';
      const values: string[] = requirement.values ?? [];
      if (values.length === 0) errors.required(`${at}.values`);
      const seen = new Set<string>();
      for (const [v, value] of values.entries()) {
        if (seen.has(value)) errors.duplicate(item(`${at}.values`, v), value);
        seen.add(value);
      }
      report(errors, `${at}.key`, key, labelKeyMessages(key));
      if (keys.has(key)) errors.duplicate(`${at}.key`, key);
      keys.add(key);
    }
  }
}

function validateStorageClass(storageClass: KubeObject, errors: FieldErrors): void {
  const provisioner: string = storageClass.provisioner ?? '';
  if (provisioner === '') errors.required('provisioner');
  else report(errors, 'provisioner', provisioner, labelKeyMessages(provisioner.toLowerCase()));
  checkParameters(storageClass.parameters, errors);
  if (!['Delete', 'Retain'].includes(storageClass.reclaimPolicy)) {
    errors.notSupported('reclaimPolicy', storageClass.reclaimPolicy, ['Delete', 'Retain']);
  }
  const modes = ['Immediate', 'WaitForFirstConsumer'];
  if (!modes.includes(storageClass.volumeBindingMode)) {
    errors.notSupported('volumeBindingMode', storageClass.volumeBindingMode, modes);
  }
  checkAllowedTopologies(storageClass.allowedTopologies ?? [], errors);
}

function defaultCsiDriver(driver: KubeObject): void {
  driver.spec ??= {};
  const spec = driver.spec;
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
  if ((spec.volumeLifecycleModes ?? []).length === 0) spec.volumeLifecycleModes = ['Persistent'];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}

function checkTokenRequests(requests: readonly Json[], errors: FieldErrors): void {
  const audiences = new Set<string>();
  for (const [index, request] of requests.entries()) {
    const at = item('spec.tokenRequests', index);
    const audience = request.audience ?? '';
    if (audiences.has(audience)) errors.duplicate(`${at}.audience`, audience);
    audiences.add(audience);
    const seconds = request.expirationSeconds;
    if (seconds === undefined) continue;
    if (seconds < tokenSecondsMin) {
      errors.invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes');
    } else if (seconds > tokenSecondsMax) {
      errors.invalid(
        `${at}.expirationSeconds`,
        seconds,
        'may not specify a duration larger than 2^32 seconds',
      );
    }
  }
}

function validateCsiDriver(driver: KubeObject, errors: FieldErrors): void {
  const spec = driver.spec;
  if ((driver.metadata.name ?? '').length > 63)
    checkCsiDriverName(errors, 'name', driver.metadata.name ?? '');
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType'];
  if (!policies.includes(spec.fsGroupPolicy))
    errors.notSupported('spec.fsGroupPolicy', spec.fsGroupPolicy, policies);
  checkTokenRequests(spec.tokenRequests ?? [], errors);
  const modes = ['Persistent', 'Ephemeral'];
  for (const mode of spec.volumeLifecycleModes as string[]) {
    if (!modes.includes(mode)) notSupportedInOrder(errors, 'spec.volumeLifecycleModes', mode, modes);
  }
  const period = spec.nodeAllocatableUpdatePeriodSeconds;
  if (period !== undefined && period < allocatablePeriodSecondsMin) {
    const detail = `must be greater than or equal to ${allocatablePeriodSecondsMin} seconds`;
    errors.invalid('spec.nodeAllocatableUpdatePeriodSeconds', period, detail);
  }
}

function validateCsiNode(node: KubeObject, errors: FieldErrors): void {
  const names = new Set<string>();
  for (const [index, driver] of (node.spec?.drivers ?? []).entries()) {
    const at = item('spec.drivers', index);
    const name = driver.name ?? '';
    checkCsiDriverName(errors, `${at}.name`, name);
    if ((driver.nodeID ?? '') === '') errors.required(`${at}.nodeID`);
    else if (driver.nodeID.length > 192)
      errors.invalid(`${at}.nodeID`, driver.nodeID, 'must be 192 characters or less');
    if (driver.allocatable?.count < 0) {
      errors.invalid(
        `${at}.allocatable.count`,
        driver.allocatable.count,
        'must be greater than or equal to 0',
      );
    }
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    const keys = new Set<string>();
    for (const key of (driver.topologyKeys ?? []) as string[]) {
      if (key === '') errors.required(`${at}.topologyKeys`);
      if (keys.has(key)) errors.duplicate(`${at}.topologyKeys`, key);
      keys.add(key);
      report(errors, `${at}.topologyKeys`, key, labelKeyMessages(key));
    }
  }
}

function validateVolumeAttachment(attachment: KubeObject, errors: FieldErrors): void {
  const spec = attachment.spec ?? {};
  checkCsiDriverName(errors, 'spec.attacher', spec.attacher ?? '');
  const volume = spec.source?.persistentVolumeName;
  const inline = spec.source?.inlineVolumeSpec;
  if (inline === undefined && volume === undefined)
    errors.required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
  else if (inline !== undefined && volume !== undefined) {
    errors.forbidden('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
  } else if (volume === '')
    errors.required('spec.source.persistentVolumeName', 'must specify non empty persistentVolumeName');
  else if (volume !== undefined) checkSubdomain(errors, 'spec.source.persistentVolumeName', volume);
  checkSubdomain(errors, 'spec.nodeName', spec.nodeName ?? '');
}

function validateCapacity(capacity: KubeObject, errors: FieldErrors): void {
  checkSubdomain(errors, 'storageClassName', capacity.storageClassName ?? '');
  checkLabelSelector(errors, 'nodeTopology', capacity.nodeTopology);
  if (capacity.capacity !== undefined) checkNonNegativeQuantity(errors, 'capacity', capacity.capacity);
  if (capacity.maximumVolumeSize !== undefined) {
    checkNonNegativeQuantity(errors, 'maximumVolumeSize', capacity.maximumVolumeSize);
  }
}

function validateAttributesClass(attributes: KubeObject, errors: FieldErrors): void {
  checkCsiDriverName(errors, 'driverName', attributes.driverName ?? '');
  if (Object.keys(attributes.parameters ?? {}).length === 0) {
    errors.required('parameters', 'must contain at least one key/value pair');
  } else checkParameters(attributes.parameters, errors);
}

function warnStorageClass(storageClass: KubeObject): string[] {
  const found: string[] = [];
  for (const [index, term] of (storageClass.allowedTopologies ?? []).entries()) {
    for (const [k, one] of (term.matchLabelExpressions ?? []).entries()) {
      const newer = deprecatedTopologyLabels[one.key];
      const at = item(`${item('allowedTopologies', index)}.matchLabelExpressions`, k);
      if (newer !== undefined)
        found.push(`${at}.key: ${one.key} is deprecated since v1.17; use "${newer}" instead`);
    }
  }
  return found;
}

const deprecatedTopologyLabels: Readonly<Record<string, string>> = {
  'failure-domain.beta.kubernetes.io/zone': 'topology.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region': 'topology.kubernetes.io/region',
};

const base = { apiVersion: 'storage.k8s.io/v1', namespaced: false, modelled: true } as const;
const keep = (): void => undefined;

export const kinds: readonly KindDefinition[] = [
  {
    ...base,
    kind: 'StorageClass',
    resource: 'storageclasses',
    shortNames: ['sc'],
    defaults: defaultStorageClass,
    validate: validateStorageClass,
    warnings: warnStorageClass,
  },
  {
    ...base,
    kind: 'CSIDriver',
    resource: 'csidrivers',
    defaults: defaultCsiDriver,
    validate: validateCsiDriver,
  },
  {
    ...base,
    kind: 'CSINode',
    resource: 'csinodes',
    defaults: keep,
    validate: validateCsiNode,
  },
  {
    ...base,
    kind: 'VolumeAttachment',
    resource: 'volumeattachments',
    defaults: (attachment) => {
      attachment.status = { attached: false };
    },
    validate: validateVolumeAttachment,
  },
  {
    ...base,
    kind: 'CSIStorageCapacity',
    resource: 'csistoragecapacities',
    namespaced: true,
    defaults: keep,
    validate: validateCapacity,
  },
  {
    ...base,
    kind: 'VolumeAttributesClass',
    modelled: false,
    resource: 'volumeattributesclasses',
    shortNames: ['vac'],
    defaults: keep,
    validate: validateAttributesClass,
  },
];

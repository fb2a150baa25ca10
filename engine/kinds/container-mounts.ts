// Volume mounts and raw devices of a container (ValidateVolumeMounts, ValidateVolumeDevices; v1.36). Several errors
// are reported at the list, not at the item: upstream builds those paths from the list's.
import { checkDescendingPath } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';

const PROPAGATIONS = ['Bidirectional', 'HostToContainer', 'None'];

function checkPropagation(errors: FieldErrors, field: string, mode: Json, container: Json): void {
  if (!isSet(mode)) return;
  if (!PROPAGATIONS.includes(mode)) errors.notSupported(field, mode, PROPAGATIONS);
  if (mode === 'Bidirectional' && container.securityContext?.privileged !== true) {
    errors.forbidden(field, 'Bidirectional mount propagation is available only to privileged containers');
  }
}

function checkRecursiveReadOnly(errors: FieldErrors, field: string, mount: Json): void {
  const mode = mount.recursiveReadOnly;
  if (!isSet(mode) || mode === 'Disabled') return;
  if (mode !== 'Enabled' && mode !== 'IfPossible') {
    errors.notSupported(field, mode, ['Disabled', 'Enabled', 'IfPossible']);
    return;
  }
  if (mount.readOnly !== true) errors.forbidden(field, 'may only be specified when readOnly is true');
  if (isSet(mount.mountPropagation) && mount.mountPropagation !== 'None') {
    errors.forbidden(field, 'may only be specified when mountPropagation is None or not specified');
  }
}

function checkSubPaths(errors: FieldErrors, field: string, at: string, mount: Json, volume: Json): void {
  const subPath = text(mount.subPath);
  const subPathExpr = text(mount.subPathExpr);
  if (isSet(volume?.image)) {
    for (const key of ['subPath', 'subPathExpr']) {
      if (text(mount[key]) !== '')
        errors.invalid(child(at, key), mount[key], 'not allowed in image volume sources');
    }
  }
  if (subPath !== '') checkDescendingPath(errors, child(field, 'subPath'), subPath);
  if (subPathExpr === '') return;
  if (subPath !== '') {
    errors.invalid(child(at, 'subPathExpr'), subPathExpr, 'subPathExpr and subPath are mutually exclusive');
  }
  checkDescendingPath(errors, child(field, 'subPathExpr'), subPathExpr);
}

function checkVolumeMounts(
  errors: FieldErrors,
  field: string,
  container: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  const devices = list(container.volumeDevices);
  const paths = new Set<string>();
  for (const [index, mount] of list(container.volumeMounts).entries()) {
    const at = item(field, index);
    const name = text(mount.name);
    const path = text(mount.mountPath);
    requireText(errors, child(at, 'name'), name);
    if (!volumes.has(name)) errors.notFound(child(at, 'name'), name);
    requireText(errors, child(at, 'mountPath'), path);
    if (paths.has(path)) errors.invalid(child(at, 'mountPath'), path, 'must be unique');
    paths.add(path);
    if (devices.some((device) => text(device.name) === name)) {
      errors.invalid(child(at, 'name'), name, 'must not already exist in volumeDevices');
    }
    if (devices.some((device) => text(device.devicePath) === path)) {
      errors.invalid(child(at, 'mountPath'), path, 'must not already exist as a path in volumeDevices');
    }
    checkSubPaths(errors, field, at, mount, volumes.get(name));
    checkPropagation(errors, child(field, 'mountPropagation'), mount.mountPropagation, container);
    checkRecursiveReadOnly(errors, child(field, 'recursiveReadOnly'), mount);
  }
}

function checkVolumeDevices(
  errors: FieldErrors,
  field: string,
  container: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  const mounts = list(container.volumeMounts);
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [index, device] of list(container.volumeDevices).entries()) {
    const at = item(field, index);
    const name = text(device.name);
    const path = text(device.devicePath);
    requireText(errors, child(at, 'name'), name);
    if (names.has(name)) errors.invalid(child(at, 'name'), name, 'must be unique');
    const volume = volumes.get(name);
    if (volume === undefined) errors.notFound(child(at, 'name'), name);
    else if (!isSet(volume.persistentVolumeClaim) && !isSet(volume.ephemeral)) {
      const message = 'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode';
      errors.invalid(child(at, 'name'), name, message);
    }
    requireText(errors, child(at, 'devicePath'), path);
    if (paths.has(path)) errors.invalid(child(at, 'devicePath'), path, 'must be unique');
    if (path.split('/').includes('..')) {
      errors.invalid(child(at, 'devicePath'), path, "can not contain backsteps ('..')");
    } else paths.add(path);
    if (mounts.some((mount) => text(mount.name) === name)) {
      errors.invalid(child(at, 'name'), name, 'must not already exist in volumeMounts');
    }
    if (mounts.some((mount) => text(mount.mountPath) === path)) {
      errors.invalid(child(at, 'devicePath'), path, 'must not already exist as a path in volumeMounts');
    }
    if (name !== '') names.add(name);
  }
}

export function checkMounts(
  errors: FieldErrors,
  at: string,
  container: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  checkVolumeMounts(errors, child(at, 'volumeMounts'), container, volumes);
  checkVolumeDevices(errors, child(at, 'volumeDevices'), container, volumes);
}

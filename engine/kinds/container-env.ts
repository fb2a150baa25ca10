// Environment of containers (ValidateEnv, ValidateEnvFrom; pkg/apis/core/validation/validation.go, v1.36).
import { checkUnreservedPath, report } from './checks.ts';
import { ENV_FIELDS, reportFieldSelector, reportResourceFieldSelector } from './downward-api.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { configMapKeyMessages, dns1123SubdomainMessages, envNameMessages } from './names.ts';

function checkKeySelector(errors: FieldErrors, at: string, selector: Json): void {
  report(errors, child(at, 'name'), text(selector.name), dns1123SubdomainMessages(text(selector.name)));
  if (requireText(errors, child(at, 'key'), selector.key)) {
    report(errors, child(at, 'key'), selector.key, configMapKeyMessages(selector.key));
  }
}

/** A variable from a file in an emptyDir (KEP-3721). */
function checkFileKey(
  errors: FieldErrors,
  at: string,
  selector: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  const name = text(selector.volumeName);
  if (requireText(errors, child(at, 'volumeName'), name)) {
    const volume = volumes.get(name);
    if (volume === undefined) errors.notFound(child(at, 'volumeName'), name);
    else if (!isSet(volume.emptyDir)) {
      errors.invalid(child(at, 'volumeName'), name, 'referenced volume must be of type emptyDir');
    }
  }
  if (requireText(errors, child(at, 'path'), selector.path)) {
    checkUnreservedPath(errors, child(at, 'path'), selector.path);
  }
  if (requireText(errors, child(at, 'key'), selector.key)) {
    report(errors, child(at, 'key'), selector.key, envNameMessages(selector.key));
  }
}

function checkValueFrom(
  errors: FieldErrors,
  at: string,
  variable: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  const from = variable.valueFrom;
  if (!isSet(from)) return;
  const checks: readonly (readonly [string, (place: string, source: Json) => void])[] = [
    ['fieldRef', (place, source) => reportFieldSelector(errors, place, source, ENV_FIELDS)],
    ['resourceFieldRef', (place, source) => reportResourceFieldSelector(errors, place, source, false)],
    ['configMapKeyRef', (place, source) => checkKeySelector(errors, place, source)],
    ['secretKeyRef', (place, source) => checkKeySelector(errors, place, source)],
    ['fileKeyRef', (place, source) => checkFileKey(errors, place, source, volumes)],
  ];
  let sources = 0;
  for (const [type, check] of checks) {
    if (!isSet(from[type])) continue;
    sources++;
    check(child(at, type), from[type]);
  }
  if (sources === 0) {
    const types = '`fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
    errors.invalid(at, '', `must specify one of: ${types}`);
  } else if (text(variable.value) !== '') {
    errors.invalid(at, '', 'may not be specified when `value` is not empty');
  } else if (sources > 1) errors.invalid(at, '', 'may not have more than one field specified at a time');
}

export function checkEnv(
  errors: FieldErrors,
  field: string,
  env: Json,
  volumes: ReadonlyMap<string, Json>,
): void {
  for (const [index, variable] of list(env).entries()) {
    const at = item(field, index);
    if (requireText(errors, child(at, 'name'), variable.name)) {
      report(errors, child(at, 'name'), variable.name, envNameMessages(variable.name));
    }
    checkValueFrom(errors, child(at, 'valueFrom'), variable, volumes);
  }
}

/** Upstream reports a missing or doubled source at the list, not at its item. */
export function checkEnvFrom(errors: FieldErrors, field: string, envFrom: Json): void {
  for (const [index, source] of list(envFrom).entries()) {
    const at = item(field, index);
    const prefix = text(source.prefix);
    if (prefix !== '') report(errors, child(at, 'prefix'), prefix, envNameMessages(prefix));
    let sources = 0;
    for (const type of ['configMapRef', 'secretRef'] as const) {
      if (!isSet(source[type])) continue;
      sources++;
      const place = child(child(at, type), 'name');
      const name = text(source[type].name);
      if (requireText(errors, place, name)) {
        const masked = name.length > 1 && name.endsWith('-') ? `${name.slice(0, -2)}a` : name;
        report(errors, place, name, dns1123SubdomainMessages(masked));
      }
    }
    if (sources === 0) errors.invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`');
    else if (sources > 1) errors.invalid(field, '', 'may not have more than one field specified at a time');
  }
}

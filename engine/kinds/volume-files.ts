// Files that volumes make from keys: modes and paths.
import { checkUnreservedPath } from './checks.ts';
import { reportFieldSelector, reportResourceFieldSelector, VOLUME_FIELDS } from './downward-api.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';

/** File modes lie between 0 and 0777. */
export function reportFileMode(errors: FieldErrors, field: string, mode: Json): void {
  if (isSet(mode) && (mode < 0 || mode > 0o777)) {
    errors.invalid(field, mode, 'must be a number between 0 and 0777 (octal), both inclusive');
  }
}

export function reportKeyToPath(errors: FieldErrors, field: string, entry: Json): void {
  requireText(errors, child(field, 'key'), entry.key);
  requireText(errors, child(field, 'path'), entry.path);
  checkUnreservedPath(errors, child(field, 'path'), text(entry.path));
  reportFileMode(errors, child(field, 'mode'), entry.mode);
}

export function reportKeysToPaths(errors: FieldErrors, field: string, entries: Json): void {
  for (const [index, entry] of list(entries).entries()) reportKeyToPath(errors, item(field, index), entry);
}

/** Upstream reports all files at the volume's own path, without an index. */
export function reportDownwardFile(errors: FieldErrors, at: string, file: Json): void {
  requireText(errors, child(at, 'path'), file.path);
  checkUnreservedPath(errors, child(at, 'path'), text(file.path));
  if (isSet(file.fieldRef)) {
    reportFieldSelector(errors, child(at, 'fieldRef'), file.fieldRef, VOLUME_FIELDS);
    if (isSet(file.resourceFieldRef)) {
      errors.invalid(at, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously');
    }
  } else if (isSet(file.resourceFieldRef)) {
    reportResourceFieldSelector(errors, child(at, 'resourceFieldRef'), file.resourceFieldRef, true);
  } else errors.required(at, 'one of fieldRef and resourceFieldRef is required');
  reportFileMode(errors, child(at, 'mode'), file.mode);
}

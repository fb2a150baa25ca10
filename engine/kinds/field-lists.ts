// Small helpers that pod validation needs often: lists that may be null, sub-reports that are only kept when wrong.
import { FieldErrors } from './field-errors.ts';
import type { Json } from './kind.ts';

/** A list of an object; Go's nil slice (null) and an absent field are the empty list. */
export const list = (value: Json): Json[] => (Array.isArray(value) ? value : []);

/** A Go string field: absent means empty. */
export const text = (value: Json): string => (typeof value === 'string' ? value : '');

/** A set pointer or struct: Go's nil is undefined or null here. */
export const isSet = (value: Json): boolean => value !== undefined && value !== null;

/** Runs `check` on its own report, adds what it found to `errors`, and says whether all was well. */
export function checkedAlone(errors: FieldErrors, check: (own: FieldErrors) => void): boolean {
  const own = new FieldErrors();
  check(own);
  for (const error of own.list) errors.push(error.field, error.reason, error.message);
  return own.ok;
}

/** Required when empty: the commonest check of all. */
export function requireText(errors: FieldErrors, field: string, value: Json, detail = ''): boolean {
  if (text(value) !== '') return true;
  errors.required(field, detail);
  return false;
}

// What the kinds' rules say of an object that is to be stored.
import type { FieldError } from '../kinds/field-errors.ts';
import type { KubeObject } from '../kinds/kind.ts';

/** `object` is there exactly when it was accepted. */
export interface Admitted {
  readonly code: number;
  readonly object?: KubeObject;
  readonly reason?: string;
  readonly message?: string;
  readonly causes?: readonly FieldError[];
}

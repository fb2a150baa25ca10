// Field errors as Kubernetes reports them: collected, never thrown, so that one pass names every problem.
// Text forms follow apimachinery's field.Error (staging/src/k8s.io/apimachinery/pkg/util/validation/field/errors.go, v1.36).

/** Reason codes of the causes in a Status (metav1.CauseType). */
export type CauseReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueNotFound'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueTypeInvalid'
  | 'InternalError'
  /** Of a refused eviction: the budget that forbids it. */
  | 'DisruptionBudget';

export interface FieldError {
  /** Field path, e.g. `spec.containers[0].image`. */
  readonly field: string;
  readonly reason: CauseReason;
  /** Text after the path, e.g. `Required value` or `Invalid value: -1: must be greater than or equal to 0`. */
  readonly message: string;
}

/** Joins a field name to a path (`''` is the root). */
export const child = (path: string, name: string): string => (path === '' ? name : `${path}.${name}`);
/** Path of a list item. */
export const item = (path: string, index: number): string => `${path}[${index}]`;
/** Path of a map entry. */
export const entry = (path: string, key: string): string => `${path}[${key}]`;

/** How a Go error prints the value that it rejects: strings quoted, null for nil, objects as JSON. */
export function printValue(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

const withDetail = (head: string, detail: string): string => (detail === '' ? head : `${head}: ${detail}`);

/** Collects field errors in the order found. Order matters: the server lists causes in validation order. */
export class FieldErrors {
  readonly list: FieldError[] = [];

  get ok(): boolean {
    return this.list.length === 0;
  }

  required(field: string, detail = ''): void {
    this.push(field, 'FieldValueRequired', withDetail('Required value', detail));
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.push(field, 'FieldValueInvalid', withDetail(`Invalid value: ${printValue(value)}`, detail));
  }

  /** `supported` is printed sorted, each value quoted, as field.NotSupported does. */
  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const values = [...supported]
      .sort()
      .map((v) => JSON.stringify(v))
      .join(', ');
    const detail = supported.length === 0 ? '' : `supported values: ${values}`;
    this.push(field, 'FieldValueNotSupported', withDetail(`Unsupported value: ${printValue(value)}`, detail));
  }

  duplicate(field: string, value: unknown): void {
    this.push(field, 'FieldValueDuplicate', `Duplicate value: ${printValue(value)}`);
  }

  forbidden(field: string, detail: string): void {
    this.push(field, 'FieldValueForbidden', withDetail('Forbidden', detail));
  }

  notFound(field: string, value: unknown): void {
    this.push(field, 'FieldValueNotFound', `Not found: ${printValue(value)}`);
  }

  tooLong(field: string, max: number): void {
    this.push(field, 'FieldValueTooLong', `Too long: may not be more than ${max} bytes`);
  }

  tooMany(field: string, actual: number, max: number): void {
    this.push(field, 'FieldValueTooMany', `Too many: ${actual}: must have at most ${max} items`);
  }

  push(field: string, reason: CauseReason, message: string): void {
    this.list.push({ field, reason, message });
  }
}

// The one mistake in a CEL expression that can be told without compiling it: a bare name that does not exist. Whatever
// else an expression holds is accepted; the engine evaluates none (Kubernetes compiles them with cel-go, v1.36).
import type { FieldErrors } from './field-errors.ts';

const bareName = /^[A-Za-z_][A-Za-z0-9_]*$/;
const literals = ['true', 'false', 'null'];

/** Names that admission expressions know. */
export const admissionVariables = [
  'object',
  'oldObject',
  'request',
  'authorizer',
  'params',
  'namespaceObject',
  'variables',
];

/** Reports an empty expression as required, and an unknown bare name in cel-go's words. */
export function checkCelExpression(
  errors: FieldErrors,
  field: string,
  expression: string,
  variables: readonly string[],
): void {
  const text = expression.trim();
  if (text === '') {
    errors.required(field);
    return;
  }
  if (!bareName.test(text) || literals.includes(text) || variables.includes(text)) return;
  const column = expression.indexOf(text);
  const pointer = `\n | ${expression}\n | ${'.'.repeat(column)}^`;
  const error = `ERROR: <input>:1:${column + 1}: undeclared reference to '${text}' (in container '')`;
  errors.invalid(field, expression, `compilation failed: ${error}${pointer}`);
}

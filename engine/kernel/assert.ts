// Invariants that stay on in every run: a simulator that goes on after the impossible
// prints numbers nobody should believe.

/** Something that must hold did not. `details` carries numbers and names for the report. */
export class InvariantError extends Error {
  readonly details: Record<string, unknown>;

  constructor(message: string, details: Record<string, unknown> = {}) {
    super(message);
    this.name = 'InvariantError';
    this.details = details;
  }
}

/**
 * Throws InvariantError unless the condition is truthy. Give a function for a message that costs
 * something to build: it is called only on failure.
 */
export function assert(condition: unknown, message: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(typeof message === 'string' ? message : message());
}

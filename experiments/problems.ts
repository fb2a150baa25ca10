// Bad input, as data: every problem has a code, a place, what was found and what to do about it. Loading collects
// problems and throws them together in one UserError, so that a user sees all of them at once.

/** One thing wrong with what the user gave. Printed by cli/errors.ts; codes are explained in problem-codes.ts. */
export interface UserProblem {
  /** `E1001`… as listed in problem-codes.ts and docs/errors.md. */
  readonly code: string;
  /** File as the user named it, `-` for standard input; absent for the command line. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line?: number;
  /** Counted from 1. */
  readonly column?: number;
  /** Object or field concerned, e.g. `Deployment/web spec.replicas`. */
  readonly path?: string;
  /** What was found and what was expected; several lines allowed. */
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** Bad input: the command ends with exit code 2, nothing was run and nothing was written. */
export class UserError extends Error {
  readonly problems: readonly UserProblem[];

  constructor(problems: readonly UserProblem[] | UserProblem) {
    const list = Array.isArray(problems) ? (problems as readonly UserProblem[]) : [problems as UserProblem];
    super(list.map((p) => `${p.code} ${p.message}`).join('\n'));
    this.name = 'UserError';
    this.problems = list;
  }
}

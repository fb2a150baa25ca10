// Ends a reconcile whose request was refused, as a returned error does upstream. Thrown inside controllers only, and
// caught by the reconcile that it ends; no stack is kept, refusals are ordinary.
import type { Reply } from '../contracts/controller.ts';

/** The API's refusal of new content in a namespace that is being deleted (cause NamespaceTerminating). */
export const isNamespaceTerminating = (code: number, message: string): boolean =>
  code === 403 && message.includes('because it is being terminated');

export class RequestFailed {
  readonly reply: Reply;

  constructor(reply: Reply) {
    this.reply = reply;
  }

  get isNamespaceTerminating(): boolean {
    return isNamespaceTerminating(this.reply.code, this.reply.message);
  }
}

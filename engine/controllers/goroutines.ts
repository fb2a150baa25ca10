// Requests that a controller sends from goroutines of their own, all started before it waits for them. Go runs the one
// that was started last first and the others in order (runtime/proc.go: a new goroutine becomes the processor's next);
// the recordings of indexed Jobs show it. That another processor may take some of them over is left out.
import type { Pending } from '../contracts/controller.ts';

/** Sends requests 0 to `count` - 1, at least one, in that order; to be yielded. */
export function together(count: number, send: (i: number) => Pending): Pending {
  let pending = send(count - 1);
  for (let i = 0; i < count - 1; i++) pending = send(i);
  return pending;
}

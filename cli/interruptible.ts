// Ctrl-C during a computation that holds the thread. A listener on SIGINT would run only after it; Node's vm has a
// watchdog that ends the running code at once, so what was begun can be cleaned up. The interrupted code runs none
// of its own `finally`: nothing that it held may be used afterwards.
import { runInThisContext } from 'node:vm';
import type { Simulate } from '../experiments/execute.ts';

/** The computation was ended by Ctrl-C. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

const SLOT = 'kubetick.interruptible';

/** Calls the action, which must be synchronous and must not call this again; throws Interrupted on Ctrl-C. */
export function interruptible<T>(action: () => T): T {
  const slots = globalThis as unknown as Record<string, unknown>;
  slots[SLOT] = action;
  try {
    return runInThisContext(`globalThis[${JSON.stringify(SLOT)}]()`, { breakOnSigint: true }) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_INTERRUPTED') throw new Interrupted();
    throw error;
  } finally {
    delete slots[SLOT];
  }
}

/** A simulation in this thread, as the commands run it. */
export const simulateInterruptibly: Simulate = async (scenario, options) => {
  const { simulateBuiltIn } = await import('../experiments/simulate.ts');
  return interruptible(() => simulateBuiltIn(scenario, options));
};

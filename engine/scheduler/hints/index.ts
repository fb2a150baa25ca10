// What would make a pod fit: single changes, each tried by deciding again, from the smallest to the largest.
import { clusterChanges } from './cluster-changes.ts';
import { type Hint, sortHints } from './hint.ts';
import { podChanges } from './pod-changes.ts';
import { WhatIf, type WhatIfOptions } from './what-if.ts';

export type { Hint, HintKind } from './hint.ts';

/** The cluster is as before when it returns. */
export function hintsFor(options: WhatIfOptions): Hint[] {
  const w = new WhatIf(options);
  return w.alone(() => sortHints([...podChanges(w), ...clusterChanges(w)]));
}

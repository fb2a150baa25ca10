// Default plug-ins that the simulation does not act on. A profile may name them; where one of them would have acted on
// a pod, the loss report says so.
import type { UnmodelledPlugin } from '../../../engine/index.ts';

export const UNMODELLED: readonly UnmodelledPlugin[] = [];

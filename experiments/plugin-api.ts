// What `import … from 'kubetick'` gives to a policy file: the engine's door, the helpers for workloads, and the schema
// library that arguments are described with. The package's `exports` entry is made from this file, and a policy that
// the program loads is given this very module, whatever is installed beside it.
export * as z from 'zod';
export * from '../engine/index.ts';
export { argumentProblem, defineWorkload } from '../workloads/arguments.ts';
export * as common from '../workloads/common.ts';
export { distribution, scalar } from '../workloads/distributions.ts';
export * as objects from '../workloads/objects.ts';
export * as units from '../workloads/units.ts';

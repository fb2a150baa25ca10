// The engine's only door for policies, workloads, reports and commands: contracts, and the run itself.
export type * from './contracts/api.ts';
export type * from './contracts/attempts.ts';
export * from './contracts/controller.ts';
export type * from './contracts/costs.ts';
export * from './contracts/devices.ts';
export * from './contracts/extender.ts';
export * from './contracts/own-plugins.ts';
export type * from './contracts/result.ts';
export type * from './contracts/run-context.ts';
export type * from './contracts/scenario.ts';
export * from './contracts/scheduler.ts';
export * from './contracts/storage.ts';
export type * from './contracts/storage-backend.ts';
export * from './contracts/tables.ts';
export type * from './contracts/timeline.ts';
export type * from './contracts/topology.ts';
export type * from './contracts/traffic.ts';
export type * from './contracts/workload.ts';
export { choiceName as controllerChoiceName, chosenControllers } from './controllers/chosen.ts';
export { controllers as builtInControllers } from './controllers/index.ts';
export {
  assert,
  type Duration,
  InvariantError,
  type Kernel,
  MINUTE,
  MS,
  Rng,
  SECOND,
  type Stream,
} from './kernel/index.ts';
export type { Json, KubeObject, ObjectMeta } from './kinds/kind.ts';
export { compareQuantities, quantityMilli, quantityValue, tryQuantity } from './kinds/quantity.ts';
export type { Hint, HintKind } from './scheduler/hints/index.ts';
export type { PlaceInput, Placement, PodPlacement } from './scheduler/placement.ts';
export { type PluginAnswer, PluginProbe } from './scheduler/plugin-probe.ts';
export { loadProfiles } from './scheduler/profiles.ts';
export { place } from './scheduler/snapshot.ts';
export { type Registry, simulate } from './simulation.ts';
export type {
  ContainerTemplate,
  HostPort,
  LabelSets,
  Labels,
  PodTemplate,
  Requirement,
  Selector,
  Taint,
} from './state/index.ts';
export {
  compileExpressions,
  compileLabelSelector,
  compileMapSelector,
  isTerminal,
  Phase,
  PodBit,
  phaseOf,
  requirementMatches,
  Verb,
} from './state/index.ts';

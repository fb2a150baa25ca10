// The door of the state room.
export * from './cluster-state.ts';
export * from './heartbeats.ts';
export * from './interner.ts';
export * from './labels.ts';
export * from './load-balancers.ts';
export * from './node-selection.ts';
export * from './nodes.ts';
export * from './objects.ts';
export * from './pod-names.ts';
export * from './pods.ts';
export * from './revision-log.ts';
export * from './selectors.ts';
export * from './templates.ts';
export * from './timestamps.ts';
export * from './uid.ts';
export * from './usage.ts';

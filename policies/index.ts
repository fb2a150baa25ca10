// What may be swapped, by registry: scheduler plug-ins and cost presets.
export * from './costs/index.ts';
export { schedulerRegistry } from './scheduler/index.ts';

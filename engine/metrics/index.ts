// The door of the metrics room for those outside the engine: what can be measured, expected and traced.
export { checkExpect } from './expect.ts';
export { METRICS, type MetricSpec } from './registry.ts';
export { parseTraceTarget } from './tracer.ts';

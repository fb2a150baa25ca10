// Colours of the phases of a pod's start: blue for the scheduler, red for attempts that failed, green and amber for the node.
// By name, so that a phase that is added takes no other's colour.
import type { PhaseName } from '../../engine/metrics/phases.ts';

/** Class of style.css. */
export const PHASE_COLOUR: Readonly<Record<PhaseName, string>> = {
  'watch by scheduler': 'p0',
  queue: 'p1',
  'node start': 'p2',
  attempt: 'p3',
  retries: 'p4',
  binding: 'p5',
  'watch by kubelet': 'p6',
  volumes: 'p12',
  sandbox: 'p7',
  image: 'p8',
  containers: 'p9',
  readiness: 'p10',
  'watch by client': 'p11',
};

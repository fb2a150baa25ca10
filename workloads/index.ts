// Every workload that comes with Kubetick: generators and trace readers, by the name that an Experiment uses.
import type { WorkloadDefinition } from '../engine/index.ts';
import { copies } from './generators/copies.ts';
import { deployments } from './generators/deployments.ts';
import { pods } from './generators/pods.ts';
import { poissonDeployments } from './generators/poisson-deployments.ts';
import { requests } from './generators/requests.ts';
import { jobTrace } from './traces/job-trace.ts';

/** In the order in which `kubetick list workloads` prints them. */
export const workloads: readonly WorkloadDefinition[] = [
  deployments,
  pods,
  copies,
  poissonDeployments,
  requests,
  jobTrace,
];

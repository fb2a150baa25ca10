// The controllers of kube-controller-manager that are modelled, one line each, in the order in which they are served.
import type { ControllerDefinition } from '../contracts/controller.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceController } from './endpointslice.ts';
import { garbageCollectorController } from './garbage-collector.ts';
import { namespaceController } from './namespace.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { nodeTtlController } from './node-ttl.ts';
import { podGcController } from './pod-gc.ts';
import { replicaSetController } from './replicaset.ts';
import { replicationControllerController } from './replicationcontroller.ts';
import { resourceQuotaController } from './resourcequota.ts';
import { serviceLbController } from './service-lb.ts';
import { statefulSetController } from './statefulset.ts';
import { taintEvictionController } from './taint-eviction.ts';

export const controllers: readonly ControllerDefinition[] = [
  namespaceController,
  replicationControllerController,
  replicaSetController,
  deploymentController,
  statefulSetController,
  daemonSetController,
  endpointsController,
  endpointSliceController,
  garbageCollectorController,
  nodeTtlController,
  nodeLifecycleController,
  taintEvictionController,
  podGcController,
  resourceQuotaController,
  serviceLbController,
];

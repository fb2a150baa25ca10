// The controllers of kube-controller-manager that are modelled, one line each, in the order in which they are served.
import type { ControllerDefinition } from '../contracts/controller.ts';
import { attachDetachController } from './attach-detach.ts';
import { cronJobController } from './cronjob.ts';
import { csiAttacherController } from './csi-attacher.ts';
import { csiNodesController } from './csi-nodes.ts';
import { csiProvisionerController } from './csi-provisioner.ts';
import { csiResizerController, volumeExpanderController } from './csi-resizer.ts';
import { daemonSetController } from './daemonset.ts';
import { deploymentController } from './deployment.ts';
import { deviceTaintEvictionController } from './device-taint-eviction.ts';
import { disruptionController } from './disruption.ts';
import { endpointsController } from './endpoints.ts';
import { endpointSliceController } from './endpointslice.ts';
import { ephemeralVolumeController } from './ephemeral-volume.ts';
import { garbageCollectorController } from './garbage-collector.ts';
import { horizontalPodAutoscalerController } from './horizontal-pod-autoscaler.ts';
import { jobController } from './job.ts';
import { namespaceController } from './namespace.ts';
import { rootCaCertPublisher, serviceAccountController } from './namespace-defaults.ts';
import { nodeLifecycleController } from './node-lifecycle.ts';
import { nodeTtlController } from './node-ttl.ts';
import { podGcController } from './pod-gc.ts';
import { pvBinderController } from './pv-binder.ts';
import { pvcProtectionController, pvProtectionController } from './pvc-protection.ts';
import { replicaSetController } from './replicaset.ts';
import { replicationControllerController } from './replicationcontroller.ts';
import { resourceClaimController } from './resourceclaim.ts';
import { resourceQuotaController } from './resourcequota.ts';
import { serviceLbController } from './service-lb.ts';
import { statefulSetController } from './statefulset.ts';
import { taintEvictionController } from './taint-eviction.ts';
import { ttlAfterFinishedController } from './ttl-after-finished.ts';

export const controllers: readonly ControllerDefinition[] = [
  namespaceController,
  serviceAccountController,
  rootCaCertPublisher,
  replicationControllerController,
  replicaSetController,
  deploymentController,
  statefulSetController,
  daemonSetController,
  endpointsController,
  endpointSliceController,
  jobController,
  cronJobController,
  ttlAfterFinishedController,
  garbageCollectorController,
  nodeTtlController,
  nodeLifecycleController,
  taintEvictionController,
  deviceTaintEvictionController,
  podGcController,
  resourceQuotaController,
  serviceLbController,
  disruptionController,
  horizontalPodAutoscalerController,
  pvBinderController,
  pvcProtectionController,
  pvProtectionController,
  ephemeralVolumeController,
  resourceClaimController,
  attachDetachController,
  csiAttacherController,
  csiProvisionerController,
  volumeExpanderController,
  csiResizerController,
  csiNodesController,
];

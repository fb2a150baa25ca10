// Every kind that has a file of its own. A new file is added here, and nowhere else.

import { kinds as admissionregistrationKinds } from './admissionregistration.ts';
import { kinds as apiserviceKinds } from './apiservice.ts';
import { kinds as certificatesKinds } from './certificates.ts';
import { kinds as configmapKinds } from './configmap.ts';
import { kinds as controllerrevisionKinds } from './controllerrevision.ts';
import { kinds as cronjobKinds } from './cronjob.ts';
import { kinds as daemonsetKinds } from './daemonset.ts';
import { kinds as deploymentKinds } from './deployment.ts';
import { kinds as draKinds } from './dra.ts';
import { kinds as endpointsKinds } from './endpoints.ts';
import { kinds as endpointsliceKinds } from './endpointslice.ts';
import { kinds as eventKinds } from './event.ts';
import { kinds as flowcontrolKinds } from './flowcontrol.ts';
import { kinds as horizontalpodautoscalerKinds } from './horizontalpodautoscaler.ts';
import { kinds as ingressKinds } from './ingress.ts';
import { kinds as jobKinds } from './job.ts';
import type { KindDefinition } from './kind.ts';
import { kinds as leaseKinds } from './lease.ts';
import { kinds as limitrangeKinds } from './limitrange.ts';
import { kinds as namespaceKinds } from './namespace.ts';
import { kinds as networkingMiscKinds } from './networking-misc.ts';
import { kinds as networkpolicyKinds } from './networkpolicy.ts';
import { kinds as nodeKinds } from './node.ts';
import { kinds as persistentvolumeKinds } from './persistentvolume.ts';
import { kinds as persistentvolumeclaimKinds } from './persistentvolumeclaim.ts';
import { kinds as podKinds } from './pod.ts';
import { kinds as poddisruptionbudgetKinds } from './poddisruptionbudget.ts';
import { kinds as podtemplateKinds } from './podtemplate.ts';
import { kinds as priorityclassKinds } from './priorityclass.ts';
import { kinds as rbacKinds } from './rbac.ts';
import { kinds as replicasetKinds } from './replicaset.ts';
import { kinds as replicationcontrollerKinds } from './replicationcontroller.ts';
import { kinds as resourcequotaKinds } from './resourcequota.ts';
import { kinds as reviewsKinds } from './reviews.ts';
import { kinds as runtimeclassKinds } from './runtimeclass.ts';
import { kinds as secretKinds } from './secret.ts';
import { kinds as serviceKinds } from './service.ts';
import { kinds as serviceaccountKinds } from './serviceaccount.ts';
import { kinds as statefulsetKinds } from './statefulset.ts';
import { kinds as storageKinds } from './storage.ts';

export const allKinds: readonly KindDefinition[] = [
  ...admissionregistrationKinds,
  ...apiserviceKinds,
  ...certificatesKinds,
  ...configmapKinds,
  ...controllerrevisionKinds,
  ...cronjobKinds,
  ...daemonsetKinds,
  ...deploymentKinds,
  ...draKinds,
  ...endpointsKinds,
  ...endpointsliceKinds,
  ...eventKinds,
  ...flowcontrolKinds,
  ...horizontalpodautoscalerKinds,
  ...ingressKinds,
  ...jobKinds,
  ...leaseKinds,
  ...limitrangeKinds,
  ...namespaceKinds,
  ...networkingMiscKinds,
  ...networkpolicyKinds,
  ...nodeKinds,
  ...persistentvolumeKinds,
  ...persistentvolumeclaimKinds,
  ...podKinds,
  ...poddisruptionbudgetKinds,
  ...podtemplateKinds,
  ...priorityclassKinds,
  ...rbacKinds,
  ...replicasetKinds,
  ...replicationcontrollerKinds,
  ...resourcequotaKinds,
  ...reviewsKinds,
  ...runtimeclassKinds,
  ...secretKinds,
  ...serviceKinds,
  ...serviceaccountKinds,
  ...statefulsetKinds,
  ...storageKinds,
];

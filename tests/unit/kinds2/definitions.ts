// All kinds under test here.
import { kinds as admissionregistration } from '../../../engine/kinds/admissionregistration.ts';
import { kinds as apiservice } from '../../../engine/kinds/apiservice.ts';
import { kinds as certificates } from '../../../engine/kinds/certificates.ts';
import { kinds as configmap } from '../../../engine/kinds/configmap.ts';
import { kinds as dra } from '../../../engine/kinds/dra.ts';
import { kinds as endpoints } from '../../../engine/kinds/endpoints.ts';
import { kinds as endpointslice } from '../../../engine/kinds/endpointslice.ts';
import { kinds as event } from '../../../engine/kinds/event.ts';
import { kinds as flowcontrol } from '../../../engine/kinds/flowcontrol.ts';
import { kinds as horizontalpodautoscaler } from '../../../engine/kinds/horizontalpodautoscaler.ts';
import { kinds as ingress } from '../../../engine/kinds/ingress.ts';
import type { KindDefinition } from '../../../engine/kinds/kind.ts';
import { kinds as lease } from '../../../engine/kinds/lease.ts';
import { kinds as limitrange } from '../../../engine/kinds/limitrange.ts';
import { kinds as namespace } from '../../../engine/kinds/namespace.ts';
import { kinds as networkingMisc } from '../../../engine/kinds/networking-misc.ts';
import { kinds as networkpolicy } from '../../../engine/kinds/networkpolicy.ts';
import { kinds as node } from '../../../engine/kinds/node.ts';
import { kinds as persistentvolume } from '../../../engine/kinds/persistentvolume.ts';
import { kinds as persistentvolumeclaim } from '../../../engine/kinds/persistentvolumeclaim.ts';
import { kinds as poddisruptionbudget } from '../../../engine/kinds/poddisruptionbudget.ts';
import { kinds as priorityclass } from '../../../engine/kinds/priorityclass.ts';
import { kinds as rbac } from '../../../engine/kinds/rbac.ts';
import { kinds as resourcequota } from '../../../engine/kinds/resourcequota.ts';
import { kinds as reviews } from '../../../engine/kinds/reviews.ts';
import { kinds as runtimeclass } from '../../../engine/kinds/runtimeclass.ts';
import { kinds as secret } from '../../../engine/kinds/secret.ts';
import { kinds as service } from '../../../engine/kinds/service.ts';
import { kinds as serviceaccount } from '../../../engine/kinds/serviceaccount.ts';
import { kinds as storage } from '../../../engine/kinds/storage.ts';

export const definitions: readonly KindDefinition[] = [
  admissionregistration,
  apiservice,
  certificates,
  configmap,
  dra,
  endpoints,
  endpointslice,
  event,
  flowcontrol,
  horizontalpodautoscaler,
  ingress,
  lease,
  limitrange,
  namespace,
  networkingMisc,
  networkpolicy,
  node,
  persistentvolume,
  persistentvolumeclaim,
  poddisruptionbudget,
  priorityclass,
  rbac,
  resourcequota,
  runtimeclass,
  secret,
  service,
  serviceaccount,
  storage,
  reviews,
].flat();

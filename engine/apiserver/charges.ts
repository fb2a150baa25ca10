// Which requests wait for the quotas of their namespace before they are stored (Handles of the quota evaluators, v1.36):
// creations of everything, and changes of the kinds that may come to use more.
import type { PodCreation } from '../contracts/api.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { mayGrow } from '../kinds/quota-usage.ts';
import type { ClusterState } from '../state/index.ts';
import type { QuotaAdmission } from './admission/resource-quota.ts';
import { type ApiRequest, Op } from './request.ts';

export function isCharged(r: ApiRequest, state: ClusterState, quotas: QuotaAdmission): boolean {
  if (!quotas.any) return false;
  switch (r.op) {
    case Op.createPod:
      return quotas.governs(state.texts.text((r.body as PodCreation).namespace));
    case Op.createObject:
      return quotas.governs((r.body as KubeObject).metadata.namespace ?? 'default');
    case Op.patchObject:
    case Op.updateObject: {
      const stored = state.objects.get(r.subject);
      return stored !== null && mayGrow(stored) && quotas.governs(stored.metadata.namespace ?? '');
    }
    default:
      return false;
  }
}

// Which requests wait for the quotas of their namespace before they are stored (Handles of the quota evaluators, v1.36):
// creations of everything, and changes of the kinds that may come to use more.
import type { PodCreation } from '../contracts/api.ts';
import type { KubeObject } from '../kinds/kind.ts';
import { mayGrow } from '../kinds/quota-usage.ts';
import { kindOf } from '../kinds/registry.ts';
import type { ClusterState } from '../state/index.ts';
import type { Charged, QuotaAdmission } from './admission/resource-quota.ts';
import { type ApiRequest, Op } from './request.ts';

export const isChange = (r: ApiRequest): boolean => r.op === Op.patchObject || r.op === Op.updateObject;

export function isCharged(r: ApiRequest, state: ClusterState, quotas: QuotaAdmission): boolean {
  if (!quotas.any) return false;
  switch (r.op) {
    case Op.createPod:
      return quotas.governs(state.texts.text((r.body as PodCreation).namespace));
    case Op.createObject:
      return quotas.governs((r.body as KubeObject).metadata.namespace ?? 'default');
    default: {
      const stored = isChange(r) ? state.objects.get(r.subject) : null;
      return stored !== null && mayGrow(stored) && quotas.governs(stored.metadata.namespace ?? '');
    }
  }
}

/** What a change adds is charged; what it takes away is given back when the controller counts. `null`: it is refused. */
export function chargedChange(
  change: { readonly before: KubeObject; readonly after: KubeObject } | null,
): (Charged & { readonly namespace: string }) | 'refused' {
  if (change === null) return 'refused';
  const { before, after } = change;
  const { namespace = '', name = '' } = before.metadata;
  const definition = kindOf(before.apiVersion, before.kind)!;
  return { namespace, definition, name, template: null, object: after, previous: before };
}

// kube-proxy in ipvs mode (deprecated since v1.35). Every sync goes through all Services and endpoints, because it has no
// partial sync; what it changes in the kernel is little. Endpoints are chosen in turn, node by node.
import type { ProxyCosts } from '../../../engine/index.ts';

const MS = 1000;

export const ipvs: ProxyCosts = {
  mode: 'ipvs',
  // pkg/proxy/apis/config/v1alpha1/defaults.go: no minimum for ipvs.
  minSyncUs: 0,
  syncUs: 20 * MS,
  // kubernetes/community PR 692: about 2 ms to add a Service, however many there are.
  syncPerServiceUs: 2 * MS,
  syncPerEndpointUs: 50,
  // A netlink call to compare each: own estimate.
  syncPerAnyServiceNs: 10_000,
  syncPerAnyEndpointNs: 2_000,
  // Its syncs are all full.
  fullSyncEveryUs: 0,
  fullPerServiceUs: 0,
  fullPerEndpointUs: 0,
  firstPacketPerServiceNs: 0,
};

// kube-proxy in nftables mode (GA in v1.33). Updates write what changed; the listing of the table before each of them, and
// the full sync each hour, grow with all Services. Published times grow faster than in proportion beyond 10,000 Services:
// these are in proportion.
import type { ProxyCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const nftables: ProxyCosts = {
  mode: 'nftables',
  // pkg/proxy/apis/config/v1alpha1/defaults.go
  minSyncUs: SECOND,
  syncUs: 20 * MS,
  syncPerServiceUs: 100,
  syncPerEndpointUs: 20,
  // kubernetes PR 126013: one Service more takes 141 ms where 10,000 are; 20 ms of them at any size.
  syncPerAnyServiceNs: 12_000,
  syncPerAnyEndpointNs: 0,
  // FullSyncPeriod (pkg/proxy/util); kubernetes/kubernetes#139513: 911 s for 44,125 Services of one endpoint, after the listing.
  fullSyncEveryUs: 3600 * SECOND,
  fullPerServiceUs: 13 * MS,
  fullPerEndpointUs: 7 * MS,
  // A lookup in a map: the same for any number of Services (kubernetes.io blog, 2025-02-28).
  firstPacketPerServiceNs: 0,
};

// kube-proxy in iptables mode, the default on Linux. Since v1.28 a sync writes the chains of changed Services and one
// whole chain with a line for every Service (KEP-3453, MinimizeIPTablesRestore); each hour everything is written.
import type { ProxyCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;
/** kubernetes/kubernetes#96018: iptables-restore takes 12.8 s for 700,000 lines. */
const LINE_NS = 18_000;
/** Chains and rules: 4 lines a Service, and 4 an endpoint with its part of the choice (pkg/proxy/iptables/proxier.go). */
const LINES = 4;

export const iptables: ProxyCosts = {
  mode: 'iptables',
  // pkg/proxy/apis/config/v1alpha1/defaults.go
  minSyncUs: SECOND,
  // Starting iptables-restore twice and reading the change trackers: own estimate.
  syncUs: 20 * MS,
  syncPerServiceUs: 100,
  syncPerEndpointUs: 20,
  // One line of KUBE-SERVICES.
  syncPerAnyServiceNs: LINE_NS,
  syncPerAnyEndpointNs: 0,
  fullSyncEveryUs: 3600 * SECOND,
  fullPerServiceUs: (LINES * LINE_NS) / 1000,
  fullPerEndpointUs: (LINES * LINE_NS) / 1000,
  // One rule after the other until the Service's own: own estimate, a rule that does not match.
  firstPacketPerServiceNs: 10,
};

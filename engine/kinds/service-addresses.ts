// Addresses and IP families of a Service on a single-stack IPv4 cluster: what is filled in, and what is refused before
// anything else is looked at (pkg/registry/core/service/storage/alloc.go and ValidateServiceClusterIPsRelatedFields, v1.36).
import { cidrContains, ipMessage, parseCidr, parseIp } from './addresses.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json } from './kind.ts';

/** The range that cluster IPs come from (kube-apiserver --service-cluster-ip-range of the recorded cluster). */
export const serviceClusterIpRange = '10.96.0.0/16';
const clusterIpFamily = 'IPv4';

export const isHeadless = (spec: Json): boolean => spec.clusterIPs?.[0] === 'None';
const isSelectorless = (spec: Json): boolean => Object.keys(spec.selector ?? {}).length === 0;

/** Families and policy of a service on a single-stack cluster (initIPFamilyFields). */
export function defaultIpFamilies(spec: Json): void {
  const families: string[] = spec.ipFamilies ?? [];
  for (const [index, ip] of (spec.clusterIPs ?? []).entries()) {
    if (ip === 'None') break;
    const family = parseIp(ip)?.family;
    if (index >= families.length && family !== undefined) families.push(family);
  }
  if (isHeadless(spec) && isSelectorless(spec)) {
    // Endpoints of such a service are managed by others, who may have both families whatever the cluster has.
    spec.ipFamilyPolicy ??= 'RequireDualStack';
    if (families.length === 0) families.push(clusterIpFamily);
    if (families.length < 2 && spec.ipFamilyPolicy !== 'SingleStack') {
      families.push(families[0] === 'IPv4' ? 'IPv6' : 'IPv4');
    }
  } else {
    spec.ipFamilyPolicy ??= 'SingleStack';
    if (families.length === 0) families.push(clusterIpFamily);
  }
  spec.ipFamilies = families;
}

/** Address fields of a service in themselves (ValidateServiceClusterIPsRelatedFields). */
export function checkClusterIpFields(spec: Json, errors: FieldErrors): void {
  if (spec.type === 'ExternalName') return;
  const ips: string[] = spec.clusterIPs ?? [];
  const clusterIP: string = spec.clusterIP ?? '';
  if (clusterIP !== '') {
    if (ips.length === 0) errors.required('spec.clusterIPs');
    else if (ips[0] !== clusterIP)
      errors.invalid('spec.clusterIPs', ips, 'first value must match `clusterIP`');
  } else if (ips.length > 0) {
    errors.invalid('spec.clusterIPs', ips, 'must be empty when `clusterIP` is not specified');
  }
  const seen = new Set<string>();
  const families: string[] = spec.ipFamilies ?? [];
  for (const [index, family] of families.entries()) {
    const at = item('spec.ipFamilies', index);
    if (family !== 'IPv4' && family !== 'IPv6') errors.notSupported(at, family, ['IPv4', 'IPv6']);
    if (seen.has(family)) errors.duplicate(at, family);
    seen.add(family);
  }
  const policies = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
  if (spec.ipFamilyPolicy !== undefined && !policies.includes(spec.ipFamilyPolicy)) {
    errors.notSupported('spec.ipFamilyPolicy', spec.ipFamilyPolicy, policies);
  }
  let hasInvalidIps = false;
  for (const [index, ip] of ips.entries()) {
    if (index === 0 && ip === 'None') {
      if (ips.length > 1) {
        hasInvalidIps = true;
        errors.invalid('spec.clusterIPs', ips, "'None' must be the first and only value");
      }
    } else if (parseIp(ip) === undefined) {
      hasInvalidIps = true;
      errors.invalid(item('spec.clusterIPs', index), ip, ipMessage);
    }
  }
  if (ips.length > 2) errors.invalid('spec.clusterIPs', ips, 'may only hold up to 2 values');
  if (hasInvalidIps) return;
  if (ips.length > 1 && new Set(ips.map((ip) => parseIp(ip)?.family)).size < 2) {
    errors.invalid('spec.clusterIPs', ips, 'may specify no more than one IP for each IP family');
  }
  if (isHeadless(spec) || !errors.ok) return;
  for (const [index, ip] of ips.entries()) {
    const family = families[index];
    if (family !== undefined && family !== parseIp(ip)?.family) {
      const at = item('spec.clusterIPs', index);
      errors.invalid(at, ip, `expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
    }
  }
}

/** What a cluster with one IPv4 range refuses (initIPFamilyFields). */
export function checkIpFamilies(spec: Json, errors: FieldErrors): void {
  const families: string[] = spec.ipFamilies ?? [];
  const why = (what: string): string =>
    `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`;
  if (spec.ipFamilyPolicy === 'SingleStack') {
    if ((spec.clusterIPs ?? []).length === 2) {
      errors.invalid('spec.ipFamilyPolicy', 'SingleStack', why('cluster IPs'));
    }
    if (families.length === 2) errors.invalid('spec.ipFamilyPolicy', 'SingleStack', why('IP families'));
  }
  if (!errors.ok || (isHeadless(spec) && isSelectorless(spec))) return;
  if (spec.ipFamilyPolicy === 'RequireDualStack') {
    const detail = 'this cluster is not configured for dual-stack services';
    errors.invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, detail);
  }
  for (const [index, family] of families.entries()) {
    if (family !== clusterIpFamily) {
      errors.invalid(item('spec.ipFamilies', index), family, 'not configured on this cluster');
    }
  }
}

/** Asked-for cluster IPs must lie in the range; its first and last address are never handed out. */
export function checkClusterIpRange(spec: Json, errors: FieldErrors): void {
  if (isHeadless(spec)) return;
  const range = parseCidr(serviceClusterIpRange);
  for (const ip of (spec.clusterIPs ?? []) as string[]) {
    const address = parseIp(ip);
    if (address === undefined || range === undefined) continue;
    const edge = (byte: number): boolean => address.bytes[2] === byte && address.bytes[3] === byte;
    if (!cidrContains(range, address) || edge(0) || edge(255)) {
      const problem = `the provided IP (${ip}) is not in the valid range. The range of valid IPs is ${serviceClusterIpRange}`;
      errors.invalid('spec.clusterIPs', spec.clusterIPs, `failed to allocate IP ${ip}: ${problem}`);
    }
  }
}

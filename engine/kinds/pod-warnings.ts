// Warnings the API server sends with pods and pod templates that it accepts (pkg/api/pod/warnings.go, v1.36).

import { child, entry, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json, ObjectMeta } from './kind.ts';
import { dns1123LabelMessages } from './names.ts';
import { containersOf } from './pod-os.ts';
import { tryQuantity } from './quantity.ts';

const NODE_LABELS: Record<string, string> = {
  'beta.kubernetes.io/arch': 'deprecated since v1.14; use "kubernetes.io/arch" instead',
  'beta.kubernetes.io/os': 'deprecated since v1.14; use "kubernetes.io/os" instead',
  'failure-domain.beta.kubernetes.io/region':
    'deprecated since v1.17; use "topology.kubernetes.io/region" instead',
  'failure-domain.beta.kubernetes.io/zone':
    'deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  'beta.kubernetes.io/instance-type':
    'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead',
  'node-role.kubernetes.io/master': 'use "node-role.kubernetes.io/control-plane" instead',
};

const VOLUMES: readonly (readonly [type: string, shown: string, text: string])[] = [
  ['photonPersistentDisk', 'photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'storageOS', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

const NULL_SELECTOR = 'a null labelSelector results in matching no pod';

function* nodeTermWarnings(at: string, term: Json): Generator<string> {
  for (const [index, requirement] of list(term?.matchExpressions).entries()) {
    const message = NODE_LABELS[requirement.key];
    if (message !== undefined) yield `${at}.matchExpressions[${index}].key: ${requirement.key} is ${message}`;
  }
}

function* placementWarnings(field: string, spec: Json): Generator<string> {
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    if (NODE_LABELS[key] !== undefined)
      yield `${entry(child(field, 'nodeSelector'), key)}: ${NODE_LABELS[key]}`;
  }
  const affinity = spec.affinity?.nodeAffinity;
  const at = `${field}.affinity.nodeAffinity`;
  const required = `${at}.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
  for (const [i, term] of list(
    affinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms,
  ).entries()) {
    yield* nodeTermWarnings(item(required, i), term);
  }
  const preferred = `${at}.preferredDuringSchedulingIgnoredDuringExecution`;
  for (const [i, term] of list(affinity?.preferredDuringSchedulingIgnoredDuringExecution).entries()) {
    yield* nodeTermWarnings(`${item(preferred, i)}.preference`, term.preference);
  }
  for (const [index, constraint] of list(spec.topologySpreadConstraints).entries()) {
    const place = item(child(field, 'topologySpreadConstraints'), index);
    const message = NODE_LABELS[constraint.topologyKey];
    if (message !== undefined) yield `${place}.topologyKey: ${constraint.topologyKey} is ${message}`;
    if (!isSet(constraint.labelSelector)) yield `${place}.labelSelector: ${NULL_SELECTOR}`;
  }
}

function* volumeWarnings(field: string, spec: Json): Generator<string> {
  for (const [index, volume] of list(spec.volumes).entries()) {
    const at = item(child(field, 'volumes'), index);
    for (const [type, shown, message] of VOLUMES)
      if (isSet(volume[type])) yield `${child(at, shown)}: ${message}`;
  }
}

function* repeated(at: string, items: readonly Json[], key: string, what: string): Generator<string> {
  const seen = new Set<string>();
  for (const [index, one] of items.entries()) {
    const value = text(one[key]);
    if (seen.has(value)) yield `${item(at, index)}.${key}: duplicate ${what} ${JSON.stringify(value)}`;
    seen.add(value);
  }
}

function* fractions(at: string, amounts: Json): Generator<string> {
  for (const name of ['memory', 'ephemeral-storage']) {
    const quantity = tryQuantity(amounts?.[name]);
    if (quantity !== undefined && quantity.nanos % 1_000_000_000n !== 0n) {
      yield `${entry(at, name)}: fractional byte value ${JSON.stringify(quantity.text)} is invalid, must be an integer`;
    }
  }
}

function* envWarnings(at: string, env: readonly Json[]): Generator<string> {
  const seen = new Set<string>();
  for (const [index, variable] of env.entries()) {
    const ref = `$(${variable.name})`;
    const value = text(variable.value);
    if (!seen.has(variable.name)) seen.add(variable.name);
    else if (isSet(variable.valueFrom) || value === ref || !value.includes(ref)) {
      const name = JSON.stringify(variable.name);
      yield `${item(at, index)}: hides previous definition of ${name}, which may be dropped when using apply`;
    }
  }
}

function* portWarnings(field: string, spec: Json): Generator<string> {
  const seen = new Map<string, { at: string; port: Json }[]>();
  for (const [container, place] of containersOf(spec, field)) {
    for (const [index, port] of list(container.ports).entries()) {
      const at = item(child(place, 'ports'), index);
      const key = `${port.containerPort}/${port.protocol}`;
      const others = seen.get(key) ?? [];
      for (const other of others) {
        const sameHostPort = (port.hostPort ?? 0) === (other.port.hostPort ?? 0);
        const sameIp = text(port.hostIP) === text(other.port.hostIP);
        if (sameIp && sameHostPort) yield `${at}: duplicate port definition with ${other.at}`;
        else if ((port.hostPort ?? 0) === 0 || (other.port.hostPort ?? 0) === 0) {
          yield `${at}: overlapping port definition with ${other.at}`;
        } else if (sameHostPort && (text(port.hostIP) === '') !== (text(other.port.hostIP) === '')) {
          yield `${at}: dangerously ambiguous port definition with ${other.at}`;
        }
      }
      seen.set(key, [...others, { at, port }]);
    }
  }
}

function* podAffinityWarnings(field: string, spec: Json): Generator<string> {
  for (const kind of ['podAffinity', 'podAntiAffinity'] as const) {
    const affinity = spec.affinity?.[kind];
    const at = `${field}.affinity.${kind}`;
    for (const [i, term] of list(affinity?.requiredDuringSchedulingIgnoredDuringExecution).entries()) {
      if (!isSet(term.labelSelector)) {
        yield `${at}.requiredDuringSchedulingIgnoredDuringExecution[${i}].labelSelector: ${NULL_SELECTOR}`;
      }
    }
    for (const [i, term] of list(affinity?.preferredDuringSchedulingIgnoredDuringExecution).entries()) {
      if (!isSet(term.podAffinityTerm?.labelSelector)) {
        yield `${at}.preferredDuringSchedulingIgnoredDuringExecution[${i}].podAffinityTerm.labelSelector: ${NULL_SELECTOR}`;
      }
    }
  }
}

function* containerWarnings(
  field: string,
  spec: Json,
  metadata: ObjectMeta | undefined,
  isTemplate: boolean,
): Generator<string> {
  const annotations = metadata?.annotations ?? {};
  const metadataAt = field.replace(/spec$/, 'metadata.annotations');
  for (const [container, at] of containersOf(spec, field)) {
    const seccomp = `container.seccomp.security.alpha.kubernetes.io/${container.name}`;
    if (!isSet(container.securityContext?.seccompProfile) && annotations[seccomp] !== undefined) {
      yield `${entry(metadataAt, seccomp)}: non-functional in v1.27+; use the "seccompProfile" field instead`;
    }
    const appArmor = `container.apparmor.security.beta.kubernetes.io/${container.name}`;
    const hasField =
      isSet(container.securityContext?.appArmorProfile) || isSet(spec.securityContext?.appArmorProfile);
    if (isTemplate && !hasField && annotations[appArmor] !== undefined) {
      yield `${entry(metadataAt, appArmor)}: deprecated since v1.30; use the "appArmorProfile" field instead`;
    }
    yield* fractions(`${at}.resources.limits`, container.resources?.limits);
    yield* fractions(`${at}.resources.requests`, container.resources?.requests);
    yield* envWarnings(child(at, 'env'), list(container.env));
  }
}

/** `field` is the spec's path: `spec`, `spec.template.spec`, … */
export function podSpecWarnings(field: string, spec: Json, metadata: ObjectMeta | undefined): string[] {
  const found = [...placementWarnings(field, spec), ...volumeWarnings(field, spec)];
  found.push(...repeated(child(field, 'hostAliases'), list(spec.hostAliases), 'ip', 'ip'));
  const secrets = child(field, 'imagePullSecrets');
  found.push(...repeated(secrets, list(spec.imagePullSecrets), 'name', 'name'));
  for (const [index, secret] of list(spec.imagePullSecrets).entries()) {
    if (text(secret.name) === '') found.push(`${item(secrets, index)}.name: invalid empty name ""`);
  }
  found.push(...fractions(child(field, 'overhead'), spec.overhead));
  const seccomp = 'seccomp.security.alpha.kubernetes.io/pod';
  if (!isSet(spec.securityContext?.seccompProfile) && metadata?.annotations?.[seccomp] !== undefined) {
    const at = entry(field.replace(/spec$/, 'metadata.annotations'), seccomp);
    found.push(`${at}: non-functional in v1.27+; use the "seccompProfile" field instead`);
  }
  found.push(...containerWarnings(field, spec, metadata, field !== 'spec'), ...portWarnings(field, spec));
  if (spec.terminationGracePeriodSeconds < 0) {
    const message = 'must be >= 0; negative values are invalid and will be treated as 1';
    found.push(`${child(field, 'terminationGracePeriodSeconds')}: ${message}`);
  }
  found.push(...podAffinityWarnings(field, spec));
  return found;
}

/** Names of workloads become names of pods: anything but a DNS label is accepted with a warning. */
export function podNameWarnings(name: string | undefined): string[] {
  const messages = dns1123LabelMessages(name ?? '');
  if (messages.length === 0) return [];
  const why =
    'this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: ${why}: [${messages.join(' ')}]`];
}

// Annotations with a meaning for pods: mirror pods, deletion cost, and the old forms of seccomp and AppArmor
// (ValidatePodSpecificAnnotations and validateSeccompAnnotationsAndFields; v1.36).
import { checkDescendingPath } from './checks.ts';
import { BEHAVIOUR_PREFIX, parseBehaviour } from './container-behaviour.ts';
import { child, entry, type FieldErrors } from './field-errors.ts';
import { isSet, text } from './field-lists.ts';
import type { Json, ObjectMeta } from './kind.ts';
import { LOG_AGENT_ANNOTATION, parseLogAgent } from './log-agent.ts';
import { containersOf } from './pod-os.ts';
import { VOLUME_PREFIX, VOLUME_USE_TAKES, volumeUse } from './pod-use.ts';

const MIRROR = 'kubernetes.io/config.mirror';
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost';
const SECCOMP_POD = 'seccomp.security.alpha.kubernetes.io/pod';
const SECCOMP_CONTAINER = 'container.seccomp.security.alpha.kubernetes.io/';
const APPARMOR = 'container.apparmor.security.beta.kubernetes.io/';

/** A 32-bit integer without leading plus or zeros. */
function isDeletionCost(value: string): boolean {
  if (!/^(0|-?[1-9][0-9]*)$/.test(value)) return false;
  const cost = Number(value);
  return cost >= -2147483648 && cost <= 2147483647;
}

function checkSeccompValue(errors: FieldErrors, field: string, profile: string): void {
  if (['runtime/default', 'docker/default', 'unconfined'].includes(profile)) return;
  if (profile.startsWith('localhost/'))
    checkDescendingPath(errors, field, profile.slice('localhost/'.length));
  else errors.invalid(field, profile, 'must be a valid seccomp profile');
}

export function checkPodAnnotations(
  errors: FieldErrors,
  field: string,
  annotations: Record<string, string> | undefined,
  spec: Json,
): void {
  if (annotations === undefined || annotations === null) return;
  const mirror = annotations[MIRROR];
  if (mirror !== undefined && text(spec.nodeName) === '') {
    errors.invalid(entry(field, MIRROR), mirror, 'must set spec.nodeName if mirror pod annotation is set');
  }
  const cost = annotations[DELETION_COST];
  if (cost !== undefined && !isDeletionCost(cost)) {
    errors.invalid(entry(field, DELETION_COST), cost, 'must be a 32bit integer');
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (key === SECCOMP_POD || key.startsWith(SECCOMP_CONTAINER))
      checkSeccompValue(errors, child(field, key), value);
  }
  const names = [...containersOf(spec, 'spec')].map(([container]) => text(container.name));
  const agent = annotations[LOG_AGENT_ANNOTATION];
  if (agent !== undefined)
    parseLogAgent(agent, (message) => errors.invalid(entry(field, LOG_AGENT_ANNOTATION), agent, message));
  // Kubetick's own: what it does not understand would silently change nothing.
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(BEHAVIOUR_PREFIX)) continue;
    if (!names.includes(key.slice(BEHAVIOUR_PREFIX.length)))
      errors.invalid(entry(field, key), key.slice(BEHAVIOUR_PREFIX.length), 'container not found');
    parseBehaviour(value, (message) => errors.invalid(entry(field, key), value, message));
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(VOLUME_PREFIX)) continue;
    const name = key.slice(VOLUME_PREFIX.length);
    const volume = (spec.volumes ?? []).find((one: Json) => one.name === name);
    if (!isSet(volume?.emptyDir)) errors.invalid(entry(field, key), name, 'emptyDir volume not found');
    if (volumeUse(value) === null) errors.invalid(entry(field, key), value, VOLUME_USE_TAKES);
  }
  for (const [key, value] of Object.entries(annotations)) {
    if (!key.startsWith(APPARMOR)) continue;
    const name = key.slice(APPARMOR.length);
    if (!names.includes(name)) errors.invalid(entry(field, key), name, 'container not found');
    if (
      value !== '' &&
      value !== 'runtime/default' &&
      value !== 'unconfined' &&
      !value.startsWith('localhost/')
    ) {
      errors.invalid(entry(field, key), value, `invalid AppArmor profile name: ${JSON.stringify(value)}`);
    }
  }
}

const ANNOTATION_OF_TYPE: Record<string, readonly string[]> = {
  Unconfined: ['unconfined'],
  RuntimeDefault: ['runtime/default', 'docker/default'],
};

/** Where both the annotation and the field are given they must say the same. */
function checkMatch(errors: FieldErrors, at: string, what: string, annotation: string, profile: Json): void {
  const type = text(profile.type);
  const expected = ANNOTATION_OF_TYPE[type];
  const typeText = `${what} type in annotation and field must match`;
  if (expected !== undefined) {
    if (!expected.includes(annotation)) errors.forbidden(child(at, 'type'), typeText);
  } else if (type === 'Localhost') {
    if (!annotation.startsWith('localhost/')) errors.forbidden(child(at, 'type'), typeText);
    else if (annotation.slice('localhost/'.length) !== text(profile.localhostProfile)) {
      errors.forbidden(child(at, 'localhostProfile'), `${what} profile in annotation and field must match`);
    }
  }
}

export function checkProfilesMatch(
  errors: FieldErrors,
  field: string,
  metadata: ObjectMeta | undefined,
  spec: Json,
): void {
  const annotations = metadata?.annotations ?? {};
  const podSeccomp = spec.securityContext?.seccompProfile;
  const podAnnotation = annotations[SECCOMP_POD];
  if (isSet(podSeccomp) && podAnnotation !== undefined) {
    checkMatch(errors, `${field}.securityContext.seccompProfile`, 'seccomp', podAnnotation, podSeccomp);
  }
  for (const [container, at] of containersOf(spec, field)) {
    const profile = container.securityContext?.seccompProfile;
    const annotation = annotations[SECCOMP_CONTAINER + container.name];
    if (isSet(profile) && annotation !== undefined) {
      checkMatch(errors, `${at}.securityContext.seccompProfile`, 'seccomp', annotation, profile);
    }
  }
  if (spec.os?.name === 'windows') return;
  for (const [container, at] of containersOf(spec, field)) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    const annotation = annotations[APPARMOR + container.name];
    if (isSet(profile) && annotation !== undefined) {
      checkMatch(errors, `${at}.securityContext.appArmorProfile`, 'apparmor', annotation, profile);
    }
  }
}

/** Fills AppArmor fields from old annotations, and annotations from fields (applyAppArmorVersionSkew). */
export function syncAppArmor(metadata: ObjectMeta, spec: Json): void {
  if (spec.os?.name === 'windows') return;
  for (const [container] of containersOf(spec, 'spec')) {
    const key = APPARMOR + container.name;
    const annotation = metadata.annotations?.[key];
    const profile = container.securityContext?.appArmorProfile;
    const inherited = profile ?? spec.securityContext?.appArmorProfile;
    if (isSet(inherited) && annotation === undefined) {
      const value = annotationOf(inherited);
      if (value !== undefined) metadata.annotations = { ...metadata.annotations, [key]: value };
    } else if (!isSet(profile) && annotation !== undefined) {
      const parsed = profileOf(annotation);
      if (parsed === undefined) continue;
      const ofPod = spec.securityContext?.appArmorProfile;
      if (isSet(ofPod) && JSON.stringify(ofPod) === JSON.stringify(parsed)) continue;
      container.securityContext = { ...container.securityContext, appArmorProfile: parsed };
    }
  }
}

function annotationOf(profile: Json): string | undefined {
  if (profile.type === 'Unconfined') return 'unconfined';
  if (profile.type === 'RuntimeDefault') return 'runtime/default';
  return profile.type === 'Localhost' && isSet(profile.localhostProfile)
    ? `localhost/${profile.localhostProfile}`
    : undefined;
}

function profileOf(annotation: string): Json {
  if (annotation === 'unconfined') return { type: 'Unconfined' };
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' };
  const name = annotation.startsWith('localhost/') ? annotation.slice('localhost/'.length) : '';
  return name === '' ? undefined : { type: 'Localhost', localhostProfile: name };
}

// Security contexts of pods and containers (ValidateSecurityContext, validatePodSpecSecurityContext, Windows options,
// seccomp and AppArmor; pkg/apis/core/validation/validation.go, v1.36). Privileged containers are allowed, as
// kubeadm and every hosted cluster set it.
import { checkDescendingPath, notSupportedInOrder, report } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { dns1123SubdomainMessages, idMessages } from './names.ts';

const PROFILE_TYPES = ['Localhost', 'RuntimeDefault', 'Unconfined'];

function checkSeccomp(errors: FieldErrors, at: string, profile: Json): void {
  if (!isSet(profile)) return;
  const type = text(profile.type);
  if (type === '') errors.required(child(at, 'type'), 'type is required when seccompProfile is set');
  else if (!PROFILE_TYPES.includes(type)) notSupportedInOrder(errors, child(at, 'type'), type, PROFILE_TYPES);
  const place = child(at, 'localhostProfile');
  if (type === 'Localhost') {
    if (!isSet(profile.localhostProfile))
      errors.required(place, 'must be set when seccomp type is Localhost');
    else checkDescendingPath(errors, place, profile.localhostProfile);
  } else if (isSet(profile.localhostProfile)) {
    const shown = { Type: type, LocalhostProfile: profile.localhostProfile };
    errors.invalid(place, shown, 'can only be set when seccomp type is Localhost');
  }
}

/** Longest path Linux takes. */
const APPARMOR_PROFILE_MAX = 4095;

function checkAppArmor(errors: FieldErrors, at: string, profile: Json): void {
  if (!isSet(profile)) return;
  const type = text(profile.type);
  const place = child(at, 'localhostProfile');
  const name = profile.localhostProfile;
  if (type === 'Localhost') {
    if (!isSet(name)) {
      errors.required(place, 'must be set when AppArmor type is Localhost');
      return;
    }
    if (name.trim() !== name) errors.invalid(place, name, 'must not be padded with whitespace');
    else if (name === '') errors.required(place, 'must be set when AppArmor type is Localhost');
    if (name.length > APPARMOR_PROFILE_MAX) errors.tooLong(place, APPARMOR_PROFILE_MAX);
  } else if (type === 'RuntimeDefault' || type === 'Unconfined') {
    if (isSet(name)) errors.invalid(place, name, 'can only be set when AppArmor type is Localhost');
  } else if (type === '') errors.required(child(at, 'type'), 'type is required when appArmorProfile is set');
  else notSupportedInOrder(errors, child(at, 'type'), type, PROFILE_TYPES);
}

const DNS_LABEL = '[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?';
const DNS_DOMAIN = new RegExp(`^${DNS_LABEL}(?:\\.${DNS_LABEL})*$`);
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;

function checkWindowsUser(errors: FieldErrors, field: string, name: string): void {
  const say = (message: string): void => errors.invalid(field, name, message);
  if (name === '') {
    say('runAsUserName cannot be an empty string');
    return;
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  if (/[\u0000-\u001f\u007f]/.test(name)) {
    say('runAsUserName cannot contain control characters');
    return;
  }
  const parts = name.split('\\');
  if (parts.length > 2) {
    say('runAsUserName cannot contain more than one backslash');
    return;
  }
  const domain = parts.length === 2 ? (parts[0] as string) : '';
  const user = parts[parts.length - 1] as string;
  if (domain.length >= 256) say("runAsUserName's Domain length must be under 256 characters");
  if (parts.length === 2 && !NETBIOS.test(domain) && !DNS_DOMAIN.test(domain)) {
    say("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === '') say("runAsUserName's User cannot be empty");
  else if (user.length > 104) say("runAsUserName's User length must not be longer than 104 characters");
  if (/^[. ]+$/.test(user)) say("runAsUserName's User cannot contain only periods or spaces");
  if (/["/\\:;|=,+*?<>@[\]]/.test(user)) {
    say(`runAsUserName's User cannot contain the following characters: "/\\:;|=,+*?<>@[]`);
  }
}

function checkWindowsOptions(errors: FieldErrors, at: string, options: Json): void {
  if (!isSet(options)) return;
  if (isSet(options.gmsaCredentialSpecName)) {
    const name = options.gmsaCredentialSpecName;
    report(errors, child(at, 'gmsaCredentialSpecName'), name, dns1123SubdomainMessages(name));
  }
  const spec = options.gmsaCredentialSpec;
  if (isSet(spec)) {
    const field = child(at, 'gmsaCredentialSpec');
    if (spec === '') errors.invalid(field, spec, 'gmsaCredentialSpec cannot be an empty string');
    else if (spec.length > 64 * 1024)
      errors.invalid(field, spec, 'gmsaCredentialSpec size must be under 64 KiB');
  }
  if (isSet(options.runAsUserName))
    checkWindowsUser(errors, child(at, 'runAsUserName'), options.runAsUserName);
}

/** A container's security context as the internal Go struct prints it, where an error shows it whole. */
function printedContext(context: Json): Json {
  const or = (key: string): Json => context[key] ?? null;
  const capabilities = context.capabilities;
  return {
    Capabilities: isSet(capabilities)
      ? { Add: capabilities.add ?? null, Drop: capabilities.drop ?? null }
      : null,
    Privileged: or('privileged'),
    SELinuxOptions: or('seLinuxOptions'),
    WindowsOptions: or('windowsOptions'),
    RunAsUser: or('runAsUser'),
    RunAsGroup: or('runAsGroup'),
    RunAsNonRoot: or('runAsNonRoot'),
    ReadOnlyRootFilesystem: or('readOnlyRootFilesystem'),
    AllowPrivilegeEscalation: or('allowPrivilegeEscalation'),
    ProcMount: or('procMount'),
    SeccompProfile: isSet(context.seccompProfile)
      ? {
          Type: context.seccompProfile.type,
          LocalhostProfile: context.seccompProfile.localhostProfile ?? null,
        }
      : null,
    AppArmorProfile: or('appArmorProfile'),
  };
}

function checkEscalation(errors: FieldErrors, at: string, context: Json): void {
  if (context.allowPrivilegeEscalation !== false) return;
  const cannot = 'cannot set `allowPrivilegeEscalation` to false and';
  if (context.privileged === true)
    errors.invalid(at, printedContext(context), `${cannot} \`privileged\` to true`);
  for (const capability of list(context.capabilities?.add)) {
    if (capability === 'CAP_SYS_ADMIN') {
      errors.invalid(at, printedContext(context), `${cannot} \`capabilities.Add\` CAP_SYS_ADMIN`);
    }
  }
}

export function checkContainerSecurity(
  errors: FieldErrors,
  at: string,
  context: Json,
  hostUsers: boolean,
): void {
  if (!isSet(context)) return;
  for (const key of ['runAsUser', 'runAsGroup'] as const) {
    if (isSet(context[key])) report(errors, child(at, key), context[key], idMessages(context[key]));
  }
  if (isSet(context.procMount)) {
    const place = child(at, 'procMount');
    if (context.procMount !== 'Default' && context.procMount !== 'Unmasked') {
      notSupportedInOrder(errors, place, context.procMount, ['Default', 'Unmasked']);
    }
    if (hostUsers && context.procMount === 'Unmasked') {
      errors.invalid(place, context.procMount, '`hostUsers` must be false to use `Unmasked`');
    }
  }
  checkSeccomp(errors, child(at, 'seccompProfile'), context.seccompProfile);
  checkEscalation(errors, at, context);
  checkWindowsOptions(errors, child(at, 'windowsOptions'), context.windowsOptions);
  checkAppArmor(errors, child(at, 'appArmorProfile'), context.appArmorProfile);
}

const SYSCTL = /^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$/;
const SYSCTL_TEXT =
  'must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$';

function checkSysctls(errors: FieldErrors, at: string, spec: Json): void {
  const seen = new Set<string>();
  for (const [index, sysctl] of list(spec.securityContext.sysctls).entries()) {
    const place = child(item(at, index), 'name');
    const name = text(sysctl.name);
    if (name === '') errors.required(place);
    else if (name.length > 253 || !SYSCTL.test(name)) errors.invalid(place, name, SYSCTL_TEXT);
    else if (seen.has(name)) errors.duplicate(place, name);
    const dotted = name.replaceAll('/', '.');
    if (spec.hostNetwork === true && dotted.startsWith('net.')) {
      errors.invalid(place, name, "may not be specified when 'hostNetwork' is true");
    } else if (spec.hostIPC === true && /^(kernel\.(sem$|shm|msg)|fs\.mqueue\.)/.test(dotted)) {
      errors.invalid(place, name, "may not be specified when 'hostIPC' is true");
    }
    seen.add(name);
  }
}

/** `spec` is the pod spec whose `securityContext` stands at `at`. */
export function checkPodSecurity(errors: FieldErrors, at: string, spec: Json): void {
  const context = spec.securityContext;
  if (!isSet(context)) return;
  for (const key of ['fsGroup', 'runAsUser', 'runAsGroup'] as const) {
    if (isSet(context[key])) report(errors, child(at, key), context[key], idMessages(context[key]));
  }
  for (const [index, group] of list(context.supplementalGroups).entries()) {
    report(errors, item(child(at, 'supplementalGroups'), index), group, idMessages(group));
  }
  if (spec.hostPID === true && spec.shareProcessNamespace === true) {
    const field = child(at, 'shareProcessNamespace');
    errors.invalid(field, true, 'ShareProcessNamespace and HostPID cannot both be enabled');
  }
  checkSysctls(errors, child(at, 'sysctls'), spec);
  const oneOf = (key: string, values: readonly string[]): void => {
    if (isSet(context[key]) && !values.includes(context[key]))
      errors.notSupported(child(at, key), context[key], values);
  };
  oneOf('fsGroupChangePolicy', ['Always', 'OnRootMismatch']);
  checkSeccomp(errors, child(at, 'seccompProfile'), context.seccompProfile);
  checkWindowsOptions(errors, child(at, 'windowsOptions'), context.windowsOptions);
  checkAppArmor(errors, child(at, 'appArmorProfile'), context.appArmorProfile);
  oneOf('supplementalGroupsPolicy', ['Merge', 'Strict']);
  oneOf('seLinuxChangePolicy', ['MountOption', 'Recursive']);
}

// Projected volumes: secrets, config maps, downward API, tokens and trust bundles in one directory
// (validateProjectionSources, pkg/apis/core/validation/validation.go, v1.36).
import { checkLabelSelector, checkUnreservedPath } from './checks.ts';
import { child, type FieldErrors, item } from './field-errors.ts';
import { isSet, list, requireText, text } from './field-lists.ts';
import type { Json } from './kind.ts';
import { dns1123SubdomainMessages } from './names.ts';
import { reportDownwardFile, reportFileMode, reportKeyToPath } from './volume-files.ts';

/** Paths must be unique over all sources; upstream reports a clash at the volume. */
function reportClash(errors: FieldErrors, at: string, path: string, value: string, seen: Set<string>): void {
  if (path === '') return;
  if (seen.has(path)) errors.invalid(at, value, 'conflicting duplicate paths');
  seen.add(path);
}

function reportKeySource(
  errors: FieldErrors,
  at: string,
  volumeAt: string,
  source: Json,
  seen: Set<string>,
): void {
  requireText(errors, child(at, 'name'), source.name);
  for (const [index, entry] of list(source.items).entries()) {
    reportKeyToPath(errors, item(child(at, 'items'), index), entry);
    reportClash(errors, volumeAt, text(entry.path), text(source.name), seen);
  }
}

function reportToken(errors: FieldErrors, at: string, volumeAt: string, token: Json): void {
  const seconds = token.expirationSeconds ?? 0;
  if (seconds < 600) {
    errors.invalid(
      child(at, 'expirationSeconds'),
      seconds,
      'may not specify a duration less than 10 minutes',
    );
  }
  if (seconds > 2 ** 32) {
    errors.invalid(
      child(at, 'expirationSeconds'),
      seconds,
      'may not specify a duration larger than 2^32 seconds',
    );
  }
  if (requireText(errors, child(volumeAt, 'path'), token.path)) {
    checkUnreservedPath(errors, child(volumeAt, 'path'), token.path);
  }
}

function reportTrustBundle(
  errors: FieldErrors,
  at: string,
  volumeAt: string,
  bundle: Json,
  seen: Set<string>,
): void {
  const byName = isSet(bundle.name);
  const bySigner = isSet(bundle.signerName);
  if (byName && bySigner) errors.invalid(at, bundle, 'only one of name and signerName may be used');
  else if (byName) {
    requireText(errors, child(at, 'name'), bundle.name, 'must be a valid object name');
    for (const message of dns1123SubdomainMessages(text(bundle.name).replaceAll(':', '.'))) {
      errors.invalid(child(at, 'name'), bundle.name, `not a valid clustertrustbundlename: ${message}`);
    }
    if (isSet(bundle.labelSelector)) {
      const message = 'labelSelector must be unset if name is specified';
      errors.invalid(child(at, 'labelSelector'), bundle.labelSelector, message);
    }
  } else if (bySigner) {
    requireText(errors, child(at, 'signerName'), bundle.signerName, 'must be a valid signer name');
    if (!/^[^/]+\/.+$/.test(bundle.signerName)) {
      const message = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
      errors.invalid(child(at, 'signerName'), bundle.signerName, message);
    }
    checkLabelSelector(errors, child(at, 'labelSelector'), bundle.labelSelector);
  } else errors.required(at, 'either name or signerName must be specified');
  requireText(errors, child(at, 'path'), bundle.path);
  checkUnreservedPath(errors, child(at, 'path'), text(bundle.path));
  reportClash(errors, volumeAt, text(bundle.path), text(bundle.path), seen);
}

export function reportProjected(errors: FieldErrors, at: string, projected: Json): void {
  reportFileMode(errors, child(at, 'defaultMode'), projected.defaultMode);
  const seen = new Set<string>();
  for (const [index, source] of list(projected.sources).entries()) {
    const sourceAt = item(child(at, 'sources'), index);
    let types = 0;
    for (const type of ['secret', 'configMap'] as const) {
      if (!isSet(source[type])) continue;
      types++;
      reportKeySource(errors, child(sourceAt, type), at, source[type], seen);
    }
    if (isSet(source.downwardAPI)) {
      types++;
      for (const file of list(source.downwardAPI.items)) {
        reportDownwardFile(errors, child(sourceAt, 'downwardAPI'), file);
        reportClash(errors, at, text(file.path), text(file.path), seen);
      }
    }
    if (isSet(source.serviceAccountToken)) {
      types++;
      reportToken(errors, child(sourceAt, 'serviceAccountToken'), at, source.serviceAccountToken);
    }
    if (isSet(source.clusterTrustBundle)) {
      types++;
      reportTrustBundle(errors, child(sourceAt, 'clusterTrustBundle'), at, source.clusterTrustBundle, seen);
    }
    if (types > 1) errors.forbidden(sourceAt, 'may not specify more than 1 volume type per source');
  }
}

// CertificateSigningRequest (certificates.k8s.io/v1): pkg/apis/certificates/validation, v1.36. Who asks is filled in by
// the API server; the request itself is only recognised as PEM, not parsed.

import { type FieldErrors, item } from './field-errors.ts';
import type { KindDefinition, KubeObject } from './kind.ts';
import { dns1123SubdomainMessages } from './names.ts';
import { decodeBase64 } from './secret.ts';

const usages = [
  'any',
  'cert sign',
  'client auth',
  'code signing',
  'content commitment',
  'crl sign',
  'data encipherment',
  'decipher only',
  'digital signature',
  'email protection',
  'encipher only',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'key agreement',
  'key encipherment',
  'microsoft sgc',
  'netscape sgc',
  'ocsp signing',
  's/mime',
  'server auth',
  'signing',
  'timestamping',
];
const durationSecondsMin = 600;

function checkSigner(name: string, errors: FieldErrors): void {
  const field = 'spec.signerName';
  if (name === '') {
    errors.required(field);
    return;
  }
  const slash = name.indexOf('/');
  const host = name.slice(0, slash);
  if (slash < 0) {
    errors.invalid(
      field,
      name,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
    return;
  }
  if (dns1123SubdomainMessages(host).length > 0 || host.split('.').length < 2) {
    errors.invalid(field, host, 'should be a domain with at least two segments separated by dots');
  }
  if (name.slice(slash + 1) === '')
    errors.invalid(
      field,
      name,
      "must be a fully qualified domain and path of the form 'example.com/signer-name'",
    );
}

function validate(request: KubeObject, errors: FieldErrors): void {
  const spec = request.spec ?? {};
  if (!decodeBase64(spec.request ?? '').includes('-----BEGIN CERTIFICATE REQUEST-----')) {
    errors.invalid('spec.request', spec.request ?? '', 'PEM block type must be CERTIFICATE REQUEST');
  }
  const asked: string[] = spec.usages ?? [];
  if (asked.length === 0) errors.required('spec.usages');
  for (const [index, usage] of asked.entries()) {
    const at = item('spec.usages', index);
    if (!usages.includes(usage)) errors.notSupported(at, usage, usages);
    if (asked.indexOf(usage) < index) errors.duplicate(at, usage);
  }
  checkSigner(spec.signerName ?? '', errors);
  if (spec.expirationSeconds < durationSecondsMin) {
    const detail = `may not specify a duration less than ${durationSecondsMin} seconds (10 minutes)`;
    errors.invalid('spec.expirationSeconds', spec.expirationSeconds, detail);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    resource: 'certificatesigningrequests',
    namespaced: false,
    shortNames: ['csr'],
    modelled: false,
    // Any name will do.
    nameRule: 'path-segment',
    defaults: (request) => {
      request.status = {};
    },
    validate,
  },
];

// Claims of devices that ask for the access of an administrator are made in labelled namespaces only
// (pkg/registry/resource AuthorizedForAdmin, v1.36; KEP 5018).
//
// Left out: the same of a status, which the scheduler writes for claims that were made so.
import { type FieldError, FieldErrors } from '../kinds/field-errors.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';

const LABEL = 'resource.kubernetes.io/admin-access';
const NONE: readonly FieldError[] = Object.freeze([]);

/** Requests of a claim or template; undefined for other kinds. */
const requestsOf = ({ kind, spec }: KubeObject & Json): readonly Json[] | undefined =>
  kind === 'ResourceClaim'
    ? spec?.devices?.requests
    : kind === 'ResourceClaimTemplate'
      ? spec?.spec?.devices?.requests
      : undefined;

/** `namespaceOf` is asked only where it matters. */
export function adminAccessErrors(
  object: KubeObject,
  namespaceOf: () => KubeObject | null,
): readonly FieldError[] {
  const i = requestsOf(object)?.findIndex((request) => request.exactly?.adminAccess === true) ?? -1;
  if (i < 0 || namespaceOf()?.metadata.labels?.[LABEL] === 'true') return NONE;
  const errors = new FieldErrors();
  const rule = `admin access to devices requires the \`${LABEL}: true\` label on the containing namespace`;
  // Of templates too: upstream names the path of a claim.
  errors.forbidden(`spec.devices.requests[${i}].adminAccess`, rule);
  return errors.list;
}

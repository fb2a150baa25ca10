// Questions that are asked by POST and never stored: authentication.k8s.io/v1 and authorization.k8s.io/v1
// (pkg/apis/authorization/validation, v1.36). The API server fills in the status.
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';

function checkSelector(selector: Json, at: string, errors: FieldErrors): void {
  const requirements: Json[] = selector.requirements ?? [];
  const raw: string = selector.rawSelector ?? '';
  if (raw !== '' && requirements.length > 0) {
    errors.invalid(`${at}.rawSelector`, raw, 'may not specified at the same time as requirements');
  }
  if (raw === '' && requirements.length === 0) {
    errors.required(`${at}.requirements`, 'when rawSelector is not specified, requirements is required');
  }
  if (raw !== '') return;
  for (const [index, { key = '', operator = '', values = [] }] of requirements.entries()) {
    const field = item(`${at}.requirements`, index);
    if (key === '') errors.required(`${field}.key`);
    if ((operator === 'In' || operator === 'NotIn') && values.length === 0) {
      errors.required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'");
    } else if ((operator === 'Exists' || operator === 'DoesNotExist') && values.length > 0) {
      errors.forbidden(
        `${field}.values`,
        "may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
      );
    }
  }
}

function checkAttributes(spec: Json, errors: FieldErrors): void {
  const { resourceAttributes, nonResourceAttributes } = spec;
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const shown = { Path: nonResourceAttributes.path ?? '', Verb: nonResourceAttributes.verb ?? '' };
    const detail = 'cannot be specified in combination with resourceAttributes';
    errors.invalid('spec.nonResourceAttributes', shown, detail);
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = 'exactly one of nonResourceAttributes or resourceAttributes must be specified';
    errors.invalid('spec.resourceAttributes', null, detail);
  }
  for (const name of ['fieldSelector', 'labelSelector']) {
    const selector = resourceAttributes?.[name];
    if (selector !== undefined) checkSelector(selector, `spec.resourceAttributes.${name}`, errors);
  }
}

function checkEmptyMetadata(review: KubeObject, errors: FieldErrors, namespaceAllowed = false): void {
  const shown: Record<string, Json> = { ...review.metadata };
  for (const field of ['creationTimestamp', 'uid', 'managedFields']) delete shown[field];
  if (namespaceAllowed) delete shown.namespace;
  if (Object.keys(shown).length > 0) errors.invalid('metadata', shown, 'must be empty');
}

function validateSelfAccess(review: KubeObject, errors: FieldErrors): void {
  checkAttributes(review.spec ?? {}, errors);
  checkEmptyMetadata(review, errors);
}

function checkSubject(review: KubeObject, errors: FieldErrors): void {
  const spec = review.spec ?? {};
  checkAttributes(spec, errors);
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    errors.invalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified');
  }
}

function validateSubjectAccess(review: KubeObject, errors: FieldErrors): void {
  checkSubject(review, errors);
  checkEmptyMetadata(review, errors);
}

function validateLocalAccess(review: KubeObject, errors: FieldErrors): void {
  checkSubject(review, errors);
  checkEmptyMetadata(review, errors, true);
  const namespace = review.spec?.resourceAttributes?.namespace ?? '';
  if (review.spec?.resourceAttributes !== undefined && namespace !== (review.metadata.namespace ?? '')) {
    errors.invalid('spec.resourceAttributes.namespace', namespace, `must match metadata.namespace`);
  }
  if (review.spec?.nonResourceAttributes !== undefined) {
    const { path = '', verb = '' } = review.spec.nonResourceAttributes;
    errors.invalid(
      'spec.nonResourceAttributes',
      { Path: path, Verb: verb },
      'disallowed on this kind of request',
    );
  }
}

/** Metadata of the asker's that an answer does not repeat. */
const SYSTEM_FIELDS = [
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'namespace',
  'selfLink',
  'uid',
];

const accept = (): void => undefined;
/** Answers hold a fresh status; what the asker wrote there is dropped. */
const withStatus =
  (status: () => Json) =>
  (review: KubeObject): void => {
    review.status = status();
  };
/** Reviews of oneself answer with fresh metadata too. */
const withFreshMetadata =
  (status: () => Json) =>
  (review: KubeObject): void => {
    review.metadata = {};
    review.status = status();
  };

const authorization = { apiVersion: 'authorization.k8s.io/v1', namespaced: false, modelled: false } as const;
const authentication = {
  apiVersion: 'authentication.k8s.io/v1',
  namespaced: false,
  modelled: false,
} as const;

export const kinds: readonly KindDefinition[] = [
  {
    ...authorization,
    kind: 'SelfSubjectAccessReview',
    resource: 'selfsubjectaccessreviews',
    defaults: withStatus(() => ({ allowed: false })),
    validate: validateSelfAccess,
  },
  {
    ...authorization,
    kind: 'SubjectAccessReview',
    resource: 'subjectaccessreviews',
    defaults: withStatus(() => ({ allowed: false })),
    validate: validateSubjectAccess,
  },
  {
    ...authorization,
    kind: 'LocalSubjectAccessReview',
    resource: 'localsubjectaccessreviews',
    namespaced: true,
    defaults: withStatus(() => ({ allowed: false })),
    validate: validateLocalAccess,
  },
  {
    ...authorization,
    kind: 'SelfSubjectRulesReview',
    resource: 'selfsubjectrulesreviews',
    defaults: withFreshMetadata(() => ({ resourceRules: [], nonResourceRules: [], incomplete: false })),
    validate: accept,
  },
  {
    ...authentication,
    kind: 'TokenReview',
    resource: 'tokenreviews',
    // Nobody holds a token of a simulated cluster: whoever asks about one is told that it is not valid.
    defaults: (review) => {
      review.status = { user: {}, ...review.status, error: 'invalid bearer token' };
      delete review.status.authenticated;
      const metadata: Json = review.metadata;
      for (const field of SYSTEM_FIELDS) delete metadata[field];
    },
    validate: (review, errors) => {
      if ((review.spec?.token ?? '') === '')
        errors.required('spec.token', 'token is required for TokenReview in authentication');
    },
  },
  {
    ...authentication,
    kind: 'SelfSubjectReview',
    resource: 'selfsubjectreviews',
    defaults: withFreshMetadata(() => ({ userInfo: {} })),
    validate: accept,
  },
];

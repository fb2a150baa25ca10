// FlowSchema and PriorityLevelConfiguration (flowcontrol.apiserver.k8s.io/v1): pkg/apis/flowcontrol/v1/defaults.go and
// validation.go, v1.36. Priority and fairness in the API server reads both.
import { checkLabel1123, checkSubdomain } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123LabelMessages } from './names.ts';

const precedenceMax = 10_000;
const defaultPrecedence = 1000;
const defaultLimitedShares = 30;
const defaultQueuing = { queues: 64, handSize: 8, queueLengthLimit: 50 };
const queuesMax = 10_000_000;
const verbs = [
  '*',
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'proxy',
  'update',
  'watch',
];

function defaultSchema(schema: KubeObject): void {
  schema.metadata.generation = 1;
  schema.spec ??= {};
  if ((schema.spec.matchingPrecedence ?? 0) === 0) schema.spec.matchingPrecedence = defaultPrecedence;
  schema.status = {};
}

function defaultLevel(level: KubeObject): void {
  level.metadata.generation = 1;
  level.spec ??= {};
  const { exempt, limited } = level.spec;
  if (exempt !== undefined) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (limited !== undefined) {
    limited.nominalConcurrencyShares ??= defaultLimitedShares;
    limited.lendablePercent ??= 0;
    const queuing = limited.limitResponse?.queuing;
    for (const [field, value] of Object.entries(defaultQueuing)) {
      if (queuing !== undefined && (queuing[field] ?? 0) === 0) queuing[field] = value;
    }
  }
  level.status = {};
}

const subjectBodies: Readonly<Record<string, string>> = {
  Group: 'group',
  ServiceAccount: 'serviceAccount',
  User: 'user',
};

function checkSubject(subject: Json, at: string, errors: FieldErrors): void {
  const { kind = '' } = subject;
  const own = subjectBodies[kind];
  if (own === undefined) {
    errors.notSupported(`${at}.kind`, kind, Object.keys(subjectBodies));
    return;
  }
  const body = subject[own];
  if (body === undefined)
    errors.required(`${at}.${own}`, `${own} is required when subject kind is '${kind}'`);
  else {
    if ((body.name ?? '') === '') errors.required(`${at}.${own}.name`);
    else if (kind === 'ServiceAccount' && body.name !== '*')
      checkSubdomain(errors, `${at}.${own}.name`, body.name);
    if (kind === 'ServiceAccount' && (body.namespace ?? '') === '') {
      errors.required(`${at}.${own}.namespace`, 'must specify namespace for service account');
    } else if (kind === 'ServiceAccount') checkLabel1123(errors, `${at}.${own}.namespace`, body.namespace);
  }
  for (const other of ['ServiceAccount', 'User', 'Group']) {
    const name = subjectBodies[other] as string;
    if (name !== own && subject[name] !== undefined) {
      errors.forbidden(`${at}.${name}`, `${name} is forbidden when subject kind is not '${other}'`);
    }
  }
}

/** A list that may hold `*` only alone; true if the items remain to be looked at. */
function checkList(
  list: readonly string[],
  field: string,
  empty: string,
  what: string,
  errors: FieldErrors,
): boolean {
  if (list.length === 0) errors.required(field, empty);
  else if (list.length > 1 && list.includes('*')) {
    errors.invalid(field, list, `if '*' is present, must not specify other ${what}`);
  }
  return !list.includes('*');
}

function checkVerbs(given: readonly string[], field: string, errors: FieldErrors): void {
  const plain = checkList(given, field, 'verbs must contain at least one value', 'verbs', errors);
  if (plain && !given.every((verb) => verbs.includes(verb))) errors.notSupported(field, given, verbs);
}

function urlProblem(path: string): string {
  if (path === '') return 'must not be empty';
  if (path === '/') return '';
  if (!path.startsWith('/')) return 'must start with slash';
  if (path.includes(' ')) return 'must not contain white-space';
  if (path.includes('//')) return 'must not contain double slash';
  const wildcards = path.split('*').length - 1;
  return wildcards > 1 || (wildcards === 1 && !path.endsWith('/*'))
    ? 'wildcard can only do suffix matching'
    : '';
}

function checkResourceRule(rule: Json, at: string, errors: FieldErrors): void {
  // Absent lists of a rule are null once decoded.
  const apiGroups: string[] = rule.apiGroups ?? [];
  const resources: string[] = rule.resources ?? [];
  const namespaces: string[] = rule.namespaces ?? [];
  checkVerbs(rule.verbs ?? [], `${at}.verbs`, errors);
  checkList(
    apiGroups,
    `${at}.apiGroups`,
    'resource rules must supply at least one api group',
    'api groups',
    errors,
  );
  checkList(
    resources,
    `${at}.resources`,
    'resource rules must supply at least one resource',
    'resources',
    errors,
  );
  if (namespaces.length === 0 && rule.clusterScope) return;
  const empty = 'resource rules that are not cluster scoped must supply at least one namespace';
  if (!checkList(namespaces, `${at}.namespaces`, empty, 'namespaces', errors)) return;
  for (const [index, namespace] of namespaces.entries()) {
    for (const message of dns1123LabelMessages(namespace)) {
      const rule = "each member of this list must be '*' or a DNS-1123 label";
      errors.invalid(item(`${at}.namespaces`, index), namespace, `${rule}; ${message}`);
    }
  }
}

function checkUrlRule(rule: Json, at: string, errors: FieldErrors): void {
  const urls: string[] = rule.nonResourceURLs ?? [];
  checkVerbs(rule.verbs ?? [], `${at}.verbs`, errors);
  const empty = 'nonResourceURLs must contain at least one value';
  if (!checkList(urls, `${at}.nonResourceURLs`, empty, 'non-resource URLs', errors)) return;
  for (const [index, url] of urls.entries()) {
    const problem = urlProblem(url);
    if (problem !== '') errors.invalid(item(`${at}.nonResourceURLs`, index), url, problem);
  }
}

function checkRules(rules: readonly Json[], errors: FieldErrors): void {
  for (const [index, given] of rules.entries()) {
    const at = item('spec.rules', index);
    const { resourceRules = [], nonResourceRules = [] } = given;
    const subjects: Json[] = given.subjects ?? [];
    if (subjects.length === 0) errors.required(`${at}.subjects`, 'subjects must contain at least one value');
    for (const [k, subject] of subjects.entries()) checkSubject(subject, item(`${at}.subjects`, k), errors);
    if (resourceRules.length + nonResourceRules.length === 0) {
      errors.required(at, 'at least one of resourceRules and nonResourceRules has to be non-empty');
    }
    for (const [k, rule] of resourceRules.entries())
      checkResourceRule(rule, item(`${at}.resourceRules`, k), errors);
    for (const [k, rule] of nonResourceRules.entries())
      checkUrlRule(rule, item(`${at}.nonResourceRules`, k), errors);
  }
}

function validateSchema(schema: KubeObject, errors: FieldErrors): void {
  const { matchingPrecedence, priorityLevelConfiguration, distinguisherMethod, rules = [] } = schema.spec;
  if (matchingPrecedence <= 0) {
    errors.invalid('spec.matchingPrecedence', matchingPrecedence, 'must be a positive value');
  }
  if (matchingPrecedence > precedenceMax) {
    errors.invalid(
      'spec.matchingPrecedence',
      matchingPrecedence,
      `must not be greater than ${precedenceMax}`,
    );
  }
  if (matchingPrecedence === 1 && schema.metadata.name !== 'exempt') {
    errors.invalid(
      'spec.matchingPrecedence',
      1,
      "only the schema named 'exempt' may have matchingPrecedence 1",
    );
  }
  const methods = ['ByNamespace', 'ByUser'];
  if (distinguisherMethod !== undefined && !methods.includes(distinguisherMethod.type)) {
    errors.notSupported('spec.distinguisherMethod.type', { Type: distinguisherMethod.type ?? '' }, methods);
  }
  const level = priorityLevelConfiguration?.name ?? '';
  const levelField = 'spec.priorityLevelConfiguration.name';
  if (level === '') errors.required(levelField, 'must reference a priority level');
  else checkSubdomain(errors, levelField, level);
  checkRules(rules, errors);
}

function validateLevel(level: KubeObject, errors: FieldErrors): void {
  const { type, exempt, limited } = level.spec;
  if ((level.metadata.name === 'exempt') !== (type === 'Exempt')) {
    errors.invalid('spec.type', type ?? '', "type must be 'Exempt' if and only if name is 'exempt'");
  }
  if (type === 'Exempt') {
    if (limited !== undefined) errors.forbidden('spec.limited', 'must be nil if the type is not Limited');
    if (exempt !== undefined) checkShares(exempt, 'spec.exempt', errors);
  } else if (type === 'Limited') {
    if (exempt !== undefined) errors.forbidden('spec.exempt', 'must be nil if the type is Limited');
    if (limited === undefined) errors.required('spec.limited', 'must not be empty when type is Limited');
    else checkLimited(limited, errors);
  } else errors.notSupported('spec.type', type ?? '', ['Exempt', 'Limited']);
}

function checkShares(settings: Json, at: string, errors: FieldErrors): void {
  const shares = settings.nominalConcurrencyShares;
  if (shares < 0) errors.invalid(`${at}.nominalConcurrencyShares`, shares, 'must be a non-negative integer');
  if (settings.lendablePercent < 0 || settings.lendablePercent > 100) {
    errors.invalid(`${at}.lendablePercent`, settings.lendablePercent, 'must be between 0 and 100, inclusive');
  }
}

function checkLimited(limited: Json, errors: FieldErrors): void {
  checkShares(limited, 'spec.limited', errors);
  const response = limited.limitResponse ?? {};
  const at = 'spec.limited.limitResponse';
  if (response.type === 'Reject') {
    if (response.queuing !== undefined)
      errors.forbidden(`${at}.queuing`, 'must be nil if limited.limitResponse.type is not Limited');
  } else if (response.type === 'Queue') {
    if (response.queuing === undefined) {
      errors.required(`${at}.queuing`, 'must not be empty if limited.limitResponse.type is Limited');
      return;
    }
    const { queues, handSize, queueLengthLimit } = response.queuing;
    if (queueLengthLimit <= 0)
      errors.invalid(`${at}.queuing.queueLengthLimit`, queueLengthLimit, 'must be positive');
    if (queues <= 0) errors.invalid(`${at}.queuing.queues`, queues, 'must be positive');
    else if (queues > queuesMax)
      errors.invalid(`${at}.queuing.queues`, queues, `must not be greater than ${queuesMax}`);
    if (handSize <= 0) errors.invalid(`${at}.queuing.handSize`, handSize, 'must be positive');
    else if (handSize > queues) {
      errors.invalid(`${at}.queuing.handSize`, handSize, `should not be greater than queues (${queues})`);
    }
  } else errors.notSupported(`${at}.type`, response.type ?? '', ['Queue', 'Reject']);
}

const base = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', namespaced: false, modelled: false } as const;

export const kinds: readonly KindDefinition[] = [
  { ...base, kind: 'FlowSchema', resource: 'flowschemas', defaults: defaultSchema, validate: validateSchema },
  {
    ...base,
    kind: 'PriorityLevelConfiguration',
    resource: 'prioritylevelconfigurations',
    defaults: defaultLevel,
    validate: validateLevel,
  },
];

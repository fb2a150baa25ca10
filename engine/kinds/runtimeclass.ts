// RuntimeClass (node.k8s.io/v1): pkg/apis/node/validation, v1.36. Its overhead counts for every pod of the class.
import { checkLabels, checkNonNegativeQuantity, entries, notSupportedInOrder, report } from './checks.ts';
import { type FieldErrors, item } from './field-errors.ts';
import type { Json, KindDefinition, KubeObject } from './kind.ts';
import { dns1123LabelMessages, labelKeyMessages } from './names.ts';

const containerResources = ['cpu', 'memory', 'ephemeral-storage'];
const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];

function checkOverhead(amounts: Record<string, string>, errors: FieldErrors): void {
  for (const [field, name, amount] of entries<string>('overhead.limits', amounts)) {
    report(errors, field, name, labelKeyMessages(name));
    if (!name.includes('/') && !containerResources.includes(name) && !name.startsWith('hugepages-')) {
      errors.invalid(field, name, 'must be a standard resource type or fully qualified');
      errors.invalid(field, name, 'must be a standard resource for containers');
    }
    checkNonNegativeQuantity(errors, field, amount);
  }
}

function checkToleration(toleration: Json, at: string, errors: FieldErrors): void {
  const { key = '', operator = '', effect = '', value = '' } = toleration;
  if (key !== '') report(errors, `${at}.key`, key, labelKeyMessages(key));
  if (key === '' && operator !== 'Exists') {
    errors.invalid(
      `${at}.operator`,
      operator,
      'operator must be Exists when `key` is empty, which means "match all values and all keys"',
    );
  }
  if (toleration.tolerationSeconds !== undefined && effect !== 'NoExecute') {
    errors.invalid(`${at}.effect`, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
  }
  if (operator === 'Exists' && value !== '') {
    errors.invalid(`${at}.operator`, toleration, "value must be empty when `operator` is 'Exists'");
  } else if (operator !== '' && operator !== 'Equal' && operator !== 'Exists') {
    errors.notSupported(`${at}.operator`, operator, ['Equal', 'Exists']);
  }
  if (effect !== '' && !effects.includes(effect))
    notSupportedInOrder(errors, `${at}.effect`, effect, effects);
}

function validate(runtimeClass: KubeObject, errors: FieldErrors): void {
  const handler: string = runtimeClass.handler ?? '';
  report(errors, 'handler', handler, dns1123LabelMessages(handler));
  checkOverhead(runtimeClass.overhead?.podFixed ?? {}, errors);
  const scheduling = runtimeClass.scheduling ?? {};
  checkLabels(errors, 'scheduling.nodeSelector', scheduling.nodeSelector);
  const tolerations: Json[] = scheduling.tolerations ?? [];
  for (const [index, one] of tolerations.entries()) {
    const at = item('scheduling.tolerations', index);
    checkToleration(one, at, errors);
    const same = (other: Json): boolean =>
      ['key', 'operator', 'value', 'effect', 'tolerationSeconds'].every(
        (field) => other[field] === one[field],
      );
    if (tolerations.slice(0, index).some(same)) errors.duplicate(at, one);
  }
}

export const kinds: readonly KindDefinition[] = [
  {
    apiVersion: 'node.k8s.io/v1',
    kind: 'RuntimeClass',
    resource: 'runtimeclasses',
    namespaced: false,
    modelled: true,
    defaults: () => undefined,
    validate,
  },
];

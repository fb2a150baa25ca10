// Constraints of a claim over the devices that are chosen for it, as far as they are chosen: all have the same value of
// an attribute, or all have different ones (structured/internal/experimental/constraint.go, v1.36). Once broken, more
// devices do not mend them, so a search may turn back at once.
import type { Json } from '../../../engine/index.ts';
import type { PooledDevice } from './device-pools.ts';

export interface Constraint {
  /** Adds the device unless that would break the constraint. `request`: name, `sub`: of the chosen alternative, ''. */
  add(request: string, sub: string, device: PooledDevice): boolean;
  /** Takes back what `add` took. */
  remove(request: string, sub: string, device: PooledDevice): void;
}

/** An attribute by its full name; those of the driver's own domain may be written without it. */
function attributeOf(device: PooledDevice, name: string): Json | undefined {
  const attributes = device.spec.attributes ?? {};
  if (Object.hasOwn(attributes, name)) return attributes[name];
  const slash = name.indexOf('/');
  const own = name.slice(slash + 1);
  return name.slice(0, slash) === device.driver && Object.hasOwn(attributes, own)
    ? attributes[own]
    : undefined;
}

/** A text that equals another's exactly if type and value are equal; undefined: it has no value. */
function textOf(device: PooledDevice, name: string): string | undefined {
  const attribute = attributeOf(device, name);
  if (attribute === undefined) return undefined;
  for (const type of ['string', 'int', 'bool', 'version'])
    if (attribute[type] !== undefined) return `${type}:${attribute[type]}`;
  return undefined;
}

/** null: a kind of constraint that is not known. */
export function constraintOf(spec: Json): Constraint | null {
  const { matchAttribute, distinctAttribute, requests = [] } = spec;
  const name: string | undefined = matchAttribute ?? distinctAttribute;
  if (name === undefined) return null;
  const applies = (request: string, sub: string): boolean =>
    requests.length === 0 ||
    requests.includes(request) ||
    (sub !== '' && requests.includes(`${request}/${sub}`));
  /** How many devices have each value. */
  const values = new Map<string, number>();
  return {
    add(request, sub, device) {
      if (!applies(request, sub)) return true;
      const value = textOf(device, name);
      if (value === undefined) return false;
      const known = values.get(value) ?? 0;
      const isBroken = matchAttribute === undefined ? known > 0 : known === 0 && values.size > 0;
      if (isBroken) return false;
      values.set(value, known + 1);
      return true;
    },
    remove(request, sub, device) {
      if (!applies(request, sub)) return;
      const value = textOf(device, name)!;
      const left = values.get(value)! - 1;
      if (left === 0) values.delete(value);
      else values.set(value, left);
    },
  };
}

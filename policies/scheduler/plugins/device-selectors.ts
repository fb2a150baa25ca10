// CEL selectors of device classes and requests: the environment that Kubernetes gives them, around a CEL library
// (staging/src/k8s.io/dynamic-resource-allocation/cel/compile.go and apiserver/pkg/cel/library/{quantity,semverlib}.go,
// v1.36). An expression sees one variable, `device`; what its evaluation fails with is the error of the allocation.
import { Environment } from '@marcbachmann/cel-js';
import { type Json, tryQuantity } from '../../../engine/index.ts';
import { compareVersions, parseVersion, type Version } from './device-versions.ts';

/** What is wrong with an expression, or went wrong with it. */
export class SelectorError extends Error {}

class QuantityValue {
  /** Billionths. */
  readonly nanos: bigint;
  constructor(nanos: bigint) {
    this.nanos = nanos;
  }
}

class VersionValue {
  readonly version: Version;
  constructor(version: Version) {
    this.version = version;
  }
}

const NOTHING: ReadonlyMap<string, unknown> = new Map();

/** Values by domain. A domain that the device does not know is one without values, but is not `in` it. */
class Domains extends Map<string, ReadonlyMap<string, unknown>> {
  override get(domain: string): ReadonlyMap<string, unknown> {
    return super.get(domain) ?? NOTHING;
  }
}

class DeviceValue {
  readonly driver: string;
  readonly attributes: Domains;
  readonly capacity: Domains;
  readonly allowMultipleAllocations: boolean;
  constructor(driver: string, attributes: Domains, capacity: Domains, shared: boolean) {
    this.driver = driver;
    this.attributes = attributes;
    this.capacity = capacity;
    this.allowMultipleAllocations = shared;
  }
}

const NANOS = 1_000_000_000n;

function quantityOf(text: string): QuantityValue {
  const parsed = tryQuantity(text);
  if (parsed === undefined)
    throw new SelectorError(
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    );
  return new QuantityValue(parsed.nanos);
}

function versionOf(text: string): VersionValue {
  const version = parseVersion(text);
  if (version === null) throw new SelectorError(`${JSON.stringify(text)} is no semantic version`);
  return new VersionValue(version);
}

const order = (difference: bigint): bigint => (difference < 0n ? -1n : difference > 0n ? 1n : 0n);

/** `has` of the library takes plain names only; this one any expression that ends in a field. */
// biome-ignore lint/suspicious/noExplicitAny: the library's macros speak of its syntax tree, which it does not type.
function hasField({ args }: any): any {
  const node = args[0];
  return {
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    typeCheck(checker: any, _macro: unknown, context: unknown) {
      if (node.op !== '.' && node.op !== '.?')
        throw checker.createError('invalid_macro_argument', 'invalid argument to has() macro', node);
      checker.check(node.args[0], context);
      return checker.getType('bool');
    },
    // biome-ignore lint/suspicious/noExplicitAny: as above.
    evaluate(evaluator: any, _macro: unknown, context: unknown) {
      const object = evaluator.run(node.args[0], context);
      const value = object instanceof Map ? object.get(node.args[1]) : object?.[node.args[1]];
      return value !== undefined;
    },
  };
}

function environment(): Environment {
  const quantity = 'kubernetes.Quantity';
  const version = 'kubernetes.Semver';
  const env = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true });
  env.registerType(quantity, QuantityValue);
  env.registerType(version, VersionValue);
  env.registerType('kubernetes.Domains', Domains);
  env.registerType('kubernetes.DRADevice', {
    ctor: DeviceValue,
    fields: {
      driver: 'string',
      attributes: 'kubernetes.Domains',
      capacity: 'kubernetes.Domains',
      allowMultipleAllocations: 'bool',
    },
  });
  env.registerVariable('device', 'kubernetes.DRADevice');
  env.registerOperator('string in kubernetes.Domains', (name: string, domains: Domains) => domains.has(name));
  env.registerFunction('size(kubernetes.Domains): int', (domains: Domains) => BigInt(domains.size));
  env.registerFunction('hasField(ast): bool', hasField);

  type Q = QuantityValue;
  env.registerFunction(`quantity(string): ${quantity}`, quantityOf);
  env.registerFunction('isQuantity(string): bool', (text: string) => tryQuantity(text) !== undefined);
  const onQuantities = (name: string, returns: string, of: (a: Q, b: Q) => unknown): void => {
    env.registerFunction(`${quantity}.${name}(${quantity}): ${returns}`, of);
  };
  onQuantities('compareTo', 'int', (a, b) => order(a.nanos - b.nanos));
  onQuantities('isGreaterThan', 'bool', (a, b) => a.nanos > b.nanos);
  onQuantities('isLessThan', 'bool', (a, b) => a.nanos < b.nanos);
  onQuantities('add', quantity, (a, b) => new QuantityValue(a.nanos + b.nanos));
  onQuantities('sub', quantity, (a, b) => new QuantityValue(a.nanos - b.nanos));
  env.registerFunction(
    `${quantity}.add(int): ${quantity}`,
    (a: Q, n: bigint) => new QuantityValue(a.nanos + n * NANOS),
  );
  env.registerFunction(
    `${quantity}.sub(int): ${quantity}`,
    (a: Q, n: bigint) => new QuantityValue(a.nanos - n * NANOS),
  );
  env.registerFunction(`${quantity}.sign(): int`, (a: Q) => order(a.nanos));
  env.registerFunction(`${quantity}.isInteger(): bool`, (a: Q) => a.nanos % NANOS === 0n);
  env.registerFunction(`${quantity}.asInteger(): int`, (a: Q) => {
    if (a.nanos % NANOS !== 0n) throw new SelectorError('cannot convert value to integer');
    return a.nanos / NANOS;
  });
  env.registerFunction(`${quantity}.asApproximateFloat(): double`, (a: Q) => Number(a.nanos) / 1e9);
  env.registerOperator(`${quantity} == ${quantity}`, (a: Q, b: Q) => a.nanos === b.nanos);

  type V = VersionValue;
  env.registerFunction(`semver(string): ${version}`, versionOf);
  env.registerFunction('isSemver(string): bool', (text: string) => parseVersion(text) !== null);
  const onVersions = (name: string, returns: string, of: (difference: number) => unknown): void => {
    env.registerFunction(`${version}.${name}(${version}): ${returns}`, (a: V, b: V) =>
      of(compareVersions(a.version, b.version)),
    );
  };
  onVersions('compareTo', 'int', (difference) => BigInt(Math.sign(difference)));
  onVersions('isGreaterThan', 'bool', (difference) => difference > 0);
  onVersions('isLessThan', 'bool', (difference) => difference < 0);
  env.registerFunction(`${version}.major(): int`, (a: V) => a.version.numbers[0]);
  env.registerFunction(`${version}.minor(): int`, (a: V) => a.version.numbers[1]);
  env.registerFunction(`${version}.patch(): int`, (a: V) => a.version.numbers[2]);
  env.registerOperator(
    `${version} == ${version}`,
    (a: V, b: V) => compareVersions(a.version, b.version) === 0,
  );
  return env;
}

/** `has(` outside of string literals becomes the macro above. */
function withOwnHas(expression: string): string {
  const tokens =
    /[rRbB]{0,2}(?:"""[\s\S]*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\/[^\n]*|\bhas(?=\s*\()/g;
  return expression.replace(tokens, (token, at: number) =>
    token === 'has' && expression[at - 1] !== '.' ? 'hasField' : token,
  );
}

function textOf(error: unknown): string {
  const { summary, message } = error as { summary?: string; message: string };
  return (summary ?? message).replace(/^No such key:/, 'no such key:');
}

/** A compiled selector. */
export interface DeviceSelector {
  /** Throws SelectorError. */
  matches(device: DeviceValue): boolean;
}

let shared: Environment | null = null;
const compiled = new Map<string, DeviceSelector | SelectorError>();

function compile(expression: string): DeviceSelector | SelectorError {
  shared ??= environment();
  let run: ReturnType<Environment['parse']>;
  try {
    run = shared.parse(withOwnHas(expression));
    const { valid, type, error } = run.check();
    if (!valid) throw error;
    if (type !== 'bool' && type !== 'dyn')
      return new SelectorError(`must evaluate to bool or the unknown type, not ${type}`);
  } catch (error) {
    return new SelectorError(`compilation failed: ${textOf(error)}`);
  }
  return {
    matches(device) {
      let value: unknown;
      try {
        value = run({ device });
      } catch (error) {
        throw new SelectorError(textOf(error));
      }
      if (typeof value !== 'boolean') throw new SelectorError('CEL result could not be converted to bool');
      return value;
    },
  };
}

/** The same for all runs of a process: an expression means the same everywhere. Compiled once. */
export function deviceSelector(expression: string): DeviceSelector | SelectorError {
  let selector = compiled.get(expression);
  if (selector === undefined) {
    selector = compile(expression);
    compiled.set(expression, selector);
  }
  return selector;
}

/** The value of an attribute as CEL sees it; a SelectorError where there is none that it knows. */
function attributeValue(name: string, attribute: Json): unknown {
  const { int, bool, string, version } = attribute;
  if (int !== undefined) return BigInt(int);
  if (bool !== undefined) return bool;
  if (string !== undefined) return string;
  if (version === undefined) throw new SelectorError(`attribute ${name}: unsupported attribute value`);
  const parsed = parseVersion(version);
  if (parsed === null) throw new SelectorError(`attribute ${name}: parse semantic version`);
  return new VersionValue(parsed);
}

function byDomain(
  driver: string,
  values: Json | undefined,
  of: (name: string, value: Json) => unknown,
): Domains {
  const domains = new Domains();
  for (const name of Object.keys(values ?? {})) {
    const slash = name.indexOf('/');
    const domain = slash < 0 ? driver : name.slice(0, slash);
    const known = domains.has(domain) ? (domains.get(domain) as Map<string, unknown>) : new Map();
    known.set(name.slice(slash + 1), of(name, values[name]));
    domains.set(domain, known);
  }
  return domains;
}

/** A device of a ResourceSlice as `device`. Throws SelectorError. */
export function deviceValue(driver: string, device: Json): DeviceValue {
  return new DeviceValue(
    driver,
    byDomain(driver, device.attributes, attributeValue),
    byDomain(driver, device.capacity, (_name, { value }) => quantityOf(String(value))),
    device.allowMultipleAllocations === true,
  );
}

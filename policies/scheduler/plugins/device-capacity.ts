// What an allocation consumes of devices that several claims may share, and of the counters that devices of a pool have
// in common (structured/internal/experimental/{consumable_capacity,allocator_experimental}.go, v1.36; KEPs 5075, 4815).
import { type Json, type TakenDevices, tryQuantity } from '../../../engine/index.ts';
import type { Pool, PooledDevice } from './device-pools.ts';

const NANOS = 1_000_000_000n;

const nanosOf = (quantity: Json): bigint => tryQuantity(quantity)?.nanos ?? 0n;
/** Go's Quantity.Value: whole units, rounded up. */
const wholeOf = (quantity: Json): bigint => (nanosOf(quantity) + NANOS - 1n) / NANOS;

/** What a request for so much takes, in billionths: as the capacity's policy rounds it up; all of it without request. */
function consumedOf(requested: Json | undefined, { value, requestPolicy }: Json): bigint {
  if (requested === undefined) return nanosOf(requestPolicy?.default ?? value);
  const wanted = nanosOf(requested);
  const { validRange, validValues } = requestPolicy ?? {};
  if (validRange?.min !== undefined) {
    if (wanted < nanosOf(validRange.min)) return nanosOf(validRange.min);
    if (validRange.step === undefined) return wanted;
    const min = wholeOf(validRange.min);
    const step = wholeOf(validRange.step);
    const steps = (wholeOf(requested) - min + step - 1n) / step;
    return (min + step * steps) * NANOS;
  }
  for (const valid of validValues ?? []) if (wanted <= nanosOf(valid)) return nanosOf(valid);
  return wanted;
}

function breaksPolicy(consumed: bigint, policy: Json | undefined): boolean {
  if (policy === undefined || (policy.default !== undefined && consumed === nanosOf(policy.default)))
    return false;
  const { validRange, validValues } = policy;
  if (validRange !== undefined) {
    if (validRange.max !== undefined && consumed > nanosOf(validRange.max)) return true;
    if (validRange.step === undefined) return false;
    const whole = (consumed + NANOS - 1n) / NANOS;
    return (whole - wholeOf(validRange.min ?? 0)) % wholeOf(validRange.step) !== 0n;
  }
  return (validValues?.length ?? 0) > 0 && !validValues.some((valid: Json) => nanosOf(valid) === consumed);
}

/** What the request takes of each capacity of the device, in billionths; null: it asks for what there is not. */
export function consumption(device: PooledDevice, request: Json): ReadonlyMap<string, bigint> | null {
  const capacity = device.spec.capacity ?? {};
  const requests = request.capacity?.requests ?? {};
  if (Object.keys(requests).some((name) => !Object.hasOwn(capacity, name))) return null;
  const amounts = new Map<string, bigint>();
  for (const name of Object.keys(capacity)) {
    const amount = consumedOf(requests[name], capacity[name]);
    if (breaksPolicy(amount, capacity[name].requestPolicy)) return null;
    amounts.set(name, amount);
  }
  return amounts;
}

/** Capacity that a search has given away, on top of what claims hold. */
export class SharedCapacity {
  readonly #taken: TakenDevices;
  readonly #given = new Map<string, { shares: number; readonly amounts: Map<string, bigint> }>();

  constructor(taken: TakenDevices) {
    this.#taken = taken;
  }

  /** Somebody has a part of the device. */
  isUsed({ id }: PooledDevice): boolean {
    return this.#taken.consumed(id) !== undefined || this.#given.has(id);
  }

  fits({ id, spec }: PooledDevice, amounts: ReadonlyMap<string, bigint>): boolean {
    const held = this.#taken.consumed(id);
    const given = this.#given.get(id)?.amounts;
    for (const [name, amount] of amounts) {
      const all = amount + (held?.get(name) ?? 0n) + (given?.get(name) ?? 0n);
      if (all > nanosOf(spec.capacity[name].value)) return false;
    }
    return true;
  }

  /** Gives so much of it away, or takes it back (sign -1). */
  give({ id }: PooledDevice, amounts: ReadonlyMap<string, bigint>, sign: 1n | -1n): void {
    let given = this.#given.get(id);
    if (given === undefined) {
      given = { shares: 0, amounts: new Map() };
      this.#given.set(id, given);
    }
    given.shares += Number(sign);
    for (const [name, amount] of amounts)
      given.amounts.set(name, (given.amounts.get(name) ?? 0n) + amount * sign);
    if (given.shares === 0) this.#given.delete(id);
  }
}

/** What is left of the counters of pools, as far as a search has gone. */
export class PoolCounters {
  readonly #taken: TakenDevices;
  /** By pool, set and counter. */
  readonly #left = new Map<string, Map<string, Map<string, bigint>>>();

  constructor(taken: TakenDevices) {
    this.#taken = taken;
  }

  #of(pool: Pool): Map<string, Map<string, bigint>> {
    let left = this.#left.get(pool.id);
    if (left === undefined) {
      left = new Map([...pool.counterSets].map(([name, counters]) => [name, new Map(counters)]));
      this.#left.set(pool.id, left);
      for (const device of [...pool.devices, ...pool.others]) {
        if (device.consumes.size === 0) continue;
        if (this.#taken.has(device.id) || this.#taken.consumed(device.id) !== undefined)
          change(left, device, -1n);
      }
    }
    return left;
  }

  /** Takes what the device needs, if there is enough of everything. */
  take(pool: Pool, device: PooledDevice): boolean {
    if (device.consumes.size === 0) return true;
    const left = this.#of(pool);
    change(left, device, -1n);
    for (const counters of left.values())
      for (const amount of counters.values())
        if (amount < 0n) {
          change(left, device, 1n);
          return false;
        }
    return true;
  }

  giveBack(pool: Pool, device: PooledDevice): void {
    if (device.consumes.size > 0) change(this.#of(pool), device, 1n);
  }
}

function change(left: Map<string, Map<string, bigint>>, device: PooledDevice, sign: 1n | -1n): void {
  for (const [name, counters] of device.consumes) {
    const set = left.get(name)!;
    for (const [counter, amount] of counters) set.set(counter, set.get(counter)! + amount * sign);
  }
}

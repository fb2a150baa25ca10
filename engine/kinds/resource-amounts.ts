// Lists of resource amounts as quotas and limits calculate with them: exact, and printed in the format that Go's
// Quantity would print them in (apiserver/pkg/quota/v1/resources.go, v1.36).
import { formatQuantity, parseQuantity, type QuantityFormat } from './quantity.ts';

export interface Amount {
  /** Billionths. */
  readonly nanos: bigint;
  readonly format: QuantityFormat;
}

/** Amounts by resource name, `requests.cpu`, `pods`, … */
export type ResourceAmounts = ReadonlyMap<string, Amount>;

const UNIT = 1_000_000_000n;
export const ZERO: Amount = Object.freeze({ nanos: 0n, format: 'DecimalSI' });
export const ONE: Amount = Object.freeze({ nanos: UNIT, format: 'DecimalSI' });

export const count = (n: number): Amount => ({ nanos: BigInt(n) * UNIT, format: 'DecimalSI' });

export const amountOf = (quantity: string | number): Amount => parseQuantity(String(quantity));

export const amountText = ({ nanos, format }: Amount): string => formatQuantity(nanos, format);

/** A sum has the format of its first part, unless that is zero (Quantity.Add). */
export function plus(a: Amount, b: Amount): Amount {
  if (a.nanos === 0n) return b;
  return b.nanos === 0n ? a : { nanos: a.nanos + b.nanos, format: a.format };
}

export const times = (a: Amount, n: number): Amount => ({ nanos: a.nanos * BigInt(n), format: a.format });

/** A ResourceList of an object. */
export function readAmounts(
  list: Readonly<Record<string, string | number>> | undefined,
): Map<string, Amount> {
  const amounts = new Map<string, Amount>();
  for (const [name, quantity] of Object.entries(list ?? {})) amounts.set(name, amountOf(quantity));
  return amounts;
}

/** As the API prints a ResourceList: by name. */
export function printAmounts(amounts: ResourceAmounts): Record<string, string> {
  const list: Record<string, string> = {};
  for (const name of [...amounts.keys()].sort()) list[name] = amountText(amounts.get(name)!);
  return list;
}

export function addAmounts(into: Map<string, Amount>, from: ResourceAmounts): void {
  for (const [name, amount] of from) into.set(name, plus(into.get(name) ?? ZERO, amount));
}

/** The larger of each. */
export function raiseAmounts(into: Map<string, Amount>, to: ResourceAmounts): void {
  for (const [name, amount] of to) {
    const now = into.get(name);
    if (now === undefined || amount.nanos > now.nanos) into.set(name, amount);
  }
}

/** `cpu=1,memory=2Gi`: the amounts of `names`, by name, as refusals print them. */
export function amountsText(amounts: ResourceAmounts, names: readonly string[]): string {
  return [...names]
    .sort()
    .filter((name) => amounts.has(name))
    .map((name) => `${name}=${amountText(amounts.get(name)!)}`)
    .join(',');
}

// Gathers what the model will not act on while objects are loaded: one entry per kind and field, however many objects.
import type { LossEntry } from '../engine/contracts/result.ts';
import { isCovered, kindKeyOf, noteOf, uncoveredFields } from './coverage.ts';

export class LossBook {
  private readonly entries = new Map<string, LossEntry>();

  /** Counts one more object; the source is that of the first. */
  add(source: string, kind: string, field: string, note: string, count = 1): void {
    const key = `${kind}\u0000${field}\u0000${note}`;
    const entry = this.entries.get(key);
    if (entry === undefined) this.entries.set(key, { source, kind, field, count, note });
    else entry.count += count;
  }

  /** Reports the kind as a whole, or the fields of the object that nothing reads. */
  object(
    source: string,
    object: { readonly apiVersion: string; readonly kind: string },
    modelled: boolean,
  ): void {
    const key = kindKeyOf(object.apiVersion, object.kind);
    if (!isCovered(key, modelled)) {
      this.add(
        source,
        object.kind,
        '',
        `kind not modelled (${object.apiVersion}): stored, nothing acts on it`,
      );
      return;
    }
    for (const field of uncoveredFields(key, object)) this.add(source, object.kind, field, noteOf(field));
  }

  /** In the order in which they were first found. */
  list(): LossEntry[] {
    return [...this.entries.values()];
  }
}

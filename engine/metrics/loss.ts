// What the model did not act on, collected from loading and from the run: one entry per source, kind, field
// and what it means.
import type { LossEntry } from '../contracts/result.ts';

export class LossLedger {
  private readonly entries = new Map<string, LossEntry>();

  /** Adds to the count of an equal entry. */
  add(loss: Readonly<LossEntry>): void {
    const key = JSON.stringify([loss.source, loss.kind, loss.field, loss.note]);
    const known = this.entries.get(key);
    if (known === undefined) this.entries.set(key, { ...loss });
    else known.count += loss.count;
  }

  sorted(): LossEntry[] {
    return [...this.entries.values()].sort(
      (a, b) =>
        compare(a.source, b.source) ||
        compare(a.kind, b.kind) ||
        compare(a.field, b.field) ||
        compare(a.note, b.note),
    );
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

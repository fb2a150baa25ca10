// What the model did not act on: every field and kind of the input without an effect, and what that means.
import type { LossEntry } from '../../../engine/contracts/result.ts';
import { grouped } from '../../units.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData } from '../model.ts';

const ROWS_MAX = 100;

interface Row extends LossEntry {
  /** Variants that have it. */
  readonly variants: string[];
}

export function loss({ variants }: ReportData): Markup {
  const rows = merged(variants);
  if (rows.length === 0)
    return html`<p class="empty good-empty">Nothing in the input was left out: every field and kind was acted on. What the model as a whole assumes stands in docs/model.md.</p>`;
  const shown = rows.slice(0, ROWS_MAX);
  return html`<p>These parts of the input had no effect on the run. The model’s assumptions stand in docs/model.md.</p><div class="table-box"><table><thead><tr><th scope="col">Kind</th><th scope="col">Field</th><th scope="col" class="num">Objects</th><th scope="col">What that means</th>${
    variants.length > 1 ? html`<th scope="col">Variants</th>` : ''
  }</tr></thead><tbody>${shown.map(
    (row) =>
      html`<tr><td>${row.kind}</td><td>${row.field === '' ? html`<span class="muted">the whole kind</span>` : html`<code>${row.field}</code>`}</td><td class="num">${grouped(row.count)}</td><td>${row.note}</td>${
        variants.length > 1
          ? html`<td>${row.variants.length === variants.length ? 'all' : `${row.variants.length} of ${variants.length}`}</td>`
          : ''
      }</tr>`,
  )}</tbody></table></div>${
    rows.length > shown.length
      ? html`<p class="muted">and ${rows.length - shown.length} more: loss.csv has all</p>`
      : ''
  }`;
}

export const lossCount = ({ variants }: ReportData): number => merged(variants).length;

function merged(variants: ReportData['variants']): Row[] {
  const rows = new Map<string, Row>();
  for (const { label, loss: entries } of variants) {
    for (const entry of entries) {
      const key = JSON.stringify([entry.kind, entry.field, entry.note]);
      const known = rows.get(key);
      if (known === undefined) rows.set(key, { ...entry, variants: [label] });
      else {
        known.count = Math.max(known.count, entry.count);
        if (known.variants.at(-1) !== label) known.variants.push(label);
      }
    }
  }
  return [...rows.values()].sort((a, b) => b.count - a.count);
}

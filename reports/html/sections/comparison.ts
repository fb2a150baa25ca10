// Variants against the baseline: every outcome with the interval of its difference as a bar, what is behind the start-up of
// pods, and the notes of the comparison. The numbers are those of `kubetick compare`.
import { type Comparison, isUnmoved } from '../../compare/compare.ts';
import type { StartDifference } from '../../compare/contributors.ts';
import { countsText, tableRow, valueText } from '../../compare/text.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData } from '../model.ts';
import { percent } from '../plot.ts';

/** Tables of variants, and rows of each. */
const VARIANTS_MAX = 12;
const ROWS_MAX = 24;
const DETAILS_MAX = 40;
/** Relative differences beyond are drawn at the border. */
const SCALE_MAX = 1;
const SCALE_MIN = 0.01;
/** Phases that make less than this share of the largest difference are told together. */
const TOLD = 0.01;

/** Null where there is nothing to compare. */
export function comparison({ comparison: found, variants }: ReportData): Markup | null {
  if (found === null) return null;
  const { baseline, result, starts } = found;
  const names = [...new Set(result.comparisons.map(({ variant }) => variant))];
  const shown = names.slice(0, VARIANTS_MAX);
  return html`<p>Each variant against <b>${baseline}</b>. Replications with the same seed are pairs; p-values are corrected for everything that was asked (Holm), and <em>better</em> or <em>worse</em> is said only below 0.05.</p>${shown.map(
    (variant) => {
      const rows = result.comparisons.filter((one) => one.variant === variant);
      const against = rows[0]!.against;
      const start = starts.find((one) => one.variant === variant && one.against === against);
      return html`<h3>${variant} against ${against}</h3><p>${sentence(rows)}</p>${table(rows)}${start === undefined ? '' : contributors(start)}`;
    },
  )}${names.length > shown.length ? html`<p class="muted">and ${names.length - shown.length} more variants: kubetick compare has them</p>` : ''}${
    result.comparisons.length === 0 && variants.length > 1
      ? html`<p class="empty">The variants have no numbers in common.</p>`
      : ''
  }${result.notes.length > 0 ? html`<ul class="notes">${result.notes.map((note) => html`<li>${note}</li>`)}</ul>` : ''}`;
}

const sentence = (rows: readonly Comparison[]): string => `${countsText(rows)}.`;

function table(rows: readonly Comparison[]): Markup {
  const moved = rows.filter((one) => !isUnmoved(one));
  const first = moved.filter(({ family, verdict }) => family === 'outcome' || verdict !== 'no evidence');
  const shown = first.slice(0, ROWS_MAX);
  const rest = moved.filter((one) => !shown.includes(one));
  if (moved.length === 0)
    return html`<p class="empty">Equal in every replication, in all ${rows.length} numbers.</p>`;
  const parts = [shown.length > 0 ? grid(shown) : html`<p class="empty">No outcome differs.</p>`];
  if (rest.length > 0)
    parts.push(
      html`<details class="long"><summary>${rest.length} more numbers, mostly details</summary>${grid(rest.slice(0, DETAILS_MAX))}${
        rest.length > DETAILS_MAX
          ? html`<p class="muted">and ${rest.length - DETAILS_MAX} more: kubetick compare --format csv has them</p>`
          : ''
      }</details>`,
    );
  return html`${parts}`;
}

function grid(rows: readonly Comparison[]): Markup {
  const scale = scaleOf(rows);
  const scaleText = `${Number((scale * 100).toPrecision(2))} %`;
  return html`<div class="table-box"><table class="compare"><thead><tr><th scope="col">Metric</th><th scope="col" class="num">Baseline</th><th scope="col" class="num">Variant</th><th scope="col" class="num">Difference</th><th scope="col" class="wide"><span class="ends"><span>−${scaleText}</span><span>0</span><span>+${scaleText}</span></span></th><th scope="col" class="num">p</th><th scope="col">Verdict</th></tr></thead><tbody>${rows.map(
    (one) => {
      const [metric, before, after, difference, relative, interval, p, verdict] = tableRow(one);
      return html`<tr><th scope="row">${metricName(metric!)}</th><td class="num">${before}</td><td class="num">${after}</td><td class="num">${difference}<small>${relative}</small></td><td class="wide">${bar(one, scale, interval!)}</td><td class="num">${p}</td><td>${verdictBadge(one, verdict!)}</td></tr>`;
    },
  )}</tbody></table></div>`;
}

/** A metric by the name that `expect` takes, with places to break it. */
function metricName(metric: string): Markup {
  const parts = metric.replace(/^(latency|throughput|utilisation)\./, '').split('.');
  return html`<code>${parts.map((part, i) => html`${i > 0 ? html`<wbr/>.` : ''}${part}`)}</code>`;
}

function verdictBadge({ verdict }: Comparison, said: string): Markup {
  if (verdict === 'better')
    return html`<span class="badge good"><span aria-hidden="true">▲</span> better</span>`;
  if (verdict === 'worse')
    return html`<span class="badge bad"><span aria-hidden="true">▼</span> worse</span>`;
  const [head, more] = said.split('; ');

  return html`<span class="badge">${head}</span>${more === undefined ? '' : html`<small class="muted">${more.replace(' would be seen', '')} or more would be seen</small>`}`;
}

/** Ends of the interval as shares of the baseline; NaN where that is 0. */
const share = (one: Comparison, value: number): number =>
  one.baseline === 0 ? Number.NaN : value / Math.abs(one.baseline);

function scaleOf(rows: readonly Comparison[]): number {
  const sizes = rows
    .flatMap((one) => [share(one, one.difference), ...one.ci95.map((end) => share(one, end))])
    .map(Math.abs)
    .filter(Number.isFinite);
  return Math.min(SCALE_MAX, Math.max(SCALE_MIN, ...sizes));
}

/** The difference with its interval, relative to the baseline, around a line at 0. */
function bar(one: Comparison, scale: number, interval: string): Markup {
  const at = (value: number): number => 0.5 + Math.max(-0.5, Math.min(0.5, (0.5 * value) / scale));
  const middle = share(one, one.difference);
  const [low, high] = one.ci95.map((end) => share(one, end)) as [number, number];
  if (Number.isNaN(middle)) return html`<span class="muted">${interval} (the baseline is 0)</span>`;
  const tone = one.verdict === 'better' ? 'good' : one.verdict === 'worse' ? 'bad' : 'quiet';
  const bounded = Number.isFinite(low) && Number.isFinite(high);
  return html`<svg class="interval ${tone}" width="100%" height="22" role="img" aria-label="95 % of the difference: ${interval}"><line class="zero" x1="50%" x2="50%" y1="0" y2="22"/>${
    bounded
      ? html`<line class="whisker" x1="${percent(at(low))}" x2="${percent(at(high))}" y1="11" y2="11"/>`
      : ''
  }${
    Math.abs(middle) > scale
      ? html`<text class="beyond" x="${middle < 0 ? 0 : '100%'}" y="16" text-anchor="${middle < 0 ? 'start' : 'end'}">${middle < 0 ? '◀' : '▶'}</text>`
      : html`<circle cx="${percent(at(middle))}" cy="11" r="4"/>`
  }<title>${interval}</title></svg>`;
}

/** The difference of mean starts as a sum over phases. */
function contributors(start: StartDifference): Markup | string {
  const { baseline, value, phases } = start;
  if (phases.length === 0) return '';
  const seconds = (x: number): string => `${x > 0 ? '+' : ''}${valueText('virtualSeconds', x)}`;
  const most = Math.max(...phases.map(({ difference }) => Math.abs(difference)));
  const shown = phases.filter(({ difference }) => Math.abs(difference) >= most * TOLD).slice(0, 8);
  const rest = phases.filter((one) => !shown.includes(one)).reduce((sum, one) => sum + one.difference, 0);
  const rows = [...shown, ...(rest === 0 ? [] : [{ phase: 'all others', difference: rest }])];
  return html`<h4>Where the difference of the mean start comes from</h4><p>${seconds(value - baseline)} in all: ${valueText('virtualSeconds', baseline)} → ${valueText('virtualSeconds', value)}.</p><div class="table-box"><table class="compare"><tbody>${rows.map(
    ({ phase, difference }) => {
      const width = (0.5 * Math.abs(difference)) / most;
      const from = difference < 0 ? 0.5 - width : 0.5;
      return html`<tr><th scope="row">${phase}</th><td class="num">${seconds(difference)}</td><td class="wide"><svg class="interval ${difference < 0 ? 'good' : 'bad'}" width="100%" height="18" aria-hidden="true"><line class="zero" x1="50%" x2="50%" y1="0" y2="18"/><rect x="${percent(from)}" width="${percent(width)}" y="3" height="12" rx="2"/></svg></td></tr>`;
    },
  )}</tbody></table></div>`;
}

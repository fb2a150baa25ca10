// The first thing a reader sees: whether what was expected holds, of every expectation what was observed.
import { type Expectation, parseExpect } from '../../../engine/metrics/expect.ts';
import { valueText } from '../../compare/text.ts';
import { breakable, html, type Markup } from '../markup.ts';
import type { ReportData, ReportExpect } from '../model.ts';
import { percent } from '../plot.ts';

interface Row extends ReportExpect {
  readonly variant: string;
}

const ROWS_MAX = 60;
/** Longer lists are preceded by a table of variants by expectations. */
const LIST_MAX = 8;
const COLUMNS_MAX = 8;
const VARIANTS_MAX = 40;
/** Of more observations only the ends are drawn. */
const DOTS_MAX = 60;

const failed = ({ held, judged }: ReportExpect): boolean => held < judged;

/** `holds`, `fails` or `none`: in one word. */
export function overall({ variants }: ReportData): 'holds' | 'fails' | 'none' {
  const expects = variants.flatMap((variant) => variant.expects);
  if (expects.length === 0) return 'none';
  return expects.some(failed) ? 'fails' : 'holds';
}

/** The sentence at the top of the page. */
export function verdictSentence(data: ReportData): string {
  const rows = rowsOf(data);
  if (rows.length === 0) return 'No expectations were set';
  const texts = new Set(rows.map(({ text }) => text));
  const bad = new Set(rows.filter(failed).map(({ text }) => text));
  const many = texts.size === 1 ? '' : 's';
  if (bad.size === 0)
    return texts.size === 1 ? 'The expectation holds' : `All ${texts.size} expectation${many} hold`;
  if (bad.size === texts.size)
    return texts.size === 1 ? 'The expectation fails' : `All ${texts.size} expectations fail`;
  return `${bad.size} of ${texts.size} expectation${many} fail${bad.size === 1 ? 's' : ''}`;
}

const rowsOf = ({ variants }: ReportData): Row[] =>
  variants.flatMap(({ label, expects }) => expects.map((expect) => ({ ...expect, variant: label })));

/** Failures first, otherwise in the order of the variants; of many, a table of variants by expectations before them. */
export function verdicts(data: ReportData): Markup {
  const rows = rowsOf(data);
  if (rows.length === 0) return empty();
  const sorted = [...rows.filter(failed), ...rows.filter((row) => !failed(row))];
  const several = data.variants.length > 1;
  if (!several || rows.length <= LIST_MAX) return list(sorted, several);
  return html`${matrix(data)}<details class="long"><summary>What was observed, one by one</summary>${list(sorted, several)}</details>`;
}

function list(sorted: readonly Row[], several: boolean): Markup {
  const shown = sorted.slice(0, ROWS_MAX);
  return html`<div class="table-box"><table class="verdicts"><thead><tr><th scope="col">Verdict</th>${
    several ? html`<th scope="col">Variant</th>` : ''
  }<th scope="col">Expectation</th><th scope="col" class="num">Observed</th><th scope="col" class="wide">Against the bound</th></tr></thead><tbody>${shown.map(
    (row) =>
      html`<tr><td>${badge(row)}</td>${several ? html`<td>${breakable(row.variant)}</td>` : ''}<td><code>${row.text}</code>${
        row.of === 'variant' ? html` <span class="muted">mean of the variant</span>` : ''
      }</td><td class="num">${observedText(row)}</td><td class="wide">${bullet(row)}</td></tr>`,
  )}</tbody></table></div>${
    sorted.length > shown.length
      ? html`<p class="muted">and ${sorted.length - shown.length} more: sweep.json and the summary.json of each run have them</p>`
      : ''
  }`;
}

/** A row a variant, a column an expectation. */
function matrix({ variants }: ReportData): Markup {
  const columns: { readonly text: string; readonly of: ReportExpect['of'] }[] = [];
  for (const { expects } of variants)
    for (const { text, of } of expects)
      if (!columns.some((one) => one.text === text && one.of === of)) columns.push({ text, of });
  const shown = columns.slice(0, COLUMNS_MAX);
  const rows = variants.slice(0, VARIANTS_MAX);
  return html`<div class="table-box"><table class="matrix"><thead><tr><th scope="col">Variant</th>${shown.map(
    ({ text, of }) =>
      html`<th scope="col"><code>${text}</code>${of === 'variant' ? html`<small>mean of the variant</small>` : ''}</th>`,
  )}</tr></thead><tbody>${rows.map(
    ({ label, expects }) =>
      html`<tr><th scope="row">${breakable(label)}</th>${shown.map(({ text, of }) => {
        const found = expects.find((one) => one.text === text && one.of === of);
        return found === undefined
          ? html`<td class="muted">–</td>`
          : html`<td>${badge(found)}<small>${observedText(found)}</small></td>`;
      })}</tr>`,
  )}</tbody></table></div>${
    columns.length > shown.length || variants.length > rows.length
      ? html`<p class="muted">The first ${shown.length} of ${columns.length} expectations, and ${rows.length} of ${variants.length} variants.</p>`
      : ''
  }`;
}

function empty(): Markup {
  return html`<p class="empty">No <code>expect</code> in this experiment: there is no verdict. Add one to its <code>spec</code>, and every run tells whether it holds:</p><pre><code>expect:
  - pod.startup.p99 &lt; 5s
  - pods.pending == 0</code></pre>`;
}

function badge({ held, judged, of }: ReportExpect): Markup {
  const runs = of === 'run' && judged > 1;
  if (held === judged)
    return html`<span class="badge good"><span aria-hidden="true">✓</span> holds${runs ? ` in ${judged} of ${judged}` : ''}</span>`;
  return html`<span class="badge bad"><span aria-hidden="true">✕</span> fails${runs ? ` in ${judged - held} of ${judged}` : ''}</span>`;
}

function parts(text: string): Expectation | null {
  const parsed = parseExpect(text);
  return typeof parsed === 'string' ? null : parsed;
}

function observedText({ text, observed }: ReportExpect): string {
  const metric = parts(text)?.metric ?? '';
  const known = observed.filter((value): value is number => value !== null);
  if (known.length === 0) return 'nothing';
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const said =
    low === high ? valueText(metric, low) : `${valueText(metric, low)} to ${valueText(metric, high)}`;
  return known.length < observed.length ? `${said} (${observed.length - known.length} × nothing)` : said;
}

/** Where the observations lie beside the bound: the shaded side is where the expectation holds. */
function bullet({ text, observed }: ReportExpect): Markup | string {
  const expectation = parts(text);
  const known = observed.filter((value): value is number => value !== null);
  if (expectation === null || known.length === 0) return '';
  const { operator, value, metric } = expectation;
  const drawn = known.length > DOTS_MAX ? [Math.min(...known), Math.max(...known)] : known;
  const high = Math.max(value, ...known);
  const low = Math.min(0, value, ...known);
  const width = high - low || 1;
  // Both the bound and what was observed stay off the border.
  const at = (x: number): number => 0.02 + (0.9 * (x - low)) / width;
  const zone =
    operator === '<' || operator === '<='
      ? html`<rect class="zone" x="0" width="${percent(at(value))}" y="4" height="14" rx="3"/>`
      : operator === '>' || operator === '>='
        ? html`<rect class="zone" x="${percent(at(value))}" width="${percent(1 - at(value))}" y="4" height="14" rx="3"/>`
        : '';
  const bound = valueText(metric, value);
  return html`<svg class="bullet" width="100%" height="22" role="img" aria-label="${known.length} observed, bound ${operator} ${bound}"><rect class="track" x="0" width="100%" y="4" height="14" rx="3"/>${zone}<line class="bound" x1="${percent(at(value))}" x2="${percent(at(value))}" y1="1" y2="21"/>${drawn.map(
    (x) => html`<circle class="dot" cx="${percent(at(x))}" cy="11" r="4"/>`,
  )}<title>observed ${observedText({ text, observed } as ReportExpect)}, bound ${operator} ${bound}</title></svg>`;
}

// Cards of the five numbers: one large figure for one variant, rows on a common axis for several.
import type { Comparison } from '../../compare/compare.ts';
import { percentText } from '../../compare/text.ts';
import { type Estimate, type Headline, headlines, headlineText } from '../headlines.ts';
import { breakable, html, type Markup } from '../markup.ts';
import type { ReportData } from '../model.ts';
import { colourOf, percent } from '../plot.ts';

/** Variants that fit cards; more stand in a table. */
const CARDS_MAX = 3;
const ROWS_MAX = 24;
const DOTS_MAX = 60;
/** Smaller differences from the baseline are not told here. */
const CHANGE_MIN = 0.0005;

export function numbers(data: ReportData): Markup {
  const found = headlines(data.variants);
  const runs = Math.max(...data.variants.map((variant) => variant.runs.length));
  return html`${data.variants.length > CARDS_MAX ? table(found, data) : html`<div class="cards">${found.map((headline) => card(headline, data))}</div>`}<p class="muted">${
    runs > 1
      ? 'Means over replications with their 95 % intervals (Student’s t); each dot is a replication.'
      : 'One replication: there is no interval, and how much chance has a part cannot be told. The small figures are the spread within the run. seeds.replications: 10 in the experiment and kubetick sweep give intervals.'
  }</p>`;
}

function card(headline: Headline, { variants, comparison }: ReportData): Markup {
  const { title, about, metric, estimates } = headline;
  const id = `n-${metric.replace(/[^a-z0-9]/gi, '-')}`;
  return html`<article class="card number" aria-labelledby="${id}"><h3 id="${id}">${title}</h3>${
    variants.length > 1 ? rows(headline, comparison?.result.comparisons ?? []) : single(estimates[0]!, metric)
  }<p class="about">${about}</p></article>`;
}

function single(estimate: Estimate, metric: string): Markup {
  const { mean, low, high, values, within } = estimate;
  const interval = Number.isFinite(low)
    ? low === high
      ? html`<p class="interval">the same in all ${values.length} replications</p>`
      : html`<p class="interval">95 %: ${headlineText(metric, low)} … ${headlineText(metric, high)}</p>`
    : html`<p class="interval">${within || 'one run'}</p>`;
  return html`<p class="figure">${headlineText(metric, mean)}</p>${interval}${
    values.length > 1 ? strip(estimate, 0, span([estimate])) : ''
  }`;
}

function rows({ estimates, metric }: Headline, comparisons: readonly Comparison[]): Markup {
  const axis = span(estimates);
  return html`<dl class="forest">${estimates.map(
    (estimate, i) =>
      html`<div><dt><span class="swatch ${colourOf(i)}"></span>${breakable(estimate.label)}</dt><dd>${told(estimate, estimates[0]!, metric, comparisons)}${strip(estimate, i, axis)}</dd></div>`,
  )}</dl>`;
}

/** A row a variant, a column a number. */
function table(found: readonly Headline[], { variants, comparison }: ReportData): Markup {
  const shown = variants.slice(0, ROWS_MAX);
  const axes = found.map(({ estimates }) => span(estimates));
  return html`<div class="table-box"><table class="numbers"><thead><tr><th scope="col">Variant</th>${found.map(
    ({ title, about }) => html`<th scope="col" title="${about}">${title}</th>`,
  )}</tr></thead><tbody>${shown.map(
    ({ label }, i) =>
      html`<tr><th scope="row"><span class="swatch ${colourOf(i)}"></span>${breakable(label)}</th>${found.map(
        ({ estimates, metric }, column) => {
          const estimate = estimates.find((one) => one.label === label);
          return estimate === undefined
            ? html`<td class="muted">–</td>`
            : html`<td>${told(estimate, estimates[0]!, metric, comparison?.result.comparisons ?? [])}${strip(estimate, i, axes[column]!)}</td>`;
        },
      )}</tr>`,
  )}</tbody></table></div>${variants.length > shown.length ? html`<p class="muted">and ${variants.length - shown.length} more variants</p>` : ''}`;
}

/** The mean, by how much it differs from the baseline's, and its interval (or of one run the spread within). */
function told(
  estimate: Estimate,
  baseline: Estimate,
  metric: string,
  comparisons: readonly Comparison[],
): Markup {
  const { label, mean, low, high, within } = estimate;
  const change = estimate === baseline || baseline.mean === 0 ? Number.NaN : mean / baseline.mean - 1;
  // Only what the comparison found evidence for is called better or worse.
  const verdict = comparisons.find((one) => one.variant === label && one.metric === metric)?.verdict;
  const said = verdict === 'better' || verdict === 'worse' ? verdict : '';
  const interval =
    Number.isFinite(low) && low < high
      ? `${headlineText(metric, low)} … ${headlineText(metric, high)}`
      : within;
  return html`<b>${headlineText(metric, mean)}</b>${
    Math.abs(change) >= CHANGE_MIN
      ? html` <span class="change ${said}">${percentText(change)}${said === '' ? '' : ` ${said}`}</span>`
      : ''
  }${interval === '' ? '' : html`<small>${interval}</small>`}`;
}

/** The ends of an axis on which all of them have room. */
function span(estimates: readonly Estimate[]): readonly [number, number] {
  const all = estimates.flatMap(({ values, low, high }) => [...values, low, high]).filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || Math.abs(high) || 1) * 0.08;
  return [low - room, high + room];
}

/** Replications as dots, the interval as a bar, the mean as a mark. */
function strip(
  { values, mean, low, high }: Estimate,
  colour: number,
  [from, to]: readonly [number, number],
): Markup {
  const at = (x: number): string => percent((x - from) / (to - from));
  const dots = values.length > DOTS_MAX ? [Math.min(...values), Math.max(...values)] : values;
  return html`<svg class="strip ${colourOf(colour)}" width="100%" height="18" aria-hidden="true"><line class="grid" x1="0" x2="100%" y1="9" y2="9"/>${dots.map(
    (x) => html`<circle class="rep" cx="${at(x)}" cy="9" r="3"/>`,
  )}${
    Number.isFinite(low) && low < high
      ? html`<line class="whisker" x1="${at(low)}" x2="${at(high)}" y1="9" y2="9"/>`
      : ''
  }<line class="mean" x1="${at(mean)}" x2="${at(mean)}" y1="2" y2="16"/></svg>`;
}

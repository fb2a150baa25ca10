// Cards of the five numbers: one large figure for one variant, rows on a common axis for several.
import type { Comparison } from '../../compare/compare.ts';
import { percentText } from '../../compare/text.ts';
import { type Estimate, type Headline, headlines, headlineText } from '../headlines.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData } from '../model.ts';
import { colourOf, percent } from '../plot.ts';

const ROWS_MAX = 12;
const DOTS_MAX = 60;

export function numbers(data: ReportData): Markup {
  const found = headlines(data.variants);
  const runs = Math.max(...data.variants.map((variant) => variant.runs.length));
  return html`<div class="cards">${found.map((headline) => card(headline, data))}</div><p class="muted">${
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
  const shown = estimates.slice(0, ROWS_MAX);
  const axis = span(shown);
  const [baseline] = estimates;
  return html`<dl class="forest">${shown.map((estimate, i) => {
    const change = i === 0 || baseline!.mean === 0 ? Number.NaN : estimate.mean / baseline!.mean - 1;
    // Only what the comparison found evidence for is called better or worse.
    const verdict = comparisons.find(
      (one) => one.variant === estimate.label && one.metric === metric,
    )?.verdict;
    const said = verdict === 'better' || verdict === 'worse' ? verdict : '';
    return html`<div><dt><span class="swatch ${colourOf(i)}"></span>${estimate.label}</dt><dd><b>${headlineText(metric, estimate.mean)}</b>${
      Number.isNaN(change) || change === 0
        ? ''
        : html` <span class="change ${said}">${percentText(change)}${said === '' ? '' : ` ${said}`}</span>`
    }${
      Number.isFinite(estimate.low) && estimate.low < estimate.high
        ? html`<small>${headlineText(metric, estimate.low)} … ${headlineText(metric, estimate.high)}</small>`
        : estimate.within === ''
          ? ''
          : html`<small>${estimate.within}</small>`
    }${strip(estimate, i, axis)}</dd></div>`;
  })}</dl>${estimates.length > shown.length ? html`<p class="muted">and ${estimates.length - shown.length} more variants</p>` : ''}`;
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

// The whole page as one text: head, sections in the order in which they are wanted, data and script. Nothing is fetched
// (the content security policy forbids it), and only this script runs, by its hash.
import { createHash } from 'node:crypto';
import { grouped, humanSeconds } from '../units.ts';
import { html, jsonBlock, Markup } from './markup.ts';
import type { ReportData } from './model.ts';
import { type Panels, panelsOf } from './panels.ts';
import { comparison } from './sections/comparison.ts';
import { controlPlane } from './sections/control-plane.ts';
import { distributions } from './sections/distributions.ts';
import { loss, lossCount } from './sections/loss.ts';
import { nodes } from './sections/nodes.ts';
import { numbers } from './sections/numbers.ts';
import { path } from './sections/path.ts';
import { repeat } from './sections/repeat.ts';
import { series } from './sections/series.ts';
import { overall, verdictSentence, verdicts } from './sections/verdicts.ts';

/** What runs in the page and how it looks, as texts. */
export interface BrowserText {
  readonly script: string;
  readonly style: string;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

/** What a page takes at most, bytes of UTF-8. */
export const PAGE_MAX_BYTES = 2_000_000;

/** The page; the same bytes for the same data, and below PAGE_MAX_BYTES. */
export function reportPage(data: ReportData, browser: BrowserText): string {
  const whole = pageOf(data, browser);
  if (Buffer.byteLength(whole) < PAGE_MAX_BYTES) return whole;
  // Names of hundreds of characters, or hundreds of numbers for each of many variants.
  const lean = pageOf(leaner(data), browser);
  if (Buffer.byteLength(lean) < PAGE_MAX_BYTES) return lean;
  throw new Error(`the page takes ${Buffer.byteLength(lean)} bytes, more than ${PAGE_MAX_BYTES}`);
}

/** Without details of the comparison, and with one variant looked at closely; says so. */
function leaner(data: ReportData): ReportData {
  const first = data.variants.find(({ detail }) => detail !== null);
  const { comparison: compared } = data;
  return {
    ...data,
    variants: data.variants.map((variant) =>
      variant === first ? variant : { ...variant, detail: null, loss: variant.loss.slice(0, 10) },
    ),
    comparison: compared && {
      ...compared,
      result: {
        ...compared.result,
        comparisons: compared.result.comparisons.filter(
          ({ family, verdict }) => family === 'outcome' || verdict !== 'no evidence',
        ),
      },
    },
    notes: [
      ...data.notes,
      'to keep the page small, details of the comparison are left out, and one variant alone is looked at closely',
    ],
  };
}

function pageOf(data: ReportData, browser: BrowserText): string {
  const panels = panelsOf(data.variants);
  const sections = sectionsOf(data, panels);
  const title = data.experiments.join(', ');
  const { script, style } = browser;
  const page = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src '${hash(script)}'; style-src '${hash(style)}'; img-src data:; base-uri 'none'; form-action 'none'"/><meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" content="light dark"/><meta name="generator" content="kubetick ${data.kubetick}"/><title>${title} · kubetick</title><style>${new Markup(style)}</style></head>
<body class="no-script"><a class="skip" href="#main">Skip to the verdict</a>
<header class="top"><div class="top-inner"><span class="brand" aria-hidden="true">kubetick</span><span class="top-title">${title}</span><button type="button" id="theme" class="script-only" aria-label="Colours: as the system">◐</button></div></header>
<div class="layout"><nav aria-label="Sections"><ol>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ol></nav>
<main id="main" tabindex="-1">${hero(data)}${sections.map(
    ({ id, title: name, body }) =>
      html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${name}</h2>${body}</section>`,
  )}</main></div>
<footer><p>Made by kubetick ${data.kubetick}. One file, no network: keep it, mail it, print it.</p></footer>
${jsonBlock('report-data', payload(data, panels))}
<script>${new Markup(script)}</script>
</body></html>
`;
  return page.text;
}

const hash = (text: string): string => `sha256-${createHash('sha256').update(text).digest('base64')}`;

function sectionsOf(data: ReportData, panels: Panels): Section[] {
  const compared = comparison(data);
  const several = data.variants.length > 1;
  const detail = data.variants.find((variant) => variant.detail !== null)?.detail;
  const which =
    detail == null || (!several && data.variants[0]!.runs.length === 1)
      ? ''
      : `Replication ${detail.replication}${several ? ' of each variant' : ''}.`;
  return [
    { id: 'verdict', title: 'Expectations', body: verdicts(data) },
    { id: 'numbers', title: 'Five numbers', body: numbers(data) },
    ...(compared === null ? [] : [{ id: 'comparison', title: 'Comparison', body: compared }]),
    { id: 'series-section', title: 'Over time', body: series(panels, which) },
    { id: 'distributions', title: 'Distributions', body: distributions(data) },
    { id: 'path', title: 'Where time goes', body: path(data) },
    { id: 'nodes', title: 'Nodes', body: nodes(data) },
    { id: 'control-plane', title: 'Control plane', body: controlPlane(data) },
    { id: 'loss', title: 'What the model left out', body: loss(data) },
    { id: 'repeat', title: 'Repeat it', body: repeat(data) },
  ];
}

/** The headline: what it is, the verdict, and what was run. */
function hero(data: ReportData): Markup {
  const { variants, experiments } = data;
  const verdict = overall(data);
  const left = lossCount(data);
  const signs = { holds: '✓', fails: '✕', none: '–' } as const;
  return html`<div class="hero ${verdict}"><p class="kicker">${experiments.length > 1 ? 'Experiments' : 'Experiment'}</p><h1>${experiments.join(', ')}</h1><p class="verdict-line"><span class="sign" aria-hidden="true">${signs[verdict]}</span> ${verdictSentence(data)}</p><dl class="facts">${facts(
    data,
  ).map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>${
    left > 0
      ? html`<p class="warn-line"><a href="#loss">${left} part${left === 1 ? '' : 's'} of the input had no effect</a></p>`
      : ''
  }${
    variants.length > 1
      ? html`<p class="muted">${variants.length} variants: ${variants
          .slice(0, 8)
          .map(({ label }) => label)
          .join(' · ')}${variants.length > 8 ? ' · …' : ''}. The first is the baseline.</p>`
      : ''
  }${
    data.notes.length > 0
      ? html`<ul class="notes">${data.notes.map((note) => html`<li>${note}</li>`)}</ul>`
      : ''
  }</div>`;
}

function facts({ variants }: ReportData): [string, string][] {
  const runs = variants.flatMap((variant) => variant.runs);
  const first = runs[0]!;
  const of = (metric: string): string => {
    const known = runs.flatMap((run) => run.metrics.get(metric) ?? []);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    if (known.length === 0) return '–';
    return low === high ? grouped(low) : `${grouped(low)} to ${grouped(high)}`;
  };
  const seconds = runs.flatMap((run) => run.metrics.get('virtualSeconds') ?? []);
  const [short, long] = [Math.min(...seconds), Math.max(...seconds)];
  const seeds = [...new Set(runs.map(({ seed }) => String(seed)))];
  const replications = [...new Set(variants.map((variant) => variant.runs.length))].sort((a, b) => a - b);
  return [
    [
      'runs',
      variants.length > 1
        ? `${runs.length}: ${variants.length} variants × ${replications.join(' or ')}`
        : `${runs.length}`,
    ],
    ['virtual time', short === long ? humanSeconds(long) : `${humanSeconds(short)} to ${humanSeconds(long)}`],
    ['nodes, at most', of('nodes.peak')],
    ['pods created', of('pods.created')],
    ['seed', seeds.slice(0, 3).join(', ') + (seeds.length > 3 ? ', …' : '')],
    ...(runs.length === 1 ? [['fingerprint', first.fingerprint] as [string, string]] : []),
  ];
}

/** What the script draws. Times in ms, values with the digits that a screen shows. */
function payload({ variants }: ReportData, { pool, groups }: Panels): unknown {
  const digits = (value: number): number | null =>
    Number.isFinite(value) ? Number(value.toPrecision(5)) : null;
  return {
    pool: pool.map(({ seconds, values }) => ({
      t: seconds.map((one) => Math.round(one * 1000)),
      v: values.map(digits),
    })),
    groups,
    placements: variants.flatMap(({ label, detail }) => {
      if (detail?.placement == null) return [];
      const { totals, pods, nodes: count, cells, ...grid } = detail.placement;
      return [
        {
          label,
          ...grid,
          cells: cells.map(({ name, nodes: n, zone }) => [name, n, zone]),
          totals: Object.fromEntries(
            Object.entries(totals).map(([layer, list]) => [layer, list.map(digits)]),
          ),
          pods: pods.map(digits),
          nodes: count.map(digits),
        },
      ];
    }),
  };
}

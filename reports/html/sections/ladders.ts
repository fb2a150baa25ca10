// Latencies as ladders: of each the median, p90, p99 and the slowest on one logarithmic axis, a row a variant.
import { humanSeconds } from '../../units.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportVariant } from '../model.ts';
import { axisRow, colourOf, legend, percent, rowGrid } from '../plot.ts';
import { logarithmic, type Scale } from '../scale.ts';

/** Variants of which a ladder is drawn. */
const RUNGS_MAX = 6;
const QUANTILES = ['p50', 'p90', 'p99', 'max'] as const;

interface Ladder {
  readonly name: string;
  readonly about: string;
  readonly rungs: readonly {
    readonly label: string;
    readonly colour: string;
    readonly values: readonly number[];
  }[];
}

/** Names of the latencies that any run has observed, without `latency.`, sorted. */
export function latencyNames(variants: readonly ReportVariant[]): string[] {
  const names = new Set<string>();
  for (const { runs } of variants)
    for (const { metrics } of runs)
      for (const metric of metrics.keys()) {
        const found = /^latency\.(.*)\.p99$/.exec(metric);
        if (found !== null) names.add(found[1]!);
      }
  return [...names].sort();
}

/** Mean over the runs that have observed the metric; NaN: none has. */
export function meanOf({ runs }: ReportVariant, metric: string): number {
  const known = runs.flatMap(({ metrics }) => metrics.get(metric) ?? []);
  return known.length === 0 ? Number.NaN : known.reduce((a, b) => a + b, 0) / known.length;
}

/** Null where none of them was observed. */
export function ladders(
  variants: readonly ReportVariant[],
  wanted: readonly (readonly [name: string, about: string])[],
): Markup | null {
  const found = wanted
    .map(([name, about]) => ladderOf(name, about, variants))
    .filter(({ rungs }) => rungs.length > 0);
  if (found.length === 0) return null;
  const all = found
    .flatMap(({ rungs }) => rungs.flatMap(({ values }) => values))
    .filter((value) => value > 0);
  const scale = logarithmic(Math.min(...all, 1), Math.max(...all, 1e-3));
  const several = variants.length > 1;
  return html`<div class="ladders">${found.map(
    ({ name, about, rungs }) =>
      html`<div class="ladder"><div class="ladder-name"><code>${name}</code><small>${about}</small></div><div class="ladder-rows">${rungs.map(
        (rung) => rungRow(rung, scale, name),
      )}</div><div class="ladder-text num">${
        several ? '' : html`${humanSeconds(rungs[0]!.values[0]!)} · ${humanSeconds(rungs[0]!.values[2]!)}`
      }</div></div>`,
  )}<div class="ladder"><div></div>${axisRow(scale)}<div class="ladder-text num">${several ? '' : 'p50 · p99'}</div></div></div>${
    several
      ? legend(variants.slice(0, RUNGS_MAX).map(({ label }, i) => ({ name: label, colour: colourOf(i) })))
      : ''
  }`;
}

function ladderOf(name: string, about: string, variants: readonly ReportVariant[]): Ladder {
  const rungs = variants.slice(0, RUNGS_MAX).flatMap((variant, i) => {
    const values = QUANTILES.map((quantile) => meanOf(variant, `latency.${name}.${quantile}`));
    return values.some(Number.isNaN) ? [] : [{ label: variant.label, colour: colourOf(i), values }];
  });
  return { name, about, rungs };
}

function rungRow({ label, colour, values }: Ladder['rungs'][number], scale: Scale, name: string): Markup {
  const [p50, p90, p99, max] = values.map((value) => percent(Math.min(1, Math.max(0, scale.at(value)))));
  const said = QUANTILES.map((quantile, i) => `${quantile} ${humanSeconds(values[i]!)}`).join(', ');
  return html`<svg class="rung ${colour}" width="100%" height="18" role="img" aria-label="${name}, ${label}: ${said}">${rowGrid(scale)}<line class="thin" x1="${p50}" x2="${max}" y1="9" y2="9"/><line class="thick" x1="${p50}" x2="${p99}" y1="9" y2="9"/><line class="mark" x1="${p90}" x2="${p90}" y1="4" y2="14"/><line class="mark" x1="${p99}" x2="${p99}" y1="2" y2="16"/><circle cx="${p50}" cy="9" r="4"/><title>${label}: ${said}</title></svg>`;
}

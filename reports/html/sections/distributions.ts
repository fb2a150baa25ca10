// How long things take, as distributions: what share of pods has started after how long, and ladders of quantiles.
import type { Histogram } from '../../../engine/metrics/histogram.ts';
import { grouped, humanSeconds } from '../../units.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData, ReportVariant } from '../model.ts';
import { axisRow, colourOf, type Line, legend, linePlot, percent, rowGrid } from '../plot.ts';
import { logarithmic, type Scale } from '../scale.ts';

const VARIANTS_MAX = 8;
/** Ladders are drawn of so many variants. */
const RUNGS_MAX = 6;
const QUANTILES = ['p50', 'p90', 'p99', 'max'] as const;

/** In the order of a pod's life, then of what others feel. */
const LATENCIES: readonly (readonly [name: string, about: string])[] = [
  ['pod.startup', 'created to seen Ready'],
  ['pod.createToSchedule', 'created to node chosen'],
  ['pod.scheduleToRun', 'node chosen to containers started'],
  ['pod.runToReady', 'containers started to Ready'],
  ['scheduler.queue', 'in the scheduling queue'],
  ['scheduler.attempt', 'one scheduling attempt'],
  ['scheduler.bind', 'decision to binding stored'],
  ['kubelet.pull', 'one image pull'],
  ['kubelet.start', 'kubelet sees the pod to containers started'],
  ['volume.provision', 'claim seen to volume made'],
  ['volume.attach', 'attachment asked for to attached'],
  ['volume.mount', 'volumes asked for to mounted'],
  ['service.programming', 'endpoints changed to rules changed'],
];
const STREAMS_MAX = 6;

export function distributions(data: ReportData): Markup {
  return html`${ecdf(data)}${ladders(data)}`;
}

/** Shares at which the curve is read: closer together where it ends. */
const SHARES: readonly number[] = [
  ...Array.from({ length: 90 }, (_, i) => i + 1),
  ...Array.from({ length: 36 }, (_, i) => 90 + (i + 1) / 4),
  ...Array.from({ length: 9 }, (_, i) => 99 + (i + 1) / 10),
  99.95,
  99.99,
  100,
];

function ecdf({ variants }: ReportData): Markup {
  const drawn = variants
    .map((variant, i) => ({ ...variant, colour: colourOf(i) }))
    .filter(({ starts }) => starts !== null && starts.starts.count > 0)
    .slice(0, VARIANTS_MAX);
  if (drawn.length === 0)
    return html`<p class="empty">No pod was seen Ready${variants.every(({ starts }) => starts === null) ? ', or the runs have not kept pods.csv' : ''}: there are no start-up times to draw.</p>`;
  const all = drawn.map(({ starts }) => starts!.starts);
  const x = logarithmic(Math.min(...all.map((h) => h.min)) / 1e6, Math.max(...all.map((h) => h.max)) / 1e6);
  const y: Scale = {
    at: (share) => share,
    ticks: [0, 0.25, 0.5, 0.75, 0.9, 1].map((at) => ({ at, value: at, text: `${Math.round(at * 100)} %` })),
    from: 0,
    to: 1,
  };
  const lines = drawn.map(({ label, starts, colour }) => curve(label, colour, starts!.starts));
  return html`<h3>Pods started after so long</h3><figure class="chart">${linePlot({
    label: `Share of pods that were Ready after a time, ${drawn.map(({ label }) => label).join(', ')}`,
    lines,
    x,
    y,
    height: 260,
    steps: true,
    xTitle: 'created to seen Ready, logarithmic',
  })}</figure>${drawn.length > 1 ? legend(lines) : ''}${table(drawn)}`;
}

function curve(name: string, colour: string, starts: Histogram): Line {
  const x = [starts.min / 1e6];
  const y = [0];
  for (const share of SHARES) {
    x.push(starts.percentile(share) / 1e6);
    y.push(share / 100);
  }
  return { name, colour, x, y };
}

function table(drawn: readonly (ReportVariant & { readonly colour: string })[]): Markup {
  const at = [50, 75, 90, 95, 99, 99.9];
  return html`<div class="table-box"><table><thead><tr><th scope="col">All runs together</th><th scope="col" class="num">pods</th>${at.map(
    (share) => html`<th scope="col" class="num">p${share}</th>`,
  )}<th scope="col" class="num">max</th><th scope="col" class="num">never Ready</th></tr></thead><tbody>${drawn.map(
    ({ label, starts, colour }) =>
      html`<tr><th scope="row"><span class="swatch ${colour}"></span>${label}</th><td class="num">${grouped(starts!.starts.count)}</td>${at.map(
        (share) => html`<td class="num">${humanSeconds(starts!.starts.percentile(share) / 1e6)}</td>`,
      )}<td class="num">${humanSeconds(starts!.starts.max / 1e6)}</td><td class="num">${grouped(starts!.pods - starts!.starts.count)}</td></tr>`,
  )}</tbody></table></div>`;
}

interface Ladder {
  readonly name: string;
  readonly about: string;
  readonly rungs: readonly {
    readonly label: string;
    readonly colour: string;
    readonly values: readonly number[];
  }[];
}

function ladders({ variants }: ReportData): Markup {
  const streams = new Set<string>();
  for (const { runs } of variants)
    for (const run of runs)
      for (const name of run.metrics.keys()) {
        const found = /^latency\.(request\.latency\..*)\.p99$/.exec(name);
        if (found !== null) streams.add(found[1]!);
      }
  const wanted = [
    ...LATENCIES,
    ...[...streams]
      .sort()
      .slice(0, STREAMS_MAX)
      .map((name) => [name, 'request sent to answer'] as const),
  ];
  const found = wanted
    .map(([name, about]) => ladderOf(name, about, variants))
    .filter(({ rungs }) => rungs.length > 0);
  if (found.length === 0) return html``;
  const all = found
    .flatMap(({ rungs }) => rungs.flatMap(({ values }) => values))
    .filter((value) => value > 0);
  const scale = logarithmic(Math.min(1e-3, ...all), Math.max(1, ...all));
  const several = variants.length > 1;
  return html`<h3>Quantiles, step by step</h3><p class="muted">From the median (circle) over p90 and p99 (marks) to the slowest (end of the thin line); means over replications, logarithmic.</p><div class="ladders">${found.map(
    ({ name, about, rungs }) =>
      html`<div class="ladder"><div class="ladder-name"><code>${name}</code><small>${about}</small></div><div class="ladder-rows">${rungs.map(
        (rung) => rungRow(rung, scale, name),
      )}</div><div class="ladder-text">${several ? '' : html`${humanSeconds(rungs[0]!.values[0]!)} · ${humanSeconds(rungs[0]!.values[2]!)}`}</div></div>`,
  )}<div class="ladder"><div></div>${axisRow(scale)}<div class="ladder-text">${several ? '' : 'p50 · p99'}</div></div></div>${
    several
      ? legend(variants.slice(0, RUNGS_MAX).map(({ label }, i) => ({ name: label, colour: colourOf(i) })))
      : ''
  }`;
}

function ladderOf(name: string, about: string, variants: readonly ReportVariant[]): Ladder {
  const rungs = variants.slice(0, RUNGS_MAX).flatMap(({ label, runs }, i) => {
    const values = QUANTILES.map((quantile) => {
      const known = runs
        .map((run) => run.metrics.get(`latency.${name}.${quantile}`))
        .filter((value): value is number => value !== undefined);
      return known.length === 0 ? Number.NaN : known.reduce((a, b) => a + b, 0) / known.length;
    });
    return values.some(Number.isNaN) ? [] : [{ label, colour: colourOf(i), values }];
  });
  return { name, about, rungs };
}

function rungRow({ label, colour, values }: Ladder['rungs'][number], scale: Scale, name: string): Markup {
  const [p50, p90, p99, max] = values.map((value) => percent(Math.min(1, Math.max(0, scale.at(value)))));
  const said = QUANTILES.map((quantile, i) => `${quantile} ${humanSeconds(values[i]!)}`).join(', ');
  return html`<svg class="rung ${colour}" width="100%" height="18" role="img" aria-label="${name}, ${label}: ${said}">${rowGrid(scale)}<line class="thin" x1="${p50}" x2="${max}" y1="9" y2="9"/><line class="thick" x1="${p50}" x2="${p99}" y1="9" y2="9"/><line class="mark" x1="${p90}" x2="${p90}" y1="4" y2="14"/><line class="mark" x1="${p99}" x2="${p99}" y1="2" y2="16"/><circle cx="${p50}" cy="9" r="4"/><title>${label}: ${said}</title></svg>`;
}

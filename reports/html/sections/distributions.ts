// How long things take, as distributions: what share of pods has started after how long, and ladders of quantiles.
import type { Histogram } from '../../../engine/metrics/histogram.ts';
import { grouped, humanSeconds } from '../../units.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData, ReportVariant } from '../model.ts';
import { colourOf, type Line, legend, linePlot } from '../plot.ts';
import { logarithmic, type Scale } from '../scale.ts';
import { ladders, latencyNames } from './ladders.ts';

const VARIANTS_MAX = 8;

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
  return html`${ecdf(data)}${latencies(data)}`;
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
  return html`<h3>Pods started after so long</h3>${warmUp(variants)}<figure class="chart">${linePlot({
    label: `Share of pods that were Ready after a time, ${drawn.map(({ label }) => label).join(', ')}`,
    lines,
    x,
    y,
    height: 260,
    steps: true,
    xTitle: 'created to seen Ready, logarithmic',
  })}</figure>${drawn.length > 1 ? legend(lines) : ''}${table(drawn)}`;
}

/** The figures of a summary leave the warm-up out, the table of pods does not. */
function warmUp(variants: readonly ReportVariant[]): Markup | string {
  const seconds = Math.max(0, ...variants.map(({ detail }) => detail?.warmUpSeconds ?? 0));
  return seconds === 0
    ? ''
    : html`<p class="muted">All pods of the runs, those of the warm-up (${humanSeconds(seconds)}) included; the five numbers and the comparison leave it out.</p>`;
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

/** Latencies in the order of a pod's life, then of requests to Services. */
function latencies({ variants }: ReportData): Markup {
  const streams = latencyNames(variants)
    .filter((name) => name.startsWith('request.latency.'))
    .slice(0, STREAMS_MAX);
  const wanted = [...LATENCIES, ...streams.map((name) => [name, 'request sent to answer'] as const)];
  const drawn = ladders(variants, wanted);
  return drawn === null
    ? html``
    : html`<h3>Quantiles, step by step</h3><p class="muted">From the median (circle) over p90 and p99 (marks) to the slowest (end of the thin line); means over replications, logarithmic.</p>${drawn}`;
}

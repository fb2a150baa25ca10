// Where the time of pods' starts goes: the phases of the critical path as stacked bars, of the mean pod, of fast and slow
// ones, and of the workloads with the most time; and the pods to look at.
import { PHASES } from '../../../engine/metrics/phases.ts';
import { grouped, humanSeconds } from '../../units.ts';
import { breakable, html, type Markup } from '../markup.ts';
import type { ReportData, ReportVariant, RunDetail } from '../model.ts';
import { PHASE_COLOUR } from '../phase-colours.ts';
import { axisRow, percent } from '../plot.ts';
import { linear, type Scale } from '../scale.ts';
import type { PhaseBar } from '../start-digest.ts';
import { quotedWord } from '../words.ts';

const VARIANTS_MAX = 8;
const WORKLOADS = 8;
/** Variants whose parts are shown without being asked for. */
const OPEN_MAX = 2;

export function path(data: ReportData): Markup {
  const drawn = data.variants
    .filter(({ starts }) => starts !== null && starts.starts.count > 0)
    .slice(0, VARIANTS_MAX);
  if (drawn.length === 0)
    return html`<p class="empty">No pod was seen Ready: there is no start to take apart.</p>`;
  const several = data.variants.length > 1;
  const used = PHASES.map((_, i) =>
    drawn.some(({ starts }) => starts!.classes().some(({ seconds }) => seconds[i]! > 0)),
  );
  return html`<p>Phases follow each other without gap or overlap: the parts of a bar add up to the mean start of its pods, which stands beside it.</p><ul class="legend phases">${PHASES.map(
    ({ name, help }, i) =>
      used[i] ? html`<li title="${help}"><span class="swatch ${PHASE_COLOUR[name]}"></span>${name}</li>` : '',
  )}</ul>${several ? means(drawn) : ''}${classes(drawn, several)}${workloads(drawn[0]!, several)}${slowest(data)}`;
}

const SHARES: Scale = {
  at: (share) => share,
  ticks: [0, 0.25, 0.5, 0.75, 1].map((at) => ({ at, value: at, text: `${at * 100} %` })),
  from: 0,
  to: 1,
};

const total = ({ seconds }: PhaseBar): number => seconds.reduce((sum, one) => sum + one, 0);

/** Of few variants one after the other, of more folded. */
function classes(drawn: readonly ReportVariant[], several: boolean): Markup {
  const all = drawn.map(
    ({ label, starts }) =>
      html`${several ? html`<h3>${label}: fast and slow pods</h3>` : ''}${bars(starts!.classes(), 'Pods by how long their start took', true)}`,
  );
  return drawn.length > OPEN_MAX
    ? html`<details><summary>Fast and slow pods of each variant</summary>${all}</details>`
    : html`${all}`;
}

/** The mean pods of variants on one axis. */
function means(drawn: readonly ReportVariant[]): Markup {
  const rows = drawn.map(({ label, starts }) => ({ ...starts!.classes()[0]!, name: label }));
  return html`<h3>Mean pods side by side</h3>${bars(rows, 'Mean pod of each variant')}`;
}

function workloads({ label, starts }: ReportVariant, several: boolean): Markup | string {
  const rows = starts!.workloads(WORKLOADS);
  if (rows.length < 2) return '';
  return html`<details><summary>By workload${several ? `, ${label}` : ''}: those with the most time in all</summary>${bars(rows, 'Mean pod of each workload')}</details>`;
}

/** Bars on one axis of seconds; or, as shares, each over the whole width: then the text tells how long it is. */
function bars(rows: readonly PhaseBar[], label: string, shares = false): Markup {
  const scale = shares ? SHARES : linear('seconds', Math.max(...rows.map(total)), 6);
  return html`<div class="bars" role="group" aria-label="${label}">${rows.map(
    (row) =>
      html`<div class="bar"><div class="bar-name">${breakable(row.name)}<small>${grouped(row.pods)} pods</small></div>${stack(row, shares ? total(row) : 1, scale)}<div class="bar-text num">${humanSeconds(total(row))}</div></div>`,
  )}<div class="bar"><div></div>${axisRow(scale)}<div></div></div></div><details class="as-table"><summary>As a table</summary>${table(rows)}</details>`;
}

/** @param whole what the seconds are divided by */
function stack(row: PhaseBar, whole: number, scale: Scale): Markup {
  let from = 0;
  const said = row.seconds
    .map((seconds, i) => ({ seconds, name: PHASES[i]!.name }))
    .filter(({ seconds }) => seconds > 0)
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 4)
    .map(({ seconds, name }) => `${name} ${humanSeconds(seconds)}`);
  return html`<svg class="stack" width="100%" height="24" role="img" aria-label="${row.name}: ${humanSeconds(total(row))}, most of it ${said.join(', ')}">${row.seconds.map(
    (seconds, i) => {
      if (seconds <= 0) return '';
      const x = from;
      from += seconds;
      return html`<rect class="${PHASE_COLOUR[PHASES[i]!.name]}" x="${percent(scale.at(x / whole))}" width="${percent(scale.at(seconds / whole))}" y="2" height="20"><title>${PHASES[i]!.name}: ${humanSeconds(seconds)}</title></rect>`;
    },
  )}</svg>`;
}

function table(rows: readonly PhaseBar[]): Markup {
  const used = PHASES.map((_, i) => i).filter((i) => rows.some(({ seconds }) => seconds[i]! > 0));
  return html`<div class="table-box"><table><thead><tr><th scope="col">Mean of</th>${used.map(
    (i) => html`<th scope="col" class="num">${PHASES[i]!.name}</th>`,
  )}<th scope="col" class="num">whole</th></tr></thead><tbody>${rows.map(
    (row) =>
      html`<tr><th scope="row">${row.name}</th>${used.map(
        (i) => html`<td class="num">${row.seconds[i]! > 0 ? humanSeconds(row.seconds[i]!) : '–'}</td>`,
      )}<td class="num">${humanSeconds(total(row))}</td></tr>`,
  )}</tbody></table></div>`;
}

/** Of each variant looked at closely: why pods are pending, and the slowest pods with the command that explains them. */
function slowest({ variants }: ReportData): Markup {
  const found = variants.flatMap(({ label, detail }) => (detail === null ? [] : [{ label, detail }]));
  const several = variants.length > 1;
  const pending = found.filter(({ detail }) => detail.pending.length > 0);
  const slow = found.filter(({ detail }) => detail.slowest.length > 0);
  return html`${
    pending.length === 0
      ? ''
      : html`<h3>Why pods are pending at the end</h3><div class="table-box"><table><tbody>${pending.map(
          ({ label, detail }) =>
            detail.pending.map(
              ([reason, pods]) =>
                html`<tr>${several ? html`<th scope="row">${breakable(label)}</th>` : ''}<td class="num">${grouped(pods)}</td><td class="reason">${reason}</td></tr>`,
            ),
        )}</tbody></table></div>`
  }${
    slow.length === 0
      ? ''
      : html`<details><summary>The slowest pods, and how to have them explained</summary>${slow.map(
          ({ label, detail }) =>
            html`<h4>${several ? `${label}, ` : ''}replication ${detail.replication}</h4>${slowTable(detail)}`,
        )}</details>`
  }`;
}

function slowTable({ slowest: pods, directory }: RunDetail): Markup {
  return html`<div class="table-box"><table><thead><tr><th scope="col">Pod</th><th scope="col" class="num">created at</th><th scope="col" class="num">start</th><th scope="col">longest phase</th><th scope="col">why</th></tr></thead><tbody>${pods.map(
    (pod) =>
      html`<tr><th scope="row">${pod.pod}</th><td class="num">${humanSeconds(pod.createdSeconds)}</td><td class="num">${humanSeconds(pod.startSeconds)}</td><td>${pod.phase} ${humanSeconds(pod.phaseSeconds)}</td><td><code>kubetick explain ${quotedWord(directory)} ${quotedWord(`pod/${pod.pod}`)}</code></td></tr>`,
  )}</tbody></table></div>`;
}

// Time series: places for the charts of the page's script, and the same as drawings for print and for readers without it.
import { html, type Markup } from '../markup.ts';
import type { Panel, PanelGroup, Panels } from '../panels.ts';
import { legend, linePlot } from '../plot.ts';
import { captionOf, linear, valueScale } from '../scale.ts';

export function series(panels: Panels, replication: string): Markup {
  const [first] = panels.groups;
  if (first === undefined || panels.groups.every((group) => group.panels.length === 0))
    return html`<p class="empty">The runs have no tables to draw time series from: there is no pods.csv and no timeseries.csv beside summary.json.</p>`;
  return html`<p class="screen-only">${replication} Move over a chart to read all of them at one time; drag to zoom, double-click to see all again. With the keyboard: Tab to a chart, arrow keys move the cursor, Home and End jump, Escape leaves.</p>${
    panels.groups.length > 1 ? choice(panels) : ''
  }<p id="series-readout" class="sr-only" aria-live="polite"></p><div id="series" class="panels">${first.panels.map((panel) => drawn(panel, first, panels))}</div>${
    first.marks.length > 0 ? marks(first) : ''
  }`;
}

function choice({ groups }: Panels): Markup {
  return html`<fieldset class="choice script-only"><legend>Show</legend>${groups.map(
    ({ label }, i) =>
      html`<label><input type="radio" name="series-group" value="${i}"${i === 0 ? html` checked` : ''}/>${label}</label>`,
  )}</fieldset>`;
}

function drawn(
  { title, about, unit, steps, lines }: Panel,
  { endSeconds, marks: done }: PanelGroup,
  { pool }: Panels,
): Markup {
  const x = linear('seconds', endSeconds, 6, true);
  const y = valueScale(
    unit,
    lines.flatMap(({ at }) => pool[at]!.values),
  );
  return html`<figure class="panel static"><figcaption><b>${title}</b> <span class="muted">${captionOf(unit, about, y.log)}</span></figcaption><div class="chart">${linePlot(
    {
      label: `${title} over ${lines.map(({ name }) => name).join(', ')}`,
      lines: lines.map(({ name, colour, at }) => ({
        name,
        colour,
        x: pool[at]!.seconds,
        y: pool[at]!.values,
      })),
      x,
      y,
      height: 150,
      steps,
      xTitle: '',
      marks: done.map(({ seconds }) => seconds),
    },
  )}</div>${legend(lines)}</figure>`;
}

function marks({ marks: list }: PanelGroup): Markup {
  return html`<details><summary>${list.length} step${list.length === 1 ? '' : 's'} of the scenario, drawn as dashed lines</summary><ol class="marks">${list.map(
    ({ seconds, text }) => html`<li><span class="num">${seconds} s</span> ${text}</li>`,
  )}</ol></details>`;
}

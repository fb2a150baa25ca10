// Placement over time: a grid of nodes that a scrubber replays, and a heat map of nodes against time. Both are drawn by the
// page's script; what stands here are their places, their controls and a table for everyone.

import { grouped, humanSeconds } from '../../units.ts';
import { decodeShare } from '../codec.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData, ReportVariant } from '../model.ts';
import { LAYERS, type Layer, type PlacementGrid } from '../placement.ts';

const LAYER_TEXT: Readonly<Record<Layer, string>> = {
  cpu: 'CPU requested',
  memory: 'Memory requested',
  pods: 'Pods of what a node takes',
};

export function nodes({ variants }: ReportData): Markup {
  const drawn = variants.filter(({ detail }) => detail !== null && detail.placement !== null);
  if (drawn.length === 0)
    return html`<p class="empty">The runs have no nodes, or have not kept nodes.csv: there is no placement to show.</p>`;
  const [first] = drawn;
  const grid = first!.detail!.placement!;
  const binned = grid.cells.some((cell) => cell.nodes > 1);
  return html`<div class="replay script-only"><div class="controls"><fieldset class="choice"><legend>Show</legend>${LAYERS.map(
    (layer, i) =>
      html`<label><input type="radio" name="placement-layer" value="${layer}"${i === 0 ? html` checked` : ''}/>${LAYER_TEXT[layer]}</label>`,
  )}</fieldset>${
    drawn.length > 1
      ? html`<fieldset class="choice"><legend>Variant</legend>${drawn.map(
          ({ label }, i) =>
            html`<label><input type="radio" name="placement-variant" value="${i}"${i === 0 ? html` checked` : ''}/>${label}</label>`,
        )}</fieldset>`
      : ''
  }</div><div class="scrubber"><button type="button" id="placement-play" aria-pressed="false" aria-label="Replay">▶</button><input type="range" id="placement-time" min="0" max="${grid.frames - 1}" value="0" step="1" aria-label="Time of the run" aria-describedby="placement-said"/><output id="placement-clock" for="placement-time" class="num"></output></div><p id="placement-said" class="said" aria-live="off"></p><canvas id="placement-grid" role="img" aria-label="Nodes as squares, coloured by how full they are"></canvas><div class="heat-key"><span>0 %</span><canvas id="placement-key" width="160" height="10" aria-hidden="true"></canvas><span>100 %</span><span class="absent-key"></span><span>not in the cluster</span></div><h3>All nodes over all time</h3><canvas id="placement-heat" role="img" aria-label="Heat map: a row for each node, time from left to right"></canvas><p class="muted">${
    binned
      ? `${grouped(first!.detail!.nodes)} nodes are drawn as ${grid.cells.length} groups of neighbours by zone and time of joining; each cell`
      : 'Each cell'
  } is a mean over ${humanSeconds(grid.frameSeconds)}. Click the map to go to a time.</p></div><noscript><p class="empty">The replay needs the script of this page; the table below does not.</p></noscript><details><summary>Fullest and emptiest nodes</summary>${drawn.map((variant) => table(variant, variants.length > 1))}</details>`;
}

interface Filled {
  readonly name: string;
  readonly nodes: number;
  readonly mean: number;
  readonly peak: number;
  readonly peakAt: number;
}

/** Fullest and emptiest nodes (or groups of nodes), by CPU. */
function table({ label, detail }: ReportVariant, several: boolean): Markup {
  const grid = detail!.placement!;
  const filled = grid.cells
    .map((cell, i): Filled => filledOf(grid, i, cell))
    .filter(({ mean }) => !Number.isNaN(mean))
    .sort((a, b) => b.mean - a.mean);
  const shown = filled.length <= 10 ? filled : [...filled.slice(0, 5), ...filled.slice(-5)];
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  return html`${several ? html`<h4>${label}</h4>` : ''}<div class="table-box"><table><thead><tr><th scope="col">Node</th><th scope="col" class="num">nodes</th><th scope="col" class="num">CPU, mean</th><th scope="col" class="num">CPU, fullest</th><th scope="col" class="num">at</th></tr></thead><tbody>${shown.map(
    ({ name, nodes: count, mean, peak, peakAt }) =>
      html`<tr><th scope="row">${name}</th><td class="num">${count}</td><td class="num">${percent(mean)}</td><td class="num">${percent(peak)}</td><td class="num">${humanSeconds(peakAt)}</td></tr>`,
  )}</tbody></table></div>`;
}

function filledOf(
  grid: PlacementGrid,
  at: number,
  { name, nodes: count }: { name: string; nodes: number },
): Filled {
  let [sum, frames, peak, peakAt] = [0, 0, 0, 0];
  for (let frame = 0; frame < grid.frames; frame++) {
    const share = decodeShare(grid.shares.cpu, frame * grid.cells.length + at);
    if (Number.isNaN(share)) continue;
    sum += share;
    frames++;
    if (share > peak) [peak, peakAt] = [share, frame * grid.frameSeconds];
  }
  return { name, nodes: count, mean: frames === 0 ? Number.NaN : sum / frames, peak, peakAt };
}

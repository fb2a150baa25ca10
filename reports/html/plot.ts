// Drawings as SVG without a script: lines over two axes, and rows with marks on one. Positions are shares of the width, so
// that text keeps its size on every screen; colours are classes, so that they follow light and dark.
import { html, type Markup } from './markup.ts';
import type { Scale } from './scale.ts';

export interface Line {
  readonly name: string;
  /** Class of its colour: `s0` to `s7`. */
  readonly colour: string;
  /** x and y; NaN in y: a gap. */
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface LinePlot {
  /** What it shows, for those who do not see it. */
  readonly label: string;
  readonly lines: readonly Line[];
  readonly x: Scale;
  readonly y: Scale;
  /** CSS pixels. */
  readonly height: number;
  /** Values hold until the next point, the last one until the end of the axis. */
  readonly steps: boolean;
  readonly xTitle: string;
  /** Dashed lines across, at these values of x. */
  readonly marks?: readonly number[];
}

/** Inner coordinates of paths: fine enough for print, short as text. */
const FINE = 2000;

export const percent = (share: number): string => `${Number((share * 100).toFixed(2))}%`;

/** Lines over two axes. */
export function linePlot({ label, lines, x, y, height, steps, xTitle, marks = [] }: LinePlot): Markup {
  return html`<svg class="plot" width="100%" height="${height}" role="img" aria-label="${label}">${y.ticks.map(
    ({ at, text }) =>
      html`<line class="grid" x1="0" x2="100%" y1="${percent(1 - at)}" y2="${percent(1 - at)}"/><text class="tick" x="-8" y="${percent(1 - at)}" dy="0.32em" text-anchor="end">${text}</text>`,
  )}${x.ticks.map(
    ({ at, text }) =>
      html`<line class="grid" x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="100%"/><text class="tick" x="${percent(at)}" y="100%" dy="18" text-anchor="middle">${text}</text>`,
  )}<line class="axis" x1="0" x2="100%" y1="100%" y2="100%"/>${marks.map(
    (value) =>
      html`<line class="done" x1="${percent(x.at(value))}" x2="${percent(x.at(value))}" y1="0" y2="100%"/>`,
  )}<svg width="100%" height="100%" viewBox="0 0 ${FINE} ${FINE}" preserveAspectRatio="none">${lines.map(
    (line) => html`<path class="line ${line.colour}" d="${pathOf(line, x, y, steps)}"/>`,
  )}</svg><text class="title" x="100%" y="100%" dy="34" text-anchor="end">${xTitle}</text></svg>`;
}

function pathOf({ x: xs, y: ys }: Line, x: Scale, y: Scale, steps: boolean): string {
  const fine = (share: number): number => Math.round(Math.min(1, Math.max(0, share)) * FINE);
  let path = '';
  let open = false;
  let [lastX, lastY] = [-1, -1];
  for (const [i, value] of ys.entries()) {
    if (Number.isNaN(value)) {
      open = false;
      continue;
    }
    const [px, py] = [fine(x.at(xs[i]!)), fine(1 - y.at(value))];
    // A point alone is drawn as a dot: a line of no length with round ends.
    if (!open) path += `M${px} ${py}h0`;
    else if (px === lastX && py === lastY) continue;
    else if (steps) path += `${px === lastX ? '' : `H${px}`}${py === lastY ? '' : `V${py}`}`;
    else path += `L${px} ${py}`;
    open = true;
    [lastX, lastY] = [px, py];
  }
  return steps && open && lastX < FINE ? `${path}H${FINE}` : path;
}

/** Names of lines with their colours. */
export function legend(entries: readonly { readonly name: string; readonly colour: string }[]): Markup {
  return html`<ul class="legend">${entries.map(
    ({ name, colour }) => html`<li><span class="swatch ${colour}"></span>${name}</li>`,
  )}</ul>`;
}

/** The axis that stands below (or above) rows of marks. */
export function axisRow(scale: Scale): Markup {
  return html`<svg class="axis-row" width="100%" height="20" aria-hidden="true">${scale.ticks.map(
    ({ at, text }) =>
      html`<text class="tick" x="${percent(at)}" y="14" text-anchor="${at < 0.04 ? 'start' : at > 0.96 ? 'end' : 'middle'}">${text}</text>`,
  )}</svg>`;
}

/** Lines of the scale behind a row of marks. */
export function rowGrid(scale: Scale): Markup {
  return html`${scale.ticks.map(
    ({ at }) => html`<line class="grid" x1="${percent(at)}" x2="${percent(at)}" y1="0" y2="100%"/>`,
  )}`;
}

/** Colour of the n-th variant or line. */
export const colourOf = (n: number): string => `s${n % 8}`;

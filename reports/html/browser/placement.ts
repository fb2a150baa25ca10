// The replay of placement: a square a node, coloured by how full it is at the time of the slider; and the heat map of all
// nodes over all time.

import { grouped, humanSeconds } from '../../units.ts';
import { decodeShare } from '../codec.ts';
import type { Layer } from '../placement.ts';
import { linear } from '../scale.ts';
import { byId, calm, colour, onTheme, type PageData, type PagePlacement, timeChanged } from './data.ts';

/** Frames a second of the replay. */
const RATE = 12;
const GAP = 2;
/** Room beside and below the heat map. */
const GUTTER = 76;
const AXIS = 22;

export function startPlacement({ placements }: PageData): void {
  const grid = byId('placement-grid', HTMLCanvasElement);
  const heat = byId('placement-heat', HTMLCanvasElement);
  const slider = byId('placement-time', HTMLInputElement);
  const play = byId('placement-play', HTMLButtonElement);
  if (grid === null || heat === null || slider === null || play === null || placements.length === 0) return;
  const replay = new Replay(placements, { grid, heat, slider, play });
  replay.show();
}

interface Parts {
  readonly grid: HTMLCanvasElement;
  readonly heat: HTMLCanvasElement;
  readonly slider: HTMLInputElement;
  readonly play: HTMLButtonElement;
}

class Replay {
  readonly #placements: readonly PagePlacement[];
  readonly #parts: Parts;
  readonly #clock = byId('placement-clock', HTMLOutputElement);
  readonly #said = byId('placement-said', HTMLParagraphElement);
  #variant = 0;
  #layer: Layer = 'cpu';
  #frame: number;
  #timer = 0;
  #touched = false;
  #palette: string[] = [];

  constructor(placements: readonly PagePlacement[], parts: Parts) {
    this.#placements = placements;
    this.#parts = parts;
    this.#frame = fullestFrame(placements[0]!);
    const { slider, play, heat } = parts;
    slider.addEventListener('input', () => {
      this.#stop();
      this.#go(Number(slider.value));
    });
    play.addEventListener('click', () => (this.#timer === 0 ? this.#start() : this.#stop()));
    heat.addEventListener('click', (event) => {
      const share = (event.offsetX - GUTTER) / Math.max(1, heat.clientWidth - GUTTER);
      this.#stop();
      this.#go(Math.floor(share * this.#now.frames));
    });
    for (const input of document.querySelectorAll<HTMLInputElement>('input[name="placement-layer"]'))
      input.addEventListener('change', () => {
        this.#layer = input.value as Layer;
        this.show();
      });
    for (const input of document.querySelectorAll<HTMLInputElement>('input[name="placement-variant"]'))
      input.addEventListener('change', () => {
        this.#variant = Number(input.value);
        this.show();
      });
    onTheme(() => this.show());
    new ResizeObserver(() => this.show()).observe(parts.grid.parentElement!);
  }

  get #now(): PagePlacement {
    return this.#placements[this.#variant]!;
  }

  /** Everything anew: another variant, layer, width or theme. */
  show(): void {
    const { slider } = this.#parts;
    slider.max = String(this.#now.frames - 1);
    this.#palette = Array.from({ length: 64 }, (_, i) => heatColour(i / 63));
    drawKey(this.#palette);
    this.#drawHeat();
    this.#go(Math.min(this.#frame, this.#now.frames - 1), this.#touched);
  }

  #go(frame: number, touched = true): void {
    const { slider } = this.#parts;
    this.#touched = touched;
    this.#frame = Math.max(0, Math.min(this.#now.frames - 1, frame));
    slider.value = String(this.#frame);
    const text = humanSeconds(this.#frame * this.#now.frameSeconds);
    if (this.#clock !== null) this.#clock.value = text;
    const said = this.#sentence();
    if (this.#said !== null) this.#said.textContent = said;
    slider.setAttribute('aria-valuetext', `${text}: ${said}`);
    this.#drawGrid();
    this.#drawHeat();
    if (touched) timeChanged((this.#frame + 0.5) * this.#now.frameSeconds);
  }

  #start(): void {
    const { play } = this.#parts;
    if (this.#frame >= this.#now.frames - 1) this.#go(0);
    play.textContent = '❚❚';
    play.setAttribute('aria-pressed', 'true');
    this.#timer = window.setInterval(
      () => {
        if (this.#frame >= this.#now.frames - 1) this.#stop();
        else this.#go(this.#frame + 1);
      },
      (calm() ? 4 : 1) * (1000 / RATE),
    );
  }

  #stop(): void {
    const { play } = this.#parts;
    clearInterval(this.#timer);
    this.#timer = 0;
    play.textContent = '▶';
    play.setAttribute('aria-pressed', 'false');
  }

  #sentence(): string {
    const { totals, pods, nodes, cells } = this.#now;
    const total = totals[this.#layer][this.#frame];
    const shares = cells.map((_, i) => this.#share(i)).filter((share) => !Number.isNaN(share));
    const present = cells.filter((_, i) => !Number.isNaN(this.#share(i)));
    if (total === null || total === undefined || shares.length === 0) return 'no node is in the cluster';
    const percent = (share: number): string => `${Math.round(share * 100)} %`;
    const high = Math.max(...shares);
    const low = Math.min(...shares);
    const fullest = present[shares.indexOf(high)]![0];
    const empty = shares.filter((share) => share === 0).length;
    return [
      `${percent(total)} of the cluster`,
      `${grouped(Math.round(pods[this.#frame] ?? 0))} pods on ${grouped(Math.round(nodes[this.#frame] ?? 0))} nodes`,
      high === low ? `all at ${percent(high)}` : `from ${percent(low)} to ${percent(high)} (${fullest})`,
      ...(empty > 0 ? [`${empty} empty`] : []),
    ].join(' · ');
  }

  #share(cell: number): number {
    const { shares, cells } = this.#now;
    return decodeShare(shares[this.#layer], this.#frame * cells.length + cell);
  }

  /** Squares in rows, a block a zone. */
  #drawGrid(): void {
    const { grid } = this.#parts;
    const { cells } = this.#now;
    const zones = [...new Set(cells.map(([, , zone]) => zone))];
    const named = zones.length > 1 || zones[0] !== '';
    const width = grid.parentElement!.clientWidth;
    const size = Math.max(10, Math.min(34, Math.floor(Math.sqrt((width * 150) / cells.length))));
    const columns = Math.max(1, Math.floor(width / size));
    const header = named ? 18 : 0;
    const rowsOf = (zone: string): number =>
      Math.ceil(cells.filter(([, , own]) => own === zone).length / columns);
    const height = zones.reduce((sum, zone) => sum + header + rowsOf(zone) * size + (named ? 6 : 0), 0);
    const context = sized(grid, width, height);
    let top = 0;
    for (const zone of zones) {
      if (named) {
        context.fillStyle = colour('--muted');
        context.font = `12px ${colour('--font')}`;
        context.fillText(zone === '' ? 'without a zone' : `zone ${zone}`, 0, top + 13);
        top += header;
      }
      let place = 0;
      for (const [i, [, , own]] of cells.entries()) {
        if (own !== zone) continue;
        const x = (place % columns) * size;
        const y = top + Math.floor(place / columns) * size;
        this.#square(context, x, y, size - GAP, this.#share(i));
        place++;
      }
      top += rowsOf(zone) * size + (named ? 6 : 0);
    }
    this.#nameUnderPointer(columns, size, header, zones);
  }

  #square(context: CanvasRenderingContext2D, x: number, y: number, size: number, share: number): void {
    if (Number.isNaN(share)) {
      context.strokeStyle = colour('--line');
      context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
      return;
    }
    context.fillStyle = this.#palette[Math.round(share * 63)]!;
    context.fillRect(x, y, size, size);
  }

  /** The node under the pointer as a tooltip. */
  #nameUnderPointer(columns: number, size: number, header: number, zones: readonly string[]): void {
    const { grid } = this.#parts;
    const { cells } = this.#now;
    const named = header > 0;
    grid.onmousemove = (event) => {
      let top = 0;
      grid.title = '';
      for (const zone of zones) {
        const own = cells.map((cell, i) => ({ cell, i })).filter(({ cell }) => cell[2] === zone);
        top += header;
        const row = Math.floor((event.offsetY - top) / size);
        const at = row * columns + Math.floor(event.offsetX / size);
        if (
          row >= 0 &&
          event.offsetX < columns * size &&
          at < own.length &&
          row < Math.ceil(own.length / columns)
        ) {
          const { cell, i } = own[at]!;
          const share = this.#share(i);
          grid.title = `${cell[0]}${cell[1] > 1 ? ` (${cell[1]} nodes)` : ''}: ${Number.isNaN(share) ? 'not in the cluster' : `${Math.round(share * 100)} %`}`;
          return;
        }
        top += Math.ceil(own.length / columns) * size + (named ? 6 : 0);
      }
    };
  }

  #drawHeat(): void {
    const { heat } = this.#parts;
    const { cells, frames, shares } = this.#now;
    const width = heat.parentElement!.clientWidth;
    const row = Math.max(1, Math.min(14, Math.floor(320 / cells.length)));
    const height = row * cells.length;
    const context = sized(heat, width, height + AXIS);
    const step = (width - GUTTER) / frames;
    const text = shares[this.#layer];
    const gap = row >= 6 ? 1 : 0;
    for (let frame = 0; frame < frames; frame++) {
      const x = GUTTER + Math.round(frame * step);
      const next = GUTTER + Math.round((frame + 1) * step);
      for (let cell = 0; cell < cells.length; cell++) {
        const share = decodeShare(text, frame * cells.length + cell);
        if (Number.isNaN(share)) continue;
        context.fillStyle = this.#palette[Math.round(share * 63)]!;
        context.fillRect(x, cell * row, next - x, row - gap);
      }
    }
    this.#heatAxes(context, width, height, row);
    if (!this.#touched) return;
    context.strokeStyle = colour('--accent');
    context.lineWidth = 2;
    context.strokeRect(GUTTER + this.#frame * step - 1, 1, step + 2, height - 2);
  }

  /** Time below, zones (or the first and the last node) on the left. */
  #heatAxes(context: CanvasRenderingContext2D, width: number, height: number, row: number): void {
    const { cells, frames, frameSeconds } = this.#now;
    context.fillStyle = colour('--muted');
    context.font = `12px ${colour('--font')}`;
    context.textAlign = 'center';
    const scale = linear('seconds', frames * frameSeconds, width < 600 ? 3 : 6, true);
    for (const { at, text } of scale.ticks) {
      context.textAlign = at > 0.97 ? 'right' : at < 0.03 ? 'left' : 'center';
      context.fillText(text, GUTTER + at * (width - GUTTER), height + 15);
    }
    context.textAlign = 'left';
    const write = (label: string, y: number): void => {
      let shown = label;
      while (shown.length > 3 && context.measureText(shown).width > GUTTER - 8)
        shown = `${shown.slice(0, -2)}…`;
      context.fillText(shown, 0, y);
    };
    const zoned = cells.some(([, , zone]) => zone !== '');
    let below = -20;
    for (const [i, [name, , zone]] of cells.entries()) {
      const starts = i === 0 || cells[i - 1]![2] !== zone;
      const y = i * row + 11;
      if (zoned ? !starts : i > 0 && i < cells.length - 1) continue;
      if (y - below < 14) continue;
      write(zoned ? (zone === '' ? 'no zone' : zone) : name, Math.min(y, Math.max(11, height - 2)));
      below = y;
    }
  }
}

/** When the cluster was fullest: what is worth a look first. */
function fullestFrame({ totals }: PagePlacement): number {
  let best = 0;
  for (const [frame, share] of totals.cpu.entries()) if ((share ?? 0) > (totals.cpu[best] ?? 0)) best = frame;
  return best;
}

/** Sharp on every screen. */
function sized(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = Math.max(1, devicePixelRatio);
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext('2d')!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

function drawKey(palette: readonly string[]): void {
  const key = byId('placement-key', HTMLCanvasElement);
  if (key === null) return;
  const context = sized(key, 160, 10);
  for (const [i, style] of palette.entries()) {
    context.fillStyle = style;
    context.fillRect((i * 160) / palette.length, 0, 160 / palette.length + 1, 10);
  }
}

/** Between the three colours of the scale. */
function heatColour(share: number): string {
  const stops = ['--heat0', '--heat1', '--heat2'].map((name) => rgbOf(colour(name)));
  const at = share * 2;
  const from = Math.min(1, Math.floor(at));
  const mixed = stops[from]!.map((part, i) => Math.round(part + (stops[from + 1]![i]! - part) * (at - from)));
  return `rgb(${mixed.join(' ')})`;
}

/** `#rrggbb`, or `#rgb` as a minifier writes it. */
function rgbOf(hex: string): number[] {
  const whole = hex.length === 4 ? `#${[...hex.slice(1)].map((digit) => digit + digit).join('')}` : hex;
  return [1, 3, 5].map((at) => Number.parseInt(whole.slice(at, at + 2), 16));
}

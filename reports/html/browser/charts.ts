// Time series by uPlot: one chart a panel, all with the same cursor, the same zoom and the same keys.
import uPlot from 'uplot';
import type { Panel, PanelGroup } from '../panels.ts';
import { captionOf, shortSeconds, tickText, valueIn, valueScale } from '../scale.ts';
import { byId, colour, onTheme, onTime, type PageData } from './data.ts';

const HEIGHT = 190;
const SYNC = 'time';

export function startCharts(data: PageData): void {
  const place = byId('series', HTMLDivElement);
  if (place === null || data.groups.length === 0) return;
  const board = new Board(place, data);
  board.show(0);
  for (const input of document.querySelectorAll<HTMLInputElement>('input[name="series-group"]'))
    input.addEventListener('change', () => board.show(Number(input.value)));
  onTheme(() => board.redraw());
  onTime((seconds) => board.mark(seconds));
  new ResizeObserver(() => board.resize()).observe(place);
}

class Board {
  readonly #place: HTMLDivElement;
  readonly #data: PageData;
  readonly #readout = byId('series-readout', HTMLParagraphElement);
  #charts: { plot: uPlot; box: HTMLElement; panel: Panel }[] = [];
  #group = 0;
  #marked: number | null = null;
  #width = 0;

  constructor(place: HTMLDivElement, data: PageData) {
    this.#place = place;
    this.#data = data;
  }

  show(group: number): void {
    for (const { plot, box } of this.#charts) {
      plot.destroy();
      box.remove();
    }
    this.#group = group;
    const { panels } = this.#data.groups[group]!;
    this.#charts = panels.map((panel) => this.#chart(panel));
  }

  /** Colours are read when a chart is made. */
  redraw(): void {
    if (this.#charts.length > 0) this.show(this.#group);
  }

  mark(seconds: number | null): void {
    this.#marked = seconds;
    for (const { plot } of this.#charts) plot.redraw(false, false);
  }

  resize(): void {
    const width = this.#place.clientWidth;
    if (width === this.#width) return;
    this.#width = width;
    for (const { plot, box } of this.#charts) {
      const target = box.querySelector('.uplot-box');
      if (target !== null) plot.setSize({ width: target.clientWidth, height: HEIGHT });
    }
  }

  #chart(panel: Panel): { plot: uPlot; box: HTMLElement; panel: Panel } {
    const group = this.#data.groups[this.#group]!;
    const box = document.createElement('figure');
    box.className = 'panel live';
    const caption = document.createElement('figcaption');
    const title = document.createElement('b');
    title.textContent = panel.title;
    const about = document.createElement('span');
    about.className = 'muted';
    about.textContent = ` ${captionOf(panel.unit, panel.about, this.#scale(panel).log)}`;
    caption.append(title, about);
    const target = document.createElement('div');
    target.className = 'uplot-box';
    target.tabIndex = 0;
    target.setAttribute('role', 'img');
    target.setAttribute('aria-label', `${panel.title}: ${panel.lines.map(({ name }) => name).join(', ')}`);
    box.append(caption, target);
    this.#place.append(box);
    const plot = new uPlot(
      this.#options(panel, group, target.clientWidth || 400),
      aligned(panel, this.#data, group.endSeconds),
      target,
    );
    target.addEventListener('keydown', (event) => this.#key(event, plot));
    return { plot, box, panel };
  }

  #options(panel: Panel, group: PanelGroup, width: number): uPlot.Options {
    const { unit } = panel;
    const scale = this.#scale(panel);
    const axis = {
      stroke: colour('--muted'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: `12px ${colour('--font')}`,
    };
    return {
      width,
      height: HEIGHT,
      cursor: {
        sync: { key: SYNC, scales: ['x', null] },
        drag: { x: true, y: false },
        points: { size: 7 },
      },
      legend: { live: true },
      scales: {
        x: { time: false, range: (_, min, max) => (min === max ? [0, group.endSeconds] : [min, max]) },
        y: { range: () => [scale.from, scale.to], distr: scale.log ? 3 : 1 },
      },
      axes: [
        {
          ...axis,
          size: 28,
          values: (_, splits) => splits.map((value) => (value === 0 ? '0' : shortSeconds(value))),
          incrs: INCREMENTS,
          space: 70,
        },
        {
          ...axis,
          size: 62,
          space: 34,
          splits: () => scale.ticks.map(({ value }) => value),
          values: (_, splits) => splits.map((value) => (value === 0 ? '0' : tickText(unit, value))),
          filter: (_, splits) => splits,
        },
      ],
      series: [
        {
          label: 'at',
          value: (_, value) => (value === null || value === undefined ? '–' : shortSeconds(value)),
        },
        ...panel.lines.map(
          ({ name, colour: kind }): uPlot.Series => ({
            label: name,
            stroke: colour(`--${kind}`),
            width: 1.75,
            points: { show: !panel.steps, size: 4, fill: colour(`--${kind}`) },
            ...(panel.steps ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {}),
            value: (_, value) => (value === null || value === undefined ? '–' : valueIn(unit, value)),
          }),
        ),
      ],
      hooks: {
        draw: [(plot) => this.#drawMarks(plot, group)],
        setCursor: [(plot) => this.#tell(plot, panel)],
      },
    };
  }

  /** Of all that the panel shows, so that it stays where it is when time is zoomed. */
  #scale({ unit, lines }: Panel): ReturnType<typeof valueScale> {
    return valueScale(
      unit,
      lines.flatMap(({ at }) => this.#data.pool[at]!.v.map((value) => value ?? Number.NaN)),
    );
  }

  /** Steps of the scenario, and the time of the scrubber. */
  #drawMarks(plot: uPlot, { marks }: PanelGroup): void {
    const { ctx, bbox } = plot;
    const line = (seconds: number, style: string, dash: readonly number[]): void => {
      const x = plot.valToPos(seconds, 'x', true);
      if (x < bbox.left || x > bbox.left + bbox.width) return;
      ctx.save();
      ctx.strokeStyle = style;
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([...dash].map((length) => length * devicePixelRatio));
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      ctx.restore();
    };
    for (const { seconds } of marks) line(seconds, colour('--muted'), [3, 4]);
    if (this.#marked !== null) line(this.#marked, colour('--accent'), []);
  }

  /** For those who use keys: the cursor moves by a hundredth of what is shown. */
  #key(event: KeyboardEvent, plot: uPlot): void {
    const { width } = plot.bbox;
    const shown = width / devicePixelRatio;
    const by: Readonly<Record<string, number>> = {
      ArrowLeft: -shown / 100,
      ArrowRight: shown / 100,
      PageUp: -shown / 10,
      PageDown: shown / 10,
      Home: Number.NEGATIVE_INFINITY,
      End: Number.POSITIVE_INFINITY,
    };
    if (event.key === 'Escape') {
      plot.setCursor({ left: -10, top: -10 });
      return;
    }
    const step = by[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const now = Math.max(0, plot.cursor.left ?? 0);
    const left = Math.min(shown - 1, Math.max(0, now + step));
    plot.setCursor({ left, top: 10 });
    for (const { plot: other } of this.#charts) if (other !== plot) other.setCursor({ left, top: 10 });
  }

  /** The values under the cursor of the focused chart, for a screen reader. */
  #tell(plot: uPlot, panel: Panel): void {
    if (this.#readout === null || !plot.root.contains(document.activeElement)) {
      if (this.#readout === null || plot.root.parentElement !== document.activeElement) return;
    }
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) return;
    const at = plot.data[0][idx]!;
    const values = panel.lines.map(({ name }, i) => {
      const value = plot.data[i + 1]![idx];
      return `${name} ${value === null || value === undefined ? 'nothing' : valueIn(panel.unit, value)}`;
    });
    this.#readout!.textContent = `${panel.title} at ${shortSeconds(at)}: ${values.join(', ')}`;
  }
}

const INCREMENTS = [
  1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
  7200, 14400, 21600, 43200, 86400, 172800, 604800,
];

/** The lines of a panel over one list of times. Step functions go on with their last value. */
function aligned({ lines, steps }: Panel, { pool }: PageData, endSeconds: number): uPlot.AlignedData {
  const series = lines.map(({ at }) => pool[at]!);
  const times = new Set<number>(series.flatMap(({ t }) => t));
  // All charts span the whole run, so that one time stands at one place.
  times.add(0);
  times.add(Math.round(endSeconds * 1000));
  const x = [...times].sort((a, b) => a - b);
  const rows = series.map(({ t, v }) => {
    let next = 0;
    let last: number | null = null;
    return x.map((time) => {
      if (!steps) {
        if (t[next] !== time) return null;
        return v[next++] ?? null;
      }
      while (next < t.length && t[next]! <= time) last = v[next++] ?? null;
      return last;
    });
  });
  return [x.map((time) => time / 1000), ...rows];
}

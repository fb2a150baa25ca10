// What the page carries for its script (page.ts writes it), and the few things every part of the script needs.

import type { PanelGroup } from '../panels.ts';
import type { Layer } from '../placement.ts';

export interface PageSeries {
  /** ms of virtual time. */
  readonly t: readonly number[];
  readonly v: readonly (number | null)[];
}

export interface PagePlacement {
  readonly label: string;
  readonly frames: number;
  readonly frameSeconds: number;
  readonly cells: readonly (readonly [name: string, nodes: number, zone: string])[];
  readonly shares: Readonly<Record<Layer, string>>;
  readonly totals: Readonly<Record<Layer, readonly (number | null)[]>>;
  readonly pods: readonly (number | null)[];
  readonly nodes: readonly (number | null)[];
}

export interface PageData {
  readonly pool: readonly PageSeries[];
  readonly groups: readonly PanelGroup[];
  readonly placements: readonly PagePlacement[];
}

/** The element of that id and kind; null where the page has none. */
export function byId<T extends HTMLElement>(id: string, kind: new () => T): T | null {
  const found = document.getElementById(id);
  return found instanceof kind ? found : null;
}

/** Value of a colour of style.css: `--s0`. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

type Listener = () => void;
const themeListeners: Listener[] = [];

/** Told when light became dark or the other way round: what is drawn on canvases is drawn anew. */
export const onTheme = (listener: Listener): void => {
  themeListeners.push(listener);
};
export const themeChanged = (): void => {
  for (const listener of themeListeners) listener();
};

type TimeListener = (seconds: number | null) => void;
const timeListeners: TimeListener[] = [];

/** The time that the scrubber shows is marked in the charts. */
export const onTime = (listener: TimeListener): void => {
  timeListeners.push(listener);
};
export const timeChanged = (seconds: number | null): void => {
  for (const listener of timeListeners) listener(seconds);
};

export const calm = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

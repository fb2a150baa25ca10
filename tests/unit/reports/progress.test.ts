// The progress line: nothing in the first second, then what a waiting person wants to know, nothing left at the end.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ProgressLine } from '../../../reports/progress.ts';
import { ReadingLine } from '../../../reports/reading-progress.ts';

function terminal() {
  const written: string[] = [];
  const ignore = () => true;
  const stream = {
    isTTY: true,
    columns: 200,
    write: (text: string) => {
      written.push(text);
      return true;
    },
    cursorTo: ignore,
    moveCursor: ignore,
    clearLine: ignore,
    clearScreenDown: ignore,
  };
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => written.join('') };
}

const state = {
  virtualUs: 900_000_000,
  untilUs: 3_600_000_000,
  events: 120_000,
  podsCreated: 5000,
  podsReady: 4000,
  podsPending: 250,
};

describe('ProgressLine', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('shows virtual time, pods, events a second and the time left after a second', () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    const { stream, text } = terminal();
    const line = new ProgressLine(stream);
    nowMs = 999;
    line.update(state);
    expect(text()).toBe('');
    nowMs = 2000;
    line.update(state);
    // 120 000 events in 2 s; a quarter of the time took 2 s, so 6 s are left
    expect(text()).toContain(
      '15 min of cluster time · 5,000 pods, 4,000 ready, 250 pending · 60,000 events/s · at most 6.00 s',
    );
    const before = text().length;
    nowMs = 2050;
    line.update({ ...state, events: 130_000 });
    expect(text().length).toBe(before);
    line.close();
  });

  it('is silent for a short run', () => {
    vi.spyOn(performance, 'now').mockImplementation(() => 0);
    const { stream, text } = terminal();
    const line = new ProgressLine(stream);
    line.update(state);
    line.close();
    expect(text()).toBe('');
  });
});

describe('ReadingLine', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('shows how much of the tables is read, after a second', () => {
    let nowMs = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
    const { stream, text } = terminal();
    const line = new ReadingLine(stream);
    nowMs = 999;
    line.update(10 * 2 ** 20, 200 * 2 ** 20);
    expect(text()).toBe('');
    nowMs = 2000;
    line.update(50 * 2 ** 20, 200 * 2 ** 20);
    // A quarter took 2 s: 6 s are left.
    expect(text()).toContain('50 of 200 MiB read · 6.00 s left');
    line.close();
  });
});

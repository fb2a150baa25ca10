// The same periodic events through lanes and through the heap: what a constant delay is worth.

import { Kernel, type Lane } from '../../engine/kernel/index.ts';
import type { Add } from './index.ts';

const EVENTS = 20_000;
const PENDING = 10_000;
const DELAYS_US = [1_000, 10_000, 40_000, 10_000_000];

export function addLaneBenchmarks(add: Add): void {
  for (const kinds of [1, DELAYS_US.length]) {
    const delays = DELAYS_US.slice(0, kinds);
    add(`lanes, ${kinds} delay(s), ${PENDING} pending`, EVENTS, periodic(delays, true));
    add(`heap, ${kinds} delay(s), ${PENDING} pending`, EVENTS, periodic(delays, false));
  }
}

function periodic(delays: readonly number[], useLanes: boolean): () => void {
  const kernel = new Kernel();
  const lanes: Lane[] = delays.map((delayUs) => kernel.lane(delayUs));
  let ran = 0;
  let stopAt = 0;
  const kind = kernel.on('periodic', (target, arg) => {
    if (useLanes) lanes[arg]!.push(kind, target, arg);
    else kernel.after(delays[arg]!, kind, target, arg);
    if (++ran === stopAt) kernel.stop();
  });
  // Spread over the first period, so that the events are not all at one instant.
  for (let i = 0; i < PENDING; i++) kernel.after(1 + i * 7, kind, i, i % delays.length);
  return () => {
    stopAt = ran + EVENTS;
    kernel.run();
  };
}

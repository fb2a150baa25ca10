// Push and pop through each event queue at a constant number of pending events.

import { Kernel, KeyedDraw, type QueueKind } from '../../engine/kernel/index.ts';
import type { Add } from './index.ts';

const EVENTS = 20_000;

export function addQueueBenchmarks(add: Add): void {
  for (const pending of [100, 1_000, 100_000]) {
    for (const queue of ['heap', 'ladder', 'fast-priority-queue'] as const) {
      add(`${queue}, ${pending} pending`, EVENTS, holdModel(queue, pending));
    }
  }
}

/** The hold model: each event schedules its successor at a random delay. */
function holdModel(queue: QueueKind, pending: number): () => void {
  const kernel = new Kernel({ queue });
  const draw = new KeyedDraw(1, 0);
  const purpose = draw.purpose('delay');
  let ran = 0;
  let stopAt = 0;
  const kind = kernel.on('hold', (target) => {
    kernel.after(1 + draw.below(purpose, target, ran, 2_000_000), kind, target, 0);
    if (++ran === stopAt) kernel.stop();
  });
  for (let i = 0; i < pending; i++) kernel.after(draw.below(purpose, i, -1, 2_000_000), kind, i, 0);
  return () => {
    stopAt = ran + EVENTS;
    kernel.run();
  };
}

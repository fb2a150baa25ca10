// The progress line of a run on a terminal: virtual time, pods, events a second, time left. Shown only when a run
// has gone on for a second, gone when it ends.
import cliProgress from 'cli-progress';
import type { ProgressState } from '../engine/contracts/result.ts';
import { grouped, humanSeconds } from './terminal.ts';

const SHOWN_AFTER_MS = 1000;
const REDRAWN_EACH_MS = 100;

export class ProgressLine {
  private readonly bar: cliProgress.SingleBar;
  private readonly startedMs = performance.now();
  private drawnMs = Number.NEGATIVE_INFINITY;
  private shown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.bar = new cliProgress.SingleBar({
      stream,
      format:
        '{bar} {clock} of cluster time · {pods} pods, {ready} ready, {pending} pending · {rate} events/s · {left}',
      barsize: 20,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      // The run holds the thread: the line is drawn from inside `update`, not by a timer.
      synchronousUpdate: true,
      fps: 1000 / REDRAWN_EACH_MS,
      gracefulExit: false,
    });
  }

  update(state: ProgressState): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.startedMs;
    if (elapsedMs < SHOWN_AFTER_MS || nowMs - this.drawnMs < REDRAWN_EACH_MS) return;
    this.drawnMs = nowMs;
    const done = state.untilUs > 0 ? Math.min(1, state.virtualUs / state.untilUs) : 1;
    const payload = {
      clock: humanSeconds(Math.floor(state.virtualUs / 1e6)),
      pods: grouped(state.podsCreated),
      ready: grouped(state.podsReady),
      pending: grouped(state.podsPending),
      rate: grouped(Math.round((state.events * 1000) / elapsedMs)),
      // At most, because a run may end before its time when nothing is left to do.
      left: done > 0 ? `at most ${humanSeconds(Math.ceil((elapsedMs / done) * (1 - done)) / 1000)}` : '',
    };
    if (!this.shown) {
      this.shown = true;
      this.bar.start(1000, Math.floor(done * 1000), payload);
    } else this.bar.update(Math.floor(done * 1000), payload);
  }

  close(): void {
    if (this.shown) this.bar.stop();
  }
}

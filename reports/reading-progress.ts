// The progress line while large tables are read: bytes and time left. Shown only when reading has gone on for a second.
import cliProgress from 'cli-progress';
import { humanSeconds } from './units.ts';

const SHOWN_AFTER_MS = 1000;
const REDRAWN_EACH_MS = 100;
const MIB = 2 ** 20;

export class ReadingLine {
  private readonly bar: cliProgress.SingleBar;
  private readonly startedMs = performance.now();
  private drawnMs = Number.NEGATIVE_INFINITY;
  private shown = false;

  constructor(stream: NodeJS.WriteStream) {
    this.bar = new cliProgress.SingleBar({
      stream,
      format: '{bar} {value} of {total} MiB read · {left}',
      barsize: 20,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      // Reading holds the thread: the line is drawn from inside `update`, not by a timer.
      synchronousUpdate: true,
      fps: 1000 / REDRAWN_EACH_MS,
      gracefulExit: false,
    });
  }

  /** Bytes. */
  update(done: number, total: number): void {
    const nowMs = performance.now();
    const elapsedMs = nowMs - this.startedMs;
    if (elapsedMs < SHOWN_AFTER_MS || nowMs - this.drawnMs < REDRAWN_EACH_MS) return;
    this.drawnMs = nowMs;
    const seconds = ((elapsedMs / Math.max(1, done)) * (total - done)) / 1000;
    const payload = { left: `${humanSeconds(Math.max(1, Math.ceil(seconds)))} left` };
    if (!this.shown) {
      this.shown = true;
      this.bar.start(Math.ceil(total / MIB), Math.floor(done / MIB), payload);
    } else this.bar.update(Math.floor(done / MIB), payload);
  }

  close(): void {
    if (this.shown) this.bar.stop();
  }
}

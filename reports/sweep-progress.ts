// The progress line of a sweep on a terminal: runs done, running and failed, time left. Drawn when a run begins or ends.
import cliProgress from 'cli-progress';
import { humanSeconds } from './terminal.ts';

interface State {
  readonly runs: number;
  readonly kept: number;
  readonly done: number;
  readonly failed: number;
  readonly open: number;
}

export class SweepProgressLine {
  private readonly bar: cliProgress.SingleBar;
  private readonly startedMs = performance.now();
  private readonly workers: number | 'queue';
  private shown = false;

  /** `workers`: runs that are made at once, or that a queue hands them out, nobody knows to how many. */
  constructor(stream: NodeJS.WriteStream, workers: number | 'queue' = Number.POSITIVE_INFINITY) {
    this.workers = workers;
    this.bar = new cliProgress.SingleBar({
      stream,
      format: '{bar} {value} of {total} runs · {running} · {failed} failed · {left}',
      barsize: 20,
      barCompleteChar: '=',
      barIncompleteChar: ' ',
      hideCursor: true,
      clearOnComplete: true,
      gracefulExit: false,
    });
  }

  update({ runs, kept, done, failed, open }: State): void {
    const ended = done + failed;
    const seconds = (performance.now() - this.startedMs) / 1000;
    const left =
      ended === 0 ? '' : `${humanSeconds(Math.ceil((seconds / ended) * (runs - kept - ended)))} left`;
    const { workers } = this;
    const running = workers === 'queue' ? `${open} in the queue` : `${Math.min(open, workers)} running`;
    const payload = { running, failed, left };
    if (!this.shown) {
      this.shown = true;
      this.bar.start(runs, kept + ended, payload);
      return;
    }
    this.bar.setTotal(runs);
    this.bar.update(kept + ended, payload);
  }

  close(): void {
    if (this.shown) this.bar.stop();
  }
}

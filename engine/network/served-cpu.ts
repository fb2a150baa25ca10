// CPU time that pods spend on requests, by pod and second of virtual time, for the metrics pipeline. A request's time is
// spread evenly over the time that a server works on it. Streams whose requests cost no CPU never come here.
const SECOND = 1_000_000;
/** Seconds that are kept beyond those that anybody may ask for; older ones are dropped now and then. */
const KEEP = 600;
const SWEEP_AT = 2 * KEEP;

interface Spent {
  readonly generation: number;
  /** CPU µs by second. */
  readonly seconds: Map<number, number>;
}

export class ServedCpu {
  readonly #pods = new Map<number, Spent>();

  /** A server of the pod works on a request from `startUs` to `endUs`, which takes `cpuUs` of CPU time. */
  add(pod: number, generation: number, startUs: number, endUs: number, cpuUs: number): void {
    let spent = this.#pods.get(pod);
    if (spent === undefined || spent.generation !== generation) {
      spent = { generation, seconds: new Map() };
      this.#pods.set(pod, spent);
    }
    const { seconds } = spent;
    const first = Math.floor(startUs / SECOND);
    const last = Math.floor(endUs / SECOND);
    const put = (second: number, us: number): void =>
      void seconds.set(second, (seconds.get(second) ?? 0) + us);
    if (first === last) put(first, cpuUs);
    else {
      const rate = cpuUs / (endUs - startUs);
      put(first, rate * ((first + 1) * SECOND - startUs));
      for (let second = first + 1; second < last; second++) put(second, rate * SECOND);
      put(last, rate * (endUs - last * SECOND));
    }
    if (seconds.size > SWEEP_AT)
      for (const second of seconds.keys()) if (second < first - KEEP) seconds.delete(second);
  }

  /** What the pod's servers had before them is lost: its containers have ended. */
  cut(pod: number, nowUs: number): void {
    const seconds = this.#pods.get(pod)?.seconds;
    if (seconds === undefined) return;
    const now = Math.floor(nowUs / SECOND);
    for (const [second, us] of seconds) {
      if (second > now) seconds.delete(second);
      else if (second === now) seconds.set(second, (us * (nowUs - now * SECOND)) / SECOND);
    }
  }

  /** CPU µs between two times; of seconds that are cut a share. */
  between(pod: number, generation: number, fromUs: number, toUs: number): number {
    const spent = this.#pods.get(pod);
    if (spent === undefined || spent.generation !== generation || toUs <= fromUs) return 0;
    let sum = 0;
    for (let second = Math.floor(fromUs / SECOND); second * SECOND < toUs; second++) {
      const us = spent.seconds.get(second);
      if (us === undefined) continue;
      const from = Math.max(fromUs, second * SECOND);
      const to = Math.min(toUs, (second + 1) * SECOND);
      sum += (us * (to - from)) / SECOND;
    }
    return sum;
  }
}

// The client-side rate limiter of client-go (flowcontrol.NewTokenBucketRateLimiter over golang.org/x/time/rate): a
// bucket of `burst` tokens filled at `qps`. As requests are granted in the order they ask, the time of each grant is
// known when it asks (generic cell rate algorithm), so waiting costs no events.

export class TokenBucket {
  readonly #intervalUs: number;
  readonly #toleranceUs: number;
  /** Theoretical arrival time: when the bucket would be full again if nobody asked. */
  #fullAtUs = 0;

  /** `qps` 0 means unlimited. */
  constructor(qps: number, burst: number) {
    this.#intervalUs = qps > 0 ? 1_000_000 / qps : 0;
    this.#toleranceUs = (burst - 1) * this.#intervalUs;
  }

  /** Takes a token; returns when it is granted, µs, at least `nowUs`. */
  take(nowUs: number): number {
    if (this.#intervalUs === 0) return nowUs;
    const grant = Math.max(nowUs, Math.ceil(this.#fullAtUs - this.#toleranceUs));
    this.#fullAtUs = Math.max(this.#fullAtUs, grant) + this.#intervalUs;
    return grant;
  }
}

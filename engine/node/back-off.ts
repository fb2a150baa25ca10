// The back-off that the kubelet keeps per container and per image: 10 s doubling to 5 min, forgotten after twice the
// maximum without a new entry (client-go/util/flowcontrol/backoff.go; pkg/kubelet/kuberuntime doBackOff; v1.36).

export interface BackOffLimits {
  readonly baseUs: number;
  readonly maxUs: number;
  readonly resetUs: number;
}

export class BackOff {
  /** 0: no entry. */
  #us = 0;
  #updatedUs = 0;

  /** µs that a start is put off which is tried at `nowUs`, when the time of the last end was `sinceUs`. */
  waitUs(sinceUs: number, nowUs: number, limits: BackOffLimits): number {
    if (this.#us === 0 || sinceUs - this.#updatedUs > limits.resetUs) return 0;
    return nowUs - sinceUs < this.#us ? sinceUs + this.#us - nowUs : 0;
  }

  /** A start is tried now: the next one within its time will have to wait longer. */
  next(sinceUs: number, nowUs: number, limits: BackOffLimits): void {
    const expired = this.#us === 0 || sinceUs - this.#updatedUs > limits.resetUs;
    this.#us = expired ? limits.baseUs : Math.min(limits.maxUs, this.#us * 2);
    this.#updatedUs = nowUs;
  }

  /** The time as it stands, µs. */
  get us(): number {
    return this.#us;
  }
}

// What a component's event recorder does before it writes an Event: count repetitions, combine similar ones, drop spam
// (client-go tools/record/events_cache.go, v1.36: LRU of 4,096 keys, 25 events at once per object and one each 5 min,
// combination after 10 similar ones within 10 min).

const CACHE_SIZE = 4096;
const SPAM_BURST = 25;
const SPAM_INTERVAL_US = 300_000_000;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_US = 600_000_000;
const COMBINED = '(combined from similar events): ';

/** A Map as least-recently-used cache: iteration order is insertion order, so the first key is the oldest. */
class Recent<V> {
  readonly #map = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value !== undefined) {
      this.#map.delete(key);
      this.#map.set(key, value);
    }
    return value;
  }

  set(key: string, value: V): void {
    this.#map.set(key, value);
    if (this.#map.size > CACHE_SIZE) {
      const oldest = this.#map.keys().next();
      if (!oldest.done) this.#map.delete(oldest.value);
    }
  }
}

interface Similar {
  readonly messages: Set<string>;
  lastUs: number;
}

/** What to write: the text (combined or not) and how often it has been seen; null when dropped as spam. */
export interface FilteredEvent {
  readonly message: string;
  /** 1: a POST of a new Event; more: a PATCH of its count. */
  readonly count: number;
}

export class EventFilter {
  readonly #spam = new Recent<{ tokens: number; lastUs: number }>();
  readonly #similar = new Recent<Similar>();
  readonly #counts = new Recent<{ count: number }>();

  accept(nowUs: number, object: string, type: string, reason: string, message: string): FilteredEvent | null {
    // Order as in EventCorrelator.EventCorrelate: aggregate, then count, then filter spam by (source, object).
    const group = `${object}\n${type}\n${reason}`;
    let text = message;
    let key = `${group}\n${message}`;
    let similar = this.#similar.get(group);
    if (similar === undefined || nowUs - similar.lastUs > SIMILAR_WINDOW_US) {
      similar = { messages: new Set(), lastUs: nowUs };
      this.#similar.set(group, similar);
    }
    similar.lastUs = nowUs;
    similar.messages.add(message);
    if (similar.messages.size >= SIMILAR_MAX) {
      similar.messages.delete(similar.messages.values().next().value!);
      text = COMBINED + message;
      key = group;
    }
    let seen = this.#counts.get(key);
    if (seen === undefined) {
      seen = { count: 0 };
      this.#counts.set(key, seen);
    }
    seen.count += 1;
    return this.#allowed(object, nowUs) ? { message: text, count: seen.count } : null;
  }

  #allowed(object: string, nowUs: number): boolean {
    let bucket = this.#spam.get(object);
    if (bucket === undefined) {
      bucket = { tokens: SPAM_BURST, lastUs: nowUs };
      this.#spam.set(object, bucket);
    }
    bucket.tokens = Math.min(SPAM_BURST, bucket.tokens + (nowUs - bucket.lastUs) / SPAM_INTERVAL_US);
    bucket.lastUs = nowUs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }
}

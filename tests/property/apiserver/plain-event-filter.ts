// The event filter by plain records, one a series: what engine/apiserver/event-filter.ts keeps in columns.
// Rules: client-go tools/record/events_cache.go, v1.36.

const SPAM_BURST = 25;
const SPAM_INTERVAL_US = 300_000_000;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_US = 600_000_000;
const COMBINED = '(combined from similar events): ';

/** Events of one type and reason about an object; nearly always they say one thing. */
interface Series {
  readonly type: string;
  readonly reason: string;
  lastUs: number;
  /** The first text, and how often it was seen. */
  readonly text: string;
  count: number;
  /** From the second different text on. */
  many: ManyTexts | null;
}

interface ManyTexts {
  /** Different texts within the window, oldest first. */
  recent: string[];
  /** Texts besides the first, and how often each was seen. */
  readonly texts: string[];
  readonly counts: number[];
  combined: number;
}

/** What may still be said at once of an object in Events of one type. */
interface Allowance {
  tokens: number;
  lastUs: number;
}

interface ObjectEvents {
  readonly normal: Allowance;
  /** Most objects are never warned of. */
  warning: Allowance | null;
  readonly series: Series[];
}

/** Objects by what identifies them: kind/namespace/name, or a pod's serial number. */
type Key = string | number;

/** What to write: the text (combined or not) and how often it has been seen. */
interface FilteredEvent {
  readonly message: string;
  /** 1: a POST of a new Event; more: a PATCH of its count. */
  readonly count: number;
}

export class PlainEventFilter {
  #young = new Map<Key, ObjectEvents>();
  #old = new Map<Key, ObjectEvents>();
  readonly #size: number;

  constructor(size = 4096) {
    this.#size = size;
  }

  /** null: dropped as spam. */
  accept(nowUs: number, object: Key, type: string, reason: string, message: string): FilteredEvent | null {
    const events = this.#of(object, nowUs);
    // Order as in EventCorrelator.EventCorrelate: aggregate, count, then filter by (source, object, type).
    const accepted = this.#count(events, type, reason, message, nowUs);
    return allowed(events, type, nowUs) ? accepted : null;
  }

  #of(object: Key, nowUs: number): ObjectEvents {
    let events = this.#young.get(object);
    if (events !== undefined) return events;
    events = this.#old.get(object) ?? { normal: full(nowUs), warning: null, series: [] };
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(object, events);
    return events;
  }

  #count(events: ObjectEvents, type: string, reason: string, message: string, nowUs: number): FilteredEvent {
    for (const series of events.series) {
      if (series.reason === reason && series.type === type) return this.#again(series, message, nowUs);
    }
    events.series.push({ type, reason, lastUs: nowUs, text: message, count: 1, many: null });
    return { message, count: 1 };
  }

  #again(series: Series, message: string, nowUs: number): FilteredEvent {
    const expired = nowUs - series.lastUs > SIMILAR_WINDOW_US;
    series.lastUs = nowUs;
    if (series.many === null && message === series.text) {
      series.count += 1;
      return { message, count: series.count };
    }
    series.many ??= { recent: [series.text], texts: [], counts: [], combined: 0 };
    const { many } = series;
    if (expired) many.recent = [];
    if (!many.recent.includes(message)) many.recent.push(message);
    if (many.recent.length >= SIMILAR_MAX) {
      many.recent.shift();
      many.combined += 1;
      return { message: COMBINED + message, count: many.combined };
    }
    if (message === series.text) {
      series.count += 1;
      return { message, count: series.count };
    }
    let at = many.texts.indexOf(message);
    if (at < 0) at = many.texts.push(message) - 1;
    const count = (many.counts[at] ?? 0) + 1;
    many.counts[at] = count;
    return { message, count };
  }
}

const full = (nowUs: number): Allowance => ({ tokens: SPAM_BURST, lastUs: nowUs });

/** Takes a token. A warning is not dropped for what was said before in Events of the other type. */
function allowed(events: ObjectEvents, type: string, nowUs: number): boolean {
  let allowance = events.normal;
  if (type === 'Warning') allowance = events.warning ??= full(nowUs);
  const { tokens, lastUs } = allowance;
  allowance.tokens = Math.min(SPAM_BURST, tokens + (nowUs - lastUs) / SPAM_INTERVAL_US);
  allowance.lastUs = nowUs;
  if (allowance.tokens < 1) return false;
  allowance.tokens -= 1;
  return true;
}

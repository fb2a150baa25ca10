// What a component's event recorder does before it writes an Event: count repetitions, combine similar ones, drop spam
// (client-go tools/record/events_cache.go, v1.36: 25 events at once per object and type and one each 5 min, combination
// from the 10th different text within 10 min, caches of 4,096 entries).
//
// Upstream keeps three LRU caches; here one record an object holds all, and the oldest objects are forgotten a
// generation at a time: at least the last 4,096 objects are known, at most twice as many. Thousands of kubelets know a
// few events about each of their pods: the records are rows of columns that all filters of a run share.
// tests/property/apiserver has the same rules over plain records.
import { grownFloat64, grownInt32 } from '../kernel/index.ts';

const CACHE_SIZE = 4096;
const SPAM_BURST = 25;
const SPAM_INTERVAL_US = 300_000_000;
const SIMILAR_MAX = 10;
const SIMILAR_WINDOW_US = 600_000_000;
const COMBINED = '(combined from similar events): ';
const NONE = -1;

/** What is known of a series from its second different text on. */
interface ManyTexts {
  /** Different texts within the window, oldest first. */
  recent: string[];
  /** Texts besides the first, and how often each was seen. */
  readonly texts: string[];
  readonly counts: number[];
  combined: number;
}

/** Events known by all filters of a run: rows of objects, and of their series (events of one type and reason). */
export class KnownEvents {
  // By object, for normal Events and then for warnings: tokens of the spam filter and when they were counted.
  tokens = new Float64Array(128);
  lastUs = new Float64Array(128);
  /** By object: its first series. A free row names the next. */
  first = new Int32Array(64);
  // By series: the next of the same object, when it was seen last, how often its first text was seen.
  next = new Int32Array(256);
  seenUs = new Float64Array(256);
  count = new Int32Array(256);
  readonly reason: string[] = [];
  readonly isWarning: boolean[] = [];
  /** The first text; nearly always the only one. */
  readonly text: string[] = [];
  readonly many = new Map<number, ManyTexts>();
  #objects = 0;
  #freeObject = NONE;
  #freeSeries = NONE;

  open(nowUs: number): number {
    let object = this.#freeObject;
    if (object !== NONE) this.#freeObject = this.first[object]!;
    else {
      object = this.#objects++;
      if (object === this.first.length) {
        this.tokens = grownFloat64(this.tokens, 4 * object);
        this.lastUs = grownFloat64(this.lastUs, 4 * object);
        this.first = grownInt32(this.first, 2 * object);
      }
    }
    this.tokens[2 * object] = SPAM_BURST;
    this.lastUs[2 * object] = nowUs;
    this.tokens[2 * object + 1] = SPAM_BURST;
    this.lastUs[2 * object + 1] = nowUs;
    this.first[object] = NONE;
    return object;
  }

  close(object: number): void {
    for (let series = this.first[object]!; series !== NONE; ) {
      const next = this.next[series]!;
      this.text[series] = '';
      this.many.delete(series);
      this.next[series] = this.#freeSeries;
      this.#freeSeries = series;
      series = next;
    }
    this.first[object] = this.#freeObject;
    this.#freeObject = object;
  }

  add(object: number, isWarning: boolean, reason: string, text: string, nowUs: number): void {
    let series = this.#freeSeries;
    if (series !== NONE) this.#freeSeries = this.next[series]!;
    else {
      series = this.text.length;
      if (series === this.next.length) {
        this.next = grownInt32(this.next, 2 * series);
        this.seenUs = grownFloat64(this.seenUs, 2 * series);
        this.count = grownInt32(this.count, 2 * series);
      }
    }
    this.reason[series] = reason;
    this.isWarning[series] = isWarning;
    this.text[series] = text;
    this.seenUs[series] = nowUs;
    this.count[series] = 1;
    this.next[series] = this.first[object]!;
    this.first[object] = series;
  }
}

/** Objects by what identifies them: kind/namespace/name, or a pod's serial number. */
type Key = string | number;

export class EventFilter {
  /** The text of the event accepted last: its own, or that of similar ones combined. */
  message = '';
  readonly #known: KnownEvents;
  readonly #size: number;
  // By object: its row.
  #young = new Map<Key, number>();
  #old = new Map<Key, number>();
  /** The object asked for last, and its row: a component often says several things about an object in turn. */
  #lastKey: Key | null = null;
  #lastRow = NONE;

  /** @param size objects known at least */
  constructor(known: KnownEvents = new KnownEvents(), size: number = CACHE_SIZE) {
    this.#known = known;
    this.#size = size;
  }

  /**
   * How often the event has been seen, and `message` what to write: 1 is a POST of a new Event, more a PATCH of its
   * count. 0: it is dropped as spam.
   */
  accept(nowUs: number, object: Key, type: string, reason: string, message: string): number {
    const row = this.#of(object, nowUs);
    const isWarning = type === 'Warning';
    // Order as in EventCorrelator.EventCorrelate: aggregate, count, then filter by (source, object, type).
    const count = this.#count(row, isWarning, reason, message, nowUs);
    return this.#allowed(2 * row + (isWarning ? 1 : 0), nowUs) ? count : 0;
  }

  #of(object: Key, nowUs: number): number {
    if (object !== this.#lastKey) {
      this.#lastRow = this.#lookUp(object, nowUs);
      this.#lastKey = object;
    }
    return this.#lastRow;
  }

  /** Being the last, it is among the young ones: it is not forgotten before others were asked for. */
  #lookUp(object: Key, nowUs: number): number {
    const young = this.#young.get(object);
    if (young !== undefined) return young;
    let row = this.#old.size > 0 ? this.#old.get(object) : undefined;
    if (row === undefined) row = this.#known.open(nowUs);
    else this.#old.delete(object);
    if (this.#young.size >= this.#size) {
      for (const forgotten of this.#old.values()) this.#known.close(forgotten);
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(object, row);
    return row;
  }

  #count(object: number, isWarning: boolean, reason: string, message: string, nowUs: number): number {
    const known = this.#known;
    for (let series = known.first[object]!; series !== NONE; series = known.next[series]!) {
      if (known.reason[series] === reason && known.isWarning[series] === isWarning)
        return this.#again(series, message, nowUs);
    }
    known.add(object, isWarning, reason, message, nowUs);
    this.message = message;
    return 1;
  }

  #again(series: number, message: string, nowUs: number): number {
    const known = this.#known;
    const expired = nowUs - known.seenUs[series]! > SIMILAR_WINDOW_US;
    known.seenUs[series] = nowUs;
    this.message = message;
    const first = known.text[series]!;
    let many = known.many.get(series);
    if (many === undefined) {
      if (message === first) return ++known.count[series]!;
      many = { recent: [first], texts: [], counts: [], combined: 0 };
      known.many.set(series, many);
    }
    if (expired) many.recent = [];
    if (!many.recent.includes(message)) many.recent.push(message);
    if (many.recent.length >= SIMILAR_MAX) {
      many.recent.shift();
      many.combined += 1;
      this.message = COMBINED + message;
      return many.combined;
    }
    if (message === first) return ++known.count[series]!;
    let at = many.texts.indexOf(message);
    if (at < 0) at = many.texts.push(message) - 1;
    const count = (many.counts[at] ?? 0) + 1;
    many.counts[at] = count;
    return count;
  }

  /** Takes a token. A warning is not dropped for what was said before in Events of the other type. */
  #allowed(allowance: number, nowUs: number): boolean {
    const { tokens, lastUs } = this.#known;
    const held = Math.min(SPAM_BURST, tokens[allowance]! + (nowUs - lastUs[allowance]!) / SPAM_INTERVAL_US);
    lastUs[allowance] = nowUs;
    tokens[allowance] = held < 1 ? held : held - 1;
    return held >= 1;
  }
}

// Kubernetes Events of a run, counted by object, reason and text once random names are out of them: "Created pod:
// Deployment/web/rs#*/pod#*" three times, not three texts.
import type { TimelineEvent } from '../contracts/timeline.ts';
import type { Names } from './names.ts';

export interface WrittenEvent {
  readonly us: number;
  readonly type: string;
  readonly reason: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The Event's count after this write: 1 for a new one. */
  readonly count: number;
  readonly message: string;
}

const COMBINED = '(combined from similar events): ';
const NODES_AVAILABLE = /^0\/\d+ nodes are available: /;
/** Reasons that other nodes of a shared cluster add to the text. */
const FOREIGN = /^\d+ node\(s\) (?:didn't match Pod's node affinity\/selector|had untolerated taint\(s\))$/;

/** The text about a cluster that has other nodes, too: what only they add is left out. */
function shortened(text: string): string {
  if (!NODES_AVAILABLE.test(text)) return text;
  const first = text.replace(NODES_AVAILABLE, '').split('. ')[0]!.replace(/\.$/, '');
  const reasons = first.split(', ').filter((reason) => !FOREIGN.test(reason));
  return `0/* nodes are available: ${reasons.join(', ')} (message shortened)`;
}

export class EventBook {
  readonly #names: Names;
  readonly #originUs: number;
  readonly #shorten: boolean;
  readonly #entries = new Map<string, TimelineEvent>();
  /** Counts of Events that were written more than once. */
  readonly #repeated = new Map<string, number>();

  /** `shorten`: the recorded cluster was shared with others, see `shortened`. */
  constructor(names: Names, originUs: number, shorten: boolean) {
    this.#names = names;
    this.#originUs = originUs;
    this.#shorten = shorten;
  }

  add(e: WrittenEvent): void {
    const o = this.#names.eventObject(e.kind, e.namespace, e.name);
    const text = this.#shorten ? shortened(e.message) : e.message;
    const message = this.#names.eventText(e.namespace, text);
    const ms = (e.us - this.#originUs) / 1000;
    const more = this.#more(e);
    const key = `${o} ${e.type} ${e.reason} ${message}`;
    const entry = this.#entries.get(key);
    if (entry === undefined) {
      this.#entries.set(key, {
        o,
        type: e.type,
        reason: e.reason,
        message,
        count: more,
        first: ms,
        last: ms,
      });
      return;
    }
    entry.count += more;
    entry.last = ms;
  }

  /** In order of their first appearance. */
  list(): TimelineEvent[] {
    return [...this.#entries.values()];
  }

  /** By how much the Event's count has grown with this write. */
  #more(e: WrittenEvent): number {
    if (e.count === 1) return 1;
    // The text of a combined Event changes with each write; it stays one object.
    const text = e.message.startsWith(COMBINED) ? COMBINED : e.message;
    const key = `${e.kind}/${e.namespace}/${e.name} ${e.type} ${e.reason} ${text}`;
    const before = this.#repeated.get(key) ?? 1;
    this.#repeated.set(key, e.count);
    return e.count - before;
  }
}

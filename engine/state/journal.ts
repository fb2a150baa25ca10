// A journal of changes to a table: (row, change mask) in order. Whoever keeps something derived from the table holds a
// cursor and replays what happened since, when it next needs to be right; nothing is pushed to anybody. Entries that
// every cursor has passed are forgotten, and with no cursor open nothing is kept at all.
import { assert } from '../kernel/index.ts';

const CAPACITY_MIN = 256;

export class JournalCursor {
  /** Absolute position of the next entry to read. */
  position: number;

  constructor(position: number) {
    this.position = position;
  }
}

export class Journal {
  /** Absolute position one past the newest entry. */
  head = 0;
  #tail = 0;
  #ids = new Int32Array(CAPACITY_MIN);
  #masks = new Int32Array(CAPACITY_MIN);
  readonly #cursors = new Set<JournalCursor>();

  /** Entries kept. */
  get size(): number {
    return this.head - this.#tail;
  }

  /** A cursor that will see what happens from here on. Close it when it is idle: it holds entries back. */
  open(): JournalCursor {
    const cursor = new JournalCursor(this.head);
    this.#cursors.add(cursor);
    return cursor;
  }

  close(cursor: JournalCursor): void {
    assert(this.#cursors.delete(cursor), 'a cursor is closed once');
    this.#trim();
  }

  append(id: number, mask: number): void {
    if (this.#cursors.size === 0) {
      this.head += 1;
      this.#tail = this.head;
      return;
    }
    if (this.head - this.#tail === this.#ids.length) {
      this.#trim();
      if (this.head - this.#tail === this.#ids.length) this.#grow();
    }
    const at = this.head & (this.#ids.length - 1);
    this.#ids[at] = id;
    this.#masks[at] = mask;
    this.head += 1;
  }

  /**
   * Rows with entries since the cursor that have a bit of `mask`, each once, in the order of their first such entry, into
   * out[0..); moves the cursor to the end. `seen` is by row and `mark` larger than all in it: rows that are written get
   * it. One more entry of `out` than there are rows may be written. Returns the number of rows.
   */
  changed(cursor: JournalCursor, mask: number, seen: Int32Array, mark: number, out: Int32Array): number {
    const ids = this.#ids;
    const masks = this.#masks;
    const wrap = ids.length - 1;
    const { head } = this;
    let count = 0;
    for (let p = cursor.position; p < head; p++) {
      const at = p & wrap;
      if ((masks[at]! & mask) === 0) continue;
      const id = ids[at]!;
      out[count] = id;
      // 1 the first time, when less than the mark is there, and then 0: whether rows come again cannot be foreseen, and a
      // wrong guess costs more than this.
      count += (seen[id]! - mark) >>> 31;
      seen[id] = mark;
    }
    cursor.position = head;
    return count;
  }

  /** Calls `visit` for each entry that the cursor has not seen, oldest first, and moves it to the end. */
  pull(cursor: JournalCursor, visit: (id: number, mask: number) => void): void {
    assert(this.#cursors.has(cursor), 'a closed cursor reads nothing');
    const wrap = this.#ids.length - 1;
    for (let p = cursor.position; p < this.head; p++) visit(this.#ids[p & wrap]!, this.#masks[p & wrap]!);
    cursor.position = this.head;
  }

  #trim(): void {
    let tail = this.head;
    for (const cursor of this.#cursors) tail = Math.min(tail, cursor.position);
    this.#tail = tail;
  }

  #grow(): void {
    const size = this.#ids.length * 2;
    const wrap = this.#ids.length - 1;
    const ids = new Int32Array(size);
    const masks = new Int32Array(size);
    for (let p = this.#tail; p < this.head; p++) {
      ids[p & (size - 1)] = this.#ids[p & wrap]!;
      masks[p & (size - 1)] = this.#masks[p & wrap]!;
    }
    this.#ids = ids;
    this.#masks = masks;
  }
}

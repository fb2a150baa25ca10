// The change journal: every cursor sees every entry since it was opened, once.
import { describe, expect, it } from 'vitest';
import { Journal, type JournalCursor } from '../../../engine/state/journal.ts';

const pulled = (journal: Journal, cursor: JournalCursor): string[] => {
  const entries: string[] = [];
  journal.pull(cursor, (id, mask) => entries.push(`${id}:${mask}`));
  return entries;
};

describe('a journal', () => {
  it('keeps nothing while nobody reads', () => {
    const journal = new Journal();
    for (let i = 0; i < 1000; i++) journal.append(i, 1);
    expect(journal.size).toBe(0);
    expect(journal.head).toBe(1000);
  });

  it('tells each cursor what came after it was opened', () => {
    const journal = new Journal();
    const first = journal.open();
    journal.append(1, 2);
    const second = journal.open();
    journal.append(3, 4);
    expect(pulled(journal, first)).toEqual(['1:2', '3:4']);
    expect(pulled(journal, first)).toEqual([]);
    expect(pulled(journal, second)).toEqual(['3:4']);
  });

  it('grows while one lags behind, and forgets what all have passed', () => {
    const journal = new Journal();
    const slow = journal.open();
    const fast = journal.open();
    for (let i = 0; i < 1000; i++) {
      journal.append(i, i);
      pulled(journal, fast);
    }
    expect(journal.size).toBe(1000);
    expect(pulled(journal, slow)).toHaveLength(1000);
    journal.close(slow);
    expect(journal.size).toBe(0);
    expect(() => journal.pull(slow, () => {})).toThrow('closed cursor');
  });
});

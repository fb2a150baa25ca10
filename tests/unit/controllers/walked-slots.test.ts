// Which of several entries of a Go set a walk meets first.
import { describe, expect, it } from 'vitest';
import { WalkedSlots } from '../../../engine/controllers/walked-slots.ts';

const entries = (...ids: number[]) => ids.map((id) => ({ id }));

describe('a walk through a small set', () => {
  // Entries 10, 11, 12, 13 lie in slots 0 to 3 of 8; a walk from slot 4, 5, 6 or 7 goes round to slot 0.
  it.each([
    [0, 10],
    [1, 11],
    [2, 12],
    [3, 13],
    [4, 10],
    [7, 10],
  ])('from slot %i meets %i first', (start, wanted) => {
    const slots = new WalkedSlots((n) => {
      expect(n).toBe(8);
      return start;
    });
    for (const id of [10, 11, 12, 13]) slots.add(id);
    expect(slots.first(entries(13, 12, 11, 10)).id).toBe(wanted);
  });

  it('passes over entries that are not wanted, and gives a free slot to the next that comes', () => {
    const slots = new WalkedSlots(() => 4);
    for (const id of [10, 11, 12]) slots.add(id);
    expect(slots.first(entries(11, 12)).id).toBe(11);
    slots.remove(10);
    slots.add(20);
    slots.add(21);
    // 20 in slot 0, 11, 12, 21.
    expect(slots.first(entries(11, 20, 21)).id).toBe(20);
  });

  it('is as long as the set where that is larger', () => {
    let asked = 0;
    const slots = new WalkedSlots((n) => {
      asked = n;
      return 9;
    });
    for (let id = 0; id < 12; id++) slots.add(id);
    expect(slots.first(entries(2, 11)).id).toBe(11);
    expect(asked).toBe(12);
  });
});

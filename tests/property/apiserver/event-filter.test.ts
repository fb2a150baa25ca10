// The event filter over columns against the same rules over plain records.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventFilter, KnownEvents } from '../../../engine/apiserver/event-filter.ts';
import { PlainEventFilter } from './plain-event-filter.ts';

const SECOND = 1_000_000;

describe('the event filter', () => {
  it('accepts, counts and combines as plain records do, also where filters share their columns', () => {
    const said = fc.record({
      filter: fc.nat(1),
      afterSeconds: fc.constantFrom(0, 0, 0, 1, 200, 700),
      object: fc.oneof(fc.nat(9), fc.constantFrom('Pod/a/b', 'Job/a/c')),
      type: fc.constantFrom('Normal', 'Warning'),
      reason: fc.constantFrom('R', 'S'),
      text: fc.nat(11),
      times: fc.constantFrom(1, 1, 1, 9, 30),
    });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 80 }), (events) => {
        // Room for three objects: they are forgotten all the time.
        const known = new KnownEvents();
        const filters = [new EventFilter(known, 3), new EventFilter(known, 3)];
        const twins = [new PlainEventFilter(3), new PlainEventFilter(3)];
        let nowUs = 0;
        for (const { filter, afterSeconds, object, type, reason, text, times } of events) {
          nowUs += afterSeconds * SECOND;
          for (let i = 0; i < times; i++) {
            const message = `text ${text + (times > 9 ? i : 0)}`;
            const count = filters[filter]!.accept(nowUs, object, type, reason, message);
            const told = count === 0 ? null : { message: filters[filter]!.message, count };
            expect(told).toEqual(twins[filter]!.accept(nowUs, object, type, reason, message));
          }
        }
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

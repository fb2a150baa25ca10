// Watches of one log: who is told what, when, and in which order.
import { describe, expect, it } from 'vitest';
import { Watches } from '../../../engine/apiserver/watches.ts';
import { Kernel } from '../../../engine/kernel/index.ts';
import { RevisionLog, Verb } from '../../../engine/state/index.ts';

function cluster() {
  const kernel = new Kernel();
  const log = new RevisionLog('things');
  const told: string[] = [];
  const watches = new Watches(kernel, (which, position) => which.trim(position));
  const watch = (name: string, delayUs: number, members = 1): void =>
    watches.add(
      log,
      delayUs,
      (_log, from, to) => told.push(`${name} ${from}-${to} at ${kernel.now}`),
      members,
    );
  let revision = 0;
  const commit = kernel.on('commit', (entries) => {
    for (let i = 0; i < entries; i++) log.append(++revision, kernel.now, Verb.added, i, 0, -1, null);
    watches.committed(log);
  });
  return { kernel, log, told, watches, watch, commit };
}

describe('watches', () => {
  it('with one delay are told together, in the order in which they were opened', () => {
    const { kernel, log, told, watches, watch, commit } = cluster();
    watch('a', 10);
    watch('slow', 15);
    watch('b', 10, 3);
    kernel.at(100, commit, 2, 0);
    kernel.at(104, commit, 1, 0);
    kernel.run();
    expect(told).toEqual([
      'a 0-2 at 110',
      'b 0-2 at 110',
      'a 2-3 at 114',
      'b 2-3 at 114',
      'slow 0-2 at 115',
      'slow 2-3 at 119',
    ]);
    // 3 entries for 1 + 3 + 1 members.
    expect(watches.sent).toBe(15);
    expect(log.tail).toBe(3);
    // 2 commits, 2 deliveries a delay.
    expect(kernel.eventsRun).toBe(6);
  });

  it('opened later see what was there from then on by their own delay', () => {
    const { kernel, told, watch, commit } = cluster();
    watch('a', 10);
    const open = kernel.on('open', () => watch('late', 10));
    kernel.at(100, commit, 1, 0);
    kernel.at(103, open, 0, 0);
    kernel.run();
    expect(told).toEqual(['a 0-1 at 110', 'late 0-1 at 113']);
  });

  it('of a log that nobody watches keep nothing of it', () => {
    const { kernel, log, commit } = cluster();
    kernel.at(5, commit, 4, 0);
    kernel.run();
    expect([log.head, log.tail]).toEqual([4, 4]);
  });
});

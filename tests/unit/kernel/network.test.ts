// The kernel benchmark does the same work everywhere: one order hash on every queue, and in C++.
// Without g++ the comparison with C++ is skipped, and says so.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildTwin, runTwin } from '../../../bench/macro/kernel.ts';
import { type NetworkSize, runNetwork } from '../../../bench/macro/kernel-network.ts';

const SIZES: NetworkSize[] = [
  // The two cases of the benchmark, shorter: about 1,000 and about 91,000 pending.
  {
    stations: 1000,
    customers: 2000,
    serviceUs: 1000,
    travelUs: 500,
    interarrivalUs: 100,
    events: 150_000,
    warmUp: 1,
  },
  {
    stations: 1000,
    customers: 140_000,
    serviceUs: 1000,
    travelUs: 90_000,
    interarrivalUs: 100,
    events: 300_000,
    warmUp: 1,
  },
  // Small enough for many ties.
  { stations: 7, customers: 50, serviceUs: 3, travelUs: 2, interarrivalUs: 10, events: 100_000, warmUp: 1 },
];

describe('the 1,000-station network', () => {
  it.each(SIZES)('$customers customers: one hash on every queue', (size) => {
    const heap = runNetwork(size, 'heap');
    for (const queue of ['ladder', 'fast-priority-queue'] as const) {
      const other = runNetwork(size, queue);
      expect([other.hash, other.meanPending]).toEqual([heap.hash, heap.meanPending]);
    }
    const shorter = runNetwork({ ...size, events: size.events - 1 }, 'heap');
    expect(shorter.hash).not.toBe(heap.hash);
  });

  it('has the same hash in C++', { timeout: 60_000 }, (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'kubetick-twin-'));
    try {
      let why = '';
      const twin = buildTwin(folder, (line) => {
        why = line;
      });
      if (twin === null) return context.skip(why);
      for (const size of SIZES) expect(runTwin(twin, size).hash).toBe(runNetwork(size, 'heap').hash);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

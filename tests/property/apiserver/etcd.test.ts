// etcd's batches, worked out by one event each, against the rule applied to a list of all requests.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Etcd } from '../../../engine/apiserver/etcd.ts';
import { Kernel } from '../../../engine/kernel/index.ts';

interface Write {
  readonly askedUs: number;
  readonly readyUs: number;
}

const fsyncUs = (batch: number): number => [0, 7, 1, 30, 4][batch % 5]!;

/** A batch begins when the last one is over and a write is ready; it takes those ready by then, earliest first. */
function plain(writes: readonly Write[], batchMax: number): string[] {
  const left = writes.map((write, id) => ({ ...write, id })).sort((a, b) => a.askedUs - b.askedUs);
  left.sort((a, b) => a.readyUs - b.readyUs);
  const commits: string[] = [];
  let freeUs = 0;
  for (let batch = 1; left.length > 0; batch++) {
    const beginUs = Math.max(freeUs, left[0]!.readyUs);
    let size = 0;
    while (size < batchMax && size < left.length && left[size]!.readyUs <= beginUs) size += 1;
    freeUs = beginUs + fsyncUs(batch);
    for (const { id } of left.splice(0, size)) commits.push(`${id} at ${freeUs}`);
  }
  return commits;
}

function simulated(writes: readonly Write[], batchMax: number): string[] {
  const kernel = new Kernel();
  const commits: string[] = [];
  let flushes = 0;
  const etcd = new Etcd(kernel, {
    fsyncUs,
    batchMax,
    commit: (id) => commits.push(`${id} at ${kernel.now}`),
    flushed: () => {
      flushes += 1;
    },
  });
  const ask = kernel.on('ask', (id) => etcd.submit(id, writes[id]!.readyUs));
  for (const [id, { askedUs }] of writes.entries()) kernel.at(askedUs, ask, id, 0);
  expect(kernel.run()).toBe('idle');
  expect(flushes).toBe(etcd.batches);
  return commits;
}

describe('etcd', () => {
  it('commits in the batches that the rule gives', () => {
    const write = fc
      .tuple(fc.nat(300), fc.integer({ min: 1, max: 40 }))
      .map(([askedUs, workUs]): Write => ({ askedUs, readyUs: askedUs + workUs }));
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), fc.integer({ min: 1, max: 5 }), (writes, batchMax) => {
        expect(simulated(writes, batchMax)).toEqual(plain(writes, batchMax));
      }),
      { numRuns: 500 },
    );
  });

  it('moves a batch forward for a write that is ready earlier', () => {
    // Asked at 0 and ready at 20; asked at 5 and ready at 10: the first batch (fsync 7) begins at 10, the second at 20.
    const writes = [
      { askedUs: 0, readyUs: 20 },
      { askedUs: 5, readyUs: 10 },
    ];
    expect(simulated(writes, 10)).toEqual(['1 at 17', '0 at 21']);
  });
});

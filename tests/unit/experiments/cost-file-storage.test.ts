// Storage backends and eviction thresholds in a cost file: changed, added, and mistaken.
import { describe, expect, it } from 'vitest';
import { applyCostFile } from '../../../experiments/cost-file.ts';
import { costPresets } from '../../../policies/costs/index.ts';
import { storageBackends } from '../../../policies/costs/storage/index.ts';
import type { ManifestObject } from '../../../workloads/manifests.ts';

const apply = (raw: object) => {
  const source = { source: 'costs.yaml', raw, position: () => ({ line: 1, column: 1 }) };
  return applyCostFile(source as unknown as ManifestObject, costPresets);
};
const preset = (raw: object) => {
  const made = apply(raw);
  if (Array.isArray(made)) throw new Error(made.map(({ message }) => message).join('\n'));
  return made;
};

describe('storage of a cost file', () => {
  it('changes a backend that is there', () => {
    const { storage } = preset({ storage: { ebs: { attachLimit: 5 } } });
    expect(storage!['ebs']).toEqual({ ...storageBackends['ebs'], attachLimit: 5 });
    expect(storage!['nfs']).toBe(storageBackends['nfs']);
  });

  it('adds one that begins from another, also in a preset that has none', () => {
    const ours = { base: 'ceph-rbd', driver: 'csi.example.com', attachUs: 1000, reach: 'zone' };
    for (const base of ['k8s-medium', 'recorded']) {
      const { base: _, ...changes } = ours;
      expect(preset({ base, storage: { ours } }).storage!['ours']).toEqual({
        ...storageBackends['ceph-rbd'],
        ...changes,
      });
    }
  });

  it('adds one that is written out', () => {
    const whole = { ...storageBackends['nfs'], driver: 'csi.example.com', about: 'ours' };
    expect(preset({ storage: { whole } }).storage!['whole']).toEqual(whole);
  });

  it('adds what a backend may go without', () => {
    const grows = { nodeExpandUs: 7, expansion: 'offline' };
    const expected = { ...storageBackends['cephfs'], ...grows };
    expect(preset({ storage: { cephfs: grows } }).storage!['cephfs']).toEqual(expected);
  });

  it.each([
    [
      { ours: { attachUs: 5 } },
      'storage.ours',
      /base is the name of a storage backend, .* missing: about, driver/,
    ],
    [{ ours: { base: 'ebz' } }, 'storage.ours', /base is the name of a storage backend/],
    [{ ours: 7 }, 'storage.ours', /base is the name of a storage backend/],
    [{ ebs: { atachUs: 5 } }, 'storage.ebs.atachUs', /unknown key "atachUs"/],
    [{ ebs: { reach: 'moon' } }, 'storage.ebs.reach', /expected one of everywhere, zone, node, found "moon"/],
    [{ nfs: { expansion: 'sometimes' } }, 'storage.nfs.expansion', /expected one of online, offline, none/],
    [{ ebs: { attachLimit: -1 } }, 'storage.ebs.attachLimit', /not negative/],
    [
      { twin: { base: 'ebs' } },
      'storage.twin.driver',
      /backend ebs has the driver "ebs.csi.aws.com" already/,
    ],
  ])('%j is refused', (storage, path, message) => {
    expect(apply({ storage })).toMatchObject([{ path, message: expect.stringMatching(message) }]);
  });
});

describe('eviction thresholds of a cost file', () => {
  it('change those of the preset signal by signal', () => {
    const { kubelet } = preset({
      kubelet: { evictionHard: { 'memory.available': '1Gi', 'pid.available': 100 } },
    });
    expect(kubelet.evictionHard).toMatchObject({
      'memory.available': '1Gi',
      'pid.available': '100',
      'nodefs.available': '10%',
    });
  });

  it.each([
    [
      { evictionHard: { 'memory.free': '1Gi' } },
      'evictionHard.memory.free',
      /unknown eviction signal; there are memory/,
    ],
    [{ evictionHard: { 'memory.available': 'much' } }, 'evictionHard.memory.available', /must be a quantity/],
    [{ evictionHard: { 'memory.available': '0' } }, 'evictionHard.memory.available', /must be positive/],
    [
      { evictionHard: { 'nodefs.available': '120%' } },
      'evictionHard.nodefs.available',
      /between 0% and 100%/,
    ],
    [{ evictionHard: { 'memory.available': true } }, 'evictionHard.memory.available', /expected a text/],
    [
      { evictionSoft: { 'memory.available': '1Gi' } },
      'evictionSoft.memory.available',
      /needs its grace period/,
    ],
    [
      {
        evictionSoft: { 'memory.available': '1Gi' },
        evictionSoftGracePeriod: { 'memory.available': 'long' },
      },
      'evictionSoftGracePeriod.memory.available',
      /must be a duration/,
    ],
  ])('%j is refused', (kubelet, path, message) => {
    expect(apply({ kubelet })).toMatchObject([
      { path: `kubelet.${path}`, message: expect.stringMatching(message) },
    ]);
  });

  it('takes 0% for none', () => {
    expect(
      preset({ kubelet: { evictionHard: { 'nodefs.available': '0%' } } }).kubelet.evictionHard,
    ).toMatchObject({
      'nodefs.available': '0%',
    });
  });
});

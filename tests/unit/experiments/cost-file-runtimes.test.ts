// Container runtimes in a cost file: changed, added from another one, and mistaken.
import { describe, expect, it } from 'vitest';
import { applyCostFile } from '../../../experiments/cost-file.ts';
import { costPresets } from '../../../policies/costs/index.ts';
import type { ManifestObject } from '../../../workloads/manifests.ts';

const file = (raw: object) =>
  ({ source: 'costs.yaml', raw, position: () => ({ line: 1, column: 1 }) }) as unknown as ManifestObject;
const apply = (runtimes: object) => applyCostFile(file({ runtimes }), costPresets);
const preset = (runtimes: object) => {
  const made = apply(runtimes);
  if (Array.isArray(made)) throw new Error(made.map(({ message }) => message).join('\n'));
  return made.runtimes!;
};

describe('runtimes of a cost file', () => {
  it('change one that is there', () => {
    const { docker, containerd } = preset({ docker: { sandboxUs: 5 } });
    expect(docker).toMatchObject({ name: 'docker', sandboxUs: 5, serializeImagePulls: true });
    expect(containerd).toBe(costPresets['k8s-medium']!.runtimes!['containerd']);
  });

  it('add one', () => {
    const { ours } = preset({
      ours: { base: 'containerd', version: 'ours://1.0', maxParallelImagePulls: 3 },
    });
    expect(ours).toMatchObject({ name: 'ours', version: 'ours://1.0', maxParallelImagePulls: 3 });
  });

  it.each([
    [{ ours: { sandboxUs: 5 } }, 'runtimes.ours', /base is the name of a container runtime/],
    [{ ours: { base: 'dokcer' } }, 'runtimes.ours', /base is the name of a container runtime/],
    [{ docker: { sandboxMs: 5 } }, 'runtimes.docker.sandboxMs', /unknown key "sandboxMs"/],
    [{ docker: { sandboxUs: 'long' } }, 'runtimes.docker.sandboxUs', /expected microseconds/],
  ])('%j is refused', (runtimes, path, message) => {
    expect(apply(runtimes)).toMatchObject([{ path, message: expect.stringMatching(message) }]);
  });
});

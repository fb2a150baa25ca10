// containerd with its own CRI plug-in: one daemon between kubelet and runc. The figures are those of the preset
// k8s-medium, which names their sources; a pod starts in 180 ms at the median, as the comparison does that docker.ts
// cites.
import type { RuntimeCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const containerd: RuntimeCosts = {
  name: 'containerd',
  version: 'containerd://2.1.4',
  about: 'containerd and its CRI plug-in',
  sandboxUs: { dist: 'lognormal', p50: 180 * MS, p99: 600 * MS, max: 30 * SECOND },
  containerCreateUs: { dist: 'lognormal', p50: 40 * MS, p99: 150 * MS, max: 10 * SECOND },
  containerStartUs: { dist: 'lognormal', p50: 50 * MS, p99: 200 * MS, max: 10 * SECOND },
  stopUs: { dist: 'lognormal', p50: 300 * MS, p99: 2 * SECOND, max: 600 * SECOND },
  pullBaseUs: { dist: 'lognormal', p50: 400 * MS, p99: 1500 * MS, max: 60 * SECOND },
  pullBytesPerSecond: 40_000_000,
  serializeImagePulls: true,
  maxParallelImagePulls: 0,
};

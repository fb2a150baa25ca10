// Docker through its CRI shim (cri-dockerd; the kubelet's own dockershim until v1.23): kubelet, shim, dockerd and
// containerd one behind the other. Times are those of containerd times 340/180: the medians of pod start before and after
// nodes moved from cri-dockerd to containerd (techplained.com, container-runtime-comparison). Others measured more (568 ms
// for `docker run` on a cloud SSD, arXiv 2602.15214; 364 ms for create_container alone, kubernetes#22585 of 2016) and less
// (10 % faster than containerd, containerd#4537 of 2020).
import type { RuntimeCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const docker: RuntimeCosts = {
  name: 'docker',
  version: 'docker://28.3.2',
  about: 'Docker through its CRI shim',
  sandboxUs: { dist: 'lognormal', p50: 340 * MS, p99: 1130 * MS, max: 30 * SECOND },
  containerCreateUs: { dist: 'lognormal', p50: 76 * MS, p99: 283 * MS, max: 10 * SECOND },
  containerStartUs: { dist: 'lognormal', p50: 94 * MS, p99: 378 * MS, max: 10 * SECOND },
  stopUs: { dist: 'lognormal', p50: 400 * MS, p99: 2500 * MS, max: 600 * SECOND },
  pullBaseUs: { dist: 'lognormal', p50: 500 * MS, p99: 2 * SECOND, max: 60 * SECOND },
  pullBytesPerSecond: 40_000_000,
  // The kubelet's default; its documentation advises against parallel pulls with old Docker versions.
  serializeImagePulls: true,
  maxParallelImagePulls: 0,
};

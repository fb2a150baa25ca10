// CRI-O: one daemon, and a conmon process for each container. Espe et al. (Performance Evaluation of Container Runtimes,
// CLOSER 2020) find its operations slower than containerd's and its writes faster; the tenth more at the median stands
// for that, an estimate. The long tail of sandboxes is that of busy nodes (cri-o#2906: a p90 above 10 s was seen where the
// network was slow); the p99 here is twice containerd's, an estimate as well. Images are pulled in parallel, as OpenShift,
// where CRI-O mostly runs, sets it up (machine-config-operator, serializeImagePulls: false).
import type { RuntimeCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const criO: RuntimeCosts = {
  name: 'cri-o',
  version: 'cri-o://1.34.1',
  about: 'CRI-O with conmon; images in parallel',
  sandboxUs: { dist: 'lognormal', p50: 200 * MS, p99: 1200 * MS, max: 30 * SECOND },
  containerCreateUs: { dist: 'lognormal', p50: 44 * MS, p99: 165 * MS, max: 10 * SECOND },
  containerStartUs: { dist: 'lognormal', p50: 55 * MS, p99: 220 * MS, max: 10 * SECOND },
  stopUs: { dist: 'lognormal', p50: 300 * MS, p99: 2 * SECOND, max: 600 * SECOND },
  pullBaseUs: { dist: 'lognormal', p50: 400 * MS, p99: 1500 * MS, max: 60 * SECOND },
  pullBytesPerSecond: 40_000_000,
  serializeImagePulls: false,
  maxParallelImagePulls: 0,
};

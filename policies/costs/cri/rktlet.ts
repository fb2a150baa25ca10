// rktlet, the CRI of rkt (both retired): every call is a process of its own under systemd-run (kubernetes-retired/rktlet,
// pull request 16), a sandbox boots systemd in an nspawn container, and Docker images are converted to ACI when they are
// fetched. Nobody has published times of rktlet's calls. What is known of rkt: 5 to 6 s to prepare a large image for its
// first run (rkt#1350, v0.8), and fetching that grew slower with its versions (rkt#3444). The figures are estimates from
// that, good for its order among the runtimes and no more.
import type { RuntimeCosts } from '../../../engine/index.ts';

const MS = 1000;
const SECOND = 1_000_000;

export const rktlet: RuntimeCosts = {
  name: 'rktlet',
  version: 'rkt://1.30.0',
  about: 'rkt through rktlet; estimates',
  sandboxUs: { dist: 'lognormal', p50: 1200 * MS, p99: 4 * SECOND, max: 60 * SECOND },
  containerCreateUs: { dist: 'lognormal', p50: 600 * MS, p99: 5 * SECOND, max: 60 * SECOND },
  containerStartUs: { dist: 'lognormal', p50: 300 * MS, p99: 1500 * MS, max: 30 * SECOND },
  stopUs: { dist: 'lognormal', p50: 600 * MS, p99: 4 * SECOND, max: 600 * SECOND },
  pullBaseUs: { dist: 'lognormal', p50: 1500 * MS, p99: 6 * SECOND, max: 120 * SECOND },
  pullBytesPerSecond: 15_000_000,
  serializeImagePulls: true,
  maxParallelImagePulls: 0,
};

// Memory of live pods: the tables of a run (pod rows, name index, revision log with a watcher's cursor, times of the
// recorder) filled with live pods, then churned: a tenth of them changes state, a tenth is deleted and made again.
// Prints resident memory, bytes a pod, and the longest garbage collection pause seen by the process.
import { PerformanceObserver } from 'node:perf_hooks';
import process from 'node:process';
import { mix32 } from '../../engine/kernel/index.ts';
import { podTemplateCompiler } from '../../engine/kinds/ingest/pod-template.ts';
import { PodStamp, Recorder } from '../../engine/metrics/recorder.ts';
import { podRowSource } from '../../engine/pod-rows.ts';
import { ClusterState, PodBit, type PodId, SUFFIXES, Verb } from '../../engine/state/index.ts';

const MIB = 2 ** 20;

interface Figures {
  readonly pods: number;
  readonly rssMiB: number;
  readonly bytesPerPod: number;
  readonly longestGcMs: number;
  readonly cpuSeconds: number;
  readonly hash: string;
}

function fill(pods: number): { state: ClusterState; recorder: Recorder; hash: number } {
  const state = new ClusterState(podTemplateCompiler);
  const clock = { us: 0 };
  const recorder = new Recorder({
    labels: { experiment: 'bench', variant: 'default', replication: 1, seed: 1 },
    warmUpUs: 0,
    sinks: [],
    pods: podRowSource(state),
    now: () => clock.us,
  });
  // 500 templates as 500 Deployments would have them.
  const templates = Array.from({ length: 500 }, (_, i) =>
    state.templates.intern({
      labels: { app: `web-${i}` },
      annotations: {},
      spec: {
        containers: [
          { name: 'c', image: 'app:v1', resources: { requests: { cpu: `${100 + i}m`, memory: '64Mi' } } },
        ],
      },
      metadata: null,
    }),
  );
  const bases = templates.map((_, i) => state.texts.id(`web-${i}-5d4b8c9f7-`));
  const namespace = state.texts.id('default');
  let revision = 0;
  let serial = 0;
  const create = (): PodId => {
    serial += 1;
    const t = serial % templates.length;
    const template = templates[t]!;
    let suffix = (mix32(serial) >>> 0) % SUFFIXES;
    while (state.podNames.find(namespace, bases[t]!, suffix) >= 0) suffix = (suffix + 1) % SUFFIXES;
    const pod = state.pods.create({
      namespace,
      nameBase: bases[t]!,
      nameSuffix: suffix,
      template: template.id,
      labelSet: template.labelSet,
      owner: t,
      priority: 0,
      createdUs: clock.us,
      revision: ++revision,
      runUs: Number.NaN,
    });
    state.podNames.add(pod);
    recorder.podCreated(pod);
    log(pod, Verb.added);
    return pod;
  };
  const log = (pod: number, verb: Verb): void => {
    state.podLog.append(revision, clock.us, verb, pod, state.pods.word[pod]!, state.pods.node[pod]!, null);
    // A watcher that is a thousand entries behind.
    if (state.podLog.head - state.podLog.tail > 1000) state.podLog.trim(state.podLog.head - 500);
  };
  const run = (pod: number): void => {
    clock.us += 10;
    state.pods.node[pod] = pod % 100_000;
    state.pods.word[pod]! |= PodBit.scheduled | PodBit.ready | 1;
    for (const stamp of [
      PodStamp.scheduled,
      PodStamp.bound,
      PodStamp.sandbox,
      PodStamp.pulled,
      PodStamp.started,
      PodStamp.ready,
    ]) {
      recorder.stamp(pod, stamp);
    }
    revision += 1;
    log(pod, Verb.modified);
  };
  for (let i = 0; i < pods; i++) {
    clock.us += 5;
    run(create());
  }
  let hash = 0;
  for (let i = 0; i < pods / 10; i++) {
    run((i * 7919) % pods);
    const pod = ((i * 104_729) % pods) as PodId;
    if (state.pods.word[pod]! & PodBit.removed) continue;
    revision += 1;
    log(pod, Verb.deleted);
    recorder.podGone(pod);
    state.podNames.remove(pod);
    state.pods.remove(pod);
    state.pods.free(pod);
    run(create());
    hash = mix32(hash ^ (pod + state.pods.nameSuffix[pod]!));
  }
  return { state, recorder, hash };
}

async function measure(pods: number): Promise<Figures> {
  let longestGcMs = 0;
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longestGcMs = Math.max(longestGcMs, entry.duration);
  });
  observer.observe({ entryTypes: ['gc'] });
  const before = process.cpuUsage();
  const { state, hash } = fill(pods);
  const cpu = process.cpuUsage(before);
  // Entries of the observer arrive on a later turn of the loop.
  await new Promise((resolve) => setTimeout(resolve, 100));
  observer.disconnect();
  const rss = process.memoryUsage.rss();
  if (state.pods.live !== pods) throw new Error(`${state.pods.live} pods live, expected ${pods}`);
  return {
    pods,
    rssMiB: Math.round(rss / MIB),
    bytesPerPod: Math.round(rss / pods),
    longestGcMs: Math.round(longestGcMs * 10) / 10,
    cpuSeconds: Math.round((cpu.user + cpu.system) / 1e4) / 100,
    hash: (hash >>> 0).toString(16),
  };
}

export async function run(args: { size: 'small' | 'full'; json: boolean }): Promise<void> {
  const figures = await measure(args.size === 'full' ? 1_000_000 : 100_000);
  if (args.json) {
    console.log(JSON.stringify({ benchmark: 'state', ...figures }));
    return;
  }
  console.log(`live pods          ${figures.pods}`);
  console.log(
    `resident memory    ${figures.rssMiB} MiB of the whole process (${figures.bytesPerPod} bytes a pod)`,
  );
  console.log(`longest GC pause   ${figures.longestGcMs} ms`);
  console.log(`CPU                ${figures.cpuSeconds} s, work hash ${figures.hash}`);
}

// Kubelets on their own: the API server answers in no time and there is no scheduler, so every time that a test reads is
// a cost of the kubelet. Costs are round numbers, in ms: sync 5, sandbox 100, create 20, start 30, status 10 (PLEG),
// pull 400 + 1000 per MB (images have 1 MB), init container 1000, stop 300, probe 8.
import type { CostPreset } from '../../../engine/contracts/costs.ts';
import type { Sink } from '../../../engine/contracts/result.ts';
import type { PodVolumes } from '../../../engine/contracts/volumes.ts';
import type { KubeObject } from '../../../engine/kinds/kind.ts';
import { PodStamp } from '../../../engine/metrics/recorder.ts';
import { Kubelets } from '../../../engine/node/kubelet.ts';
import { PHASE_NAMES, PodBit, phaseOf, Verb } from '../../../engine/state/index.ts';
import { zero } from '../../../policies/costs/zero.ts';
import { cluster, nodeObject, podObject } from '../apiserver/cluster.ts';

export const MS = 1000;

export const kubeletCosts: CostPreset['kubelet'] = {
  ...zero.kubelet,
  syncUs: 5 * MS,
  sandboxUs: 100 * MS,
  containerCreateUs: 20 * MS,
  containerStartUs: 30 * MS,
  initContainerRunUs: 1000 * MS,
  plegUs: 10 * MS,
  pullBaseUs: 400 * MS,
  pullBytesPerSecond: 1_000_000,
  imageBytesDefault: 1_000_000,
  imageBytes: {},
  stopUs: 300 * MS,
  probeUs: 8 * MS,
};

export interface KubeletOptions {
  readonly kubelet?: Partial<CostPreset['kubelet']>;
  /** Other parts of the costs. */
  readonly costs?: Partial<CostPreset>;
  readonly nodes?: number;
  readonly podsMax?: number;
  /** Images that are on every node from the start. */
  readonly images?: readonly string[];
  readonly volumes?: PodVolumes;
  /** Names of the nodes' container runtimes, '' for none. */
  readonly runtimes?: readonly string[];
  /** Changes the Node objects. */
  readonly shape?: (node: KubeObject) => void;
}

export interface EventLine {
  readonly ms: number;
  readonly pod: string;
  readonly reason: string;
  readonly message: string;
}

export function kubelets(options: KubeletOptions = {}) {
  const events: EventLine[] = [];
  const sink: Sink = {
    open: () => ({
      table: ({ name }) =>
        name !== 'events'
          ? null
          : {
              row: ([us, , reason, , , pod, , message]) =>
                void events.push({
                  ms: Number(us) / MS,
                  pod: String(pod),
                  reason: String(reason),
                  message: String(message),
                }),
            },
      close: () => {},
    }),
  };
  const c = cluster(
    { ...zero, ...options.costs, kubelet: { ...kubeletCosts, ...options.kubelet } },
    { sinks: [sink] },
  );
  const { kernel, state, server, recorder } = c;
  const { pods, nodes } = state;
  const client = server.client('test', { qps: 0, burst: 0 });
  const images = (options.images ?? []).map((name) => ({ names: [name], sizeBytes: 1_000_000 }));
  for (let i = 1; i <= (options.nodes ?? 1); i++) {
    const object = nodeObject('64', String(options.podsMax ?? 110));
    object['status'].images = images;
    const runtime = options.runtimes?.[i - 1];
    if (runtime) object.metadata.annotations = { 'kubetick.io/container-runtime': runtime };
    options.shape?.(object);
    c.seeder.node(object, { name: `n${i}`, zone: '', hostname: true });
  }
  const room = new Kubelets(c.context, options.volumes);
  room.start();

  const history = new Map<string, string[]>();
  const rows = new Map<string, number>();
  /** Times of the images that a node's status told, by node. */
  const statuses: string[] = [];
  const note = (pod: string, text: string): void => {
    const lines = history.get(pod) ?? [];
    history.set(pod, lines);
    // Writes that change nothing of this view are not told.
    if (lines.at(-1)?.replace(/^\S+ /, '') !== text) lines.push(`${kernel.now / MS} ${text}`);
  };
  server.watch('pods', (log, from, to) => {
    for (let p = from; p < to; p++) {
      const id = log.id(p);
      const word = log.word(p);
      const restarts = pods.restarts[id]! > 0 ? ` restarts=${pods.restarts[id]}` : '';
      const reason = pods.reason[id]! >= 0 ? state.texts.text(pods.reason[id]!) : '';
      const text =
        log.verb(p) === Verb.deleted
          ? 'gone'
          : PHASE_NAMES[phaseOf(word)]! +
            (word & PodBit.ready ? ' Ready' : '') +
            (word & PodBit.deleting ? ' deleting' : '') +
            restarts +
            (reason === '' ? '' : ` ${reason}`);
      note(state.podName(id), text);
    }
  });
  server.watch('nodes', (log, from, to) => {
    for (let p = from; p < to; p++) {
      const node = log.id(p);
      if (log.verb(p) !== Verb.modified) continue;
      const names = nodes.images[node]!.map((image) => state.images.text(image));
      statuses.push(`${kernel.now / MS} ${nodes.name[node]} ${names.join(' ')}`);
    }
  });

  const actions: (() => void)[] = [];
  const action = kernel.on('test/action', (index) => actions[index]!());
  const at = (ms: number, what: () => void): void => {
    actions.push(what);
    kernel.at(ms * MS, action, actions.length - 1, 0);
  };
  const row = (name: string): number => rows.get(name)!;
  const remove = (name: string, graceSeconds = -1): void => {
    client.deletePod(row(name), pods.generation[row(name)]!, graceSeconds, null);
  };
  /** Creates a pod at `ms` and binds it at once. */
  const pod = (
    ms: number,
    name: string,
    spec: object = {},
    annotations: object = {},
    node = 0,
    more: object = {},
  ): void => {
    const prefixed = Object.fromEntries(Object.entries(annotations).map(([k, v]) => [`kubetick.io/${k}`, v]));
    const object: KubeObject = podObject(name, spec, { annotations: { ...prefixed, ...more } });
    at(ms, () =>
      client.create(object, ({ id }) => {
        rows.set(name, id);
        client.bindPod(id, pods.generation[id]!, node, null);
      }),
    );
  };
  const stamps = (name: string): Record<string, number> => {
    const at = (which: number): number => recorder.stamped(row(name), which) / MS;
    return {
      // Only of pods that waited for some.
      ...(Number.isNaN(at(PodStamp.volumes)) ? {} : { volumes: at(PodStamp.volumes) }),
      sandbox: at(PodStamp.sandbox),
      pulled: at(PodStamp.pulled),
      started: at(PodStamp.started),
      ready: at(PodStamp.ready),
    };
  };
  /** Runs to the end, or to `ms`. */
  const run = (ms?: number): void => void (ms === undefined ? kernel.run() : kernel.run(ms * MS));
  const reasons = (name: string): string[] =>
    events.filter((e) => e.pod === name).map((e) => `${e.ms} ${e.reason}`);
  return {
    ...c,
    client,
    kubelets: room,
    events,
    reasons,
    history,
    statuses,
    at,
    pod,
    row,
    remove,
    stamps,
    run,
  };
}

/** A container; images are distinct by name. */
export const container = (name: string, more: object = {}): object => ({
  name,
  image: `${name}:v1`,
  ...more,
});

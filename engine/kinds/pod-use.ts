// What a pod uses of its node besides CPU time: memory, disk, inodes, processes. Its annotations say so, for each
// container (`container.kubetick.io/NAME`: memory, disk, inodes, pids, log), for emptyDir volumes
// (`volume.kubetick.io/NAME`), and for all containers alike (`kubetick.io/memory`).
import { BEHAVIOUR_PREFIX, type ContainerBehaviour, parseBehaviour } from './container-behaviour.ts';
import type { Json } from './kind.ts';
import { quantityValue, sumQuantities, tryQuantity } from './quantity.ts';
import { isNothing, NO_RAMP, parseRamp, type Ramp } from './ramp.ts';

export const VOLUME_PREFIX = 'volume.kubetick.io/';
export const VOLUME_USE_TAKES = 'must be bytes, with growth and a maximum: 1Gi, 1Gi+10Mi/s, 1Gi+10Mi/s..5Gi';
export const MEMORY_ANNOTATION = 'kubetick.io/memory';

/** containerLogMaxSize × containerLogMaxFiles (pkg/kubelet/apis/config/v1beta1/defaults.go, v1.36). */
export const LOG_FILES_BYTES = 5 * 10 * 2 ** 20;

export interface ContainerUse {
  readonly name: string;
  /** Position among init containers and containers together. */
  readonly index: number;
  /** null: as the pod's own annotation says. */
  readonly memory: Ramp | null;
  /** Bytes outside of volumes: its own files and its logs. */
  readonly disk: Ramp;
  readonly logs: Ramp;
  readonly inodes: Ramp;
  readonly pids: Ramp;
  /** Limit of ephemeral storage, bytes and as it is written; 0: none. */
  readonly limitBytes: number;
  readonly limitText: string;
  /** Requests as they are written, '0' for none. */
  readonly requests: { readonly memory: string; readonly 'ephemeral-storage': string };
}

export interface VolumeUse {
  readonly name: string;
  readonly bytes: Ramp;
  /** Held in memory, not on disk. */
  readonly inMemory: boolean;
  /** sizeLimit; 0: none. */
  readonly limitBytes: number;
  readonly limitText: string;
}

export interface PodUse {
  /** Those that run on: sidecars and containers. */
  readonly containers: readonly ContainerUse[];
  readonly volumes: readonly VolumeUse[];
  /** Memory that every container uses that says nothing itself, bytes. */
  readonly memoryBytes: number;
  /** Sum of the containers' limits of ephemeral storage; 0: none has one. */
  readonly limitBytes: number;
  readonly limitText: string;
}

export const volumeUse = (text: string): Ramp | null => parseRamp(text.trim());

const STORAGE = 'ephemeral-storage';

const amount = (quantity: unknown): number =>
  tryQuantity(quantity) === undefined ? 0 : quantityValue(String(quantity));

function containerUse(c: Json, index: number, behaviour: ContainerBehaviour | null): ContainerUse {
  const { requests, limits } = c.resources ?? {};
  const memory = behaviour?.memory ?? NO_RAMP;
  const logged = (behaviour?.logLinesPerSecond ?? 0) * (behaviour?.logLineBytes ?? 0);
  return {
    name: c.name,
    index,
    memory: isNothing(memory) ? null : memory,
    disk: behaviour?.disk ?? NO_RAMP,
    logs: logged === 0 ? NO_RAMP : { start: 0, perSecond: logged, max: LOG_FILES_BYTES },
    inodes: behaviour?.inodes ?? NO_RAMP,
    pids: behaviour?.pids ?? NO_RAMP,
    limitBytes: amount(limits?.[STORAGE]),
    limitText: String(limits?.[STORAGE] ?? '0'),
    requests: { memory: String(requests?.memory ?? '0'), [STORAGE]: String(requests?.[STORAGE] ?? '0') },
  };
}

/** What the annotations say; `always`: also where they say nothing. */
export function podUse(
  spec: Json,
  annotations: Readonly<Record<string, string>>,
  always = false,
): PodUse | null {
  const says = Object.keys(annotations).some(
    (key) => key === MEMORY_ANNOTATION || key.startsWith(BEHAVIOUR_PREFIX) || key.startsWith(VOLUME_PREFIX),
  );
  if (!says && !always) return null;
  const inits: readonly Json[] = spec.initContainers ?? [];
  const all: readonly Json[] = [...inits, ...(spec.containers ?? [])];
  const containers = all.flatMap((c, index): ContainerUse[] => {
    if (index < inits.length && c.restartPolicy !== 'Always') return [];
    const text = annotations[BEHAVIOUR_PREFIX + c.name];
    return [containerUse(c, index, text === undefined ? null : parseBehaviour(text, () => {}))];
  });
  const volumes = (spec.volumes ?? []).flatMap((volume: Json): VolumeUse[] => {
    const ramp = volumeUse(annotations[VOLUME_PREFIX + volume.name] ?? '0');
    if (!volume.emptyDir || ramp === null || isNothing(ramp)) return [];
    const { medium, sizeLimit } = volume.emptyDir;
    return [
      {
        name: volume.name,
        bytes: ramp,
        inMemory: medium === 'Memory',
        limitBytes: amount(sizeLimit),
        limitText: String(sizeLimit ?? '0'),
      },
    ];
  });
  const limits = containers.filter(({ limitBytes }) => limitBytes > 0).map(({ limitText }) => limitText);
  const limitText = limits.length === 0 ? '0' : sumQuantities(limits);
  const memoryBytes = amount(annotations[MEMORY_ANNOTATION]);
  const uses =
    memoryBytes > 0 ||
    volumes.length > 0 ||
    containers.some(
      (c) => c.memory !== null || [c.disk, c.logs, c.inodes, c.pids].some((ramp) => !isNothing(ramp)),
    );
  if (!uses && !always) return null;
  return { containers, volumes, memoryBytes, limitBytes: amount(limitText), limitText };
}

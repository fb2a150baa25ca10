// The log agent of a node, as its pod says in the annotation `kubetick.io/log-agent`: `flush=5s chunk=2Mi buffer=64Mi
// sink=20Mi/s`, all of it optional. The defaults are those of fluentd's DaemonSet for Elasticsearch
// (fluent/fluentd-kubernetes-daemonset: flush_interval 5s, chunk_limit_size 2M, queue_limit_length 32, overflow_action
// block).
import { bytes, durationUs } from './amount-texts.ts';

export interface LogAgentSettings {
  /** A chunk is sent when it is so old, µs, … */
  readonly flushUs: number;
  /** … or so large, bytes. */
  readonly chunkBytes: number;
  /** What the agent's file buffer holds; while it is full nothing more is read. */
  readonly bufferBytes: number;
  /** What the sink takes from one node, bytes a second; Infinity: everything. */
  readonly sinkBytesPerSecond: number;
}

export const LOG_AGENT_ANNOTATION = 'kubetick.io/log-agent';

const MI = 2 ** 20;

const DEFAULTS: LogAgentSettings = {
  flushUs: 5_000_000,
  chunkBytes: 2 * MI,
  bufferBytes: 64 * MI,
  sinkBytesPerSecond: Number.POSITIVE_INFINITY,
};

/** Reads the annotation. `problem` is told what cannot be read; the rest counts. */
export function parseLogAgent(text: string, problem: (message: string) => void): LogAgentSettings {
  const settings: { -readonly [K in keyof LogAgentSettings]: LogAgentSettings[K] } = { ...DEFAULTS };
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const [name = '', value = ''] = entry.split(/=(.*)/s);
    const rate = name === 'sink' ? (/^(.+)\/s$/.exec(value)?.[1] ?? '') : value;
    const amount = name === 'flush' ? durationUs(value) : bytes(rate);
    if (!['flush', 'chunk', 'buffer', 'sink'].includes(name))
      problem(`unknown key "${name}"; there are flush, chunk, buffer, sink`);
    else if (amount === null || amount === 0) {
      const takes = { flush: 'a duration such as 5s', sink: 'bytes a second such as 20Mi/s' }[name];
      problem(`${name} takes ${takes ?? 'bytes such as 2Mi'}; found "${value}"`);
    } else if (name === 'flush') settings.flushUs = amount;
    else if (name === 'chunk') settings.chunkBytes = amount;
    else if (name === 'buffer') settings.bufferBytes = amount;
    else settings.sinkBytesPerSecond = amount;
  }
  return settings;
}

// Durations and bytes as Kubetick's own annotations write them: 500ms, 5s, 2m, 1h; 100, 10k, 64Mi, 2Gi.

const UNIT_US: Readonly<Record<string, number>> = { ms: 1000, s: 1e6, m: 60e6, h: 3600e6 };
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
};

/** µs, or null: not to be read. */
export function durationUs(text: string): number | null {
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return parts === null ? null : Math.round(Number(parts[1]) * UNIT_US[parts[2]!]!);
}

/** Bytes, or null: not to be read. */
export function bytes(text: string): number | null {
  const parts = /^(\d+(?:\.\d+)?)(k|M|G|Ki|Mi|Gi)?$/.exec(text);
  return parts === null ? null : Math.round(Number(parts[1]) * BYTES[parts[2] ?? '']!);
}

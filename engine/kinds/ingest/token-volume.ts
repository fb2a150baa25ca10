// The volume with a service account's token that admission adds to a pod: its name ends in five characters of the
// pod's own, which templates shared by equal pods cannot hold. Templates carry one common ending; rows give it back.
import type { Json } from '../kind.ts';

const PREFIX = 'kube-api-access-';
/** The ending that templates carry. */
export const TOKEN_SUFFIX = 'xxxxx';
const SUFFIX_LENGTH = 5;

const LISTS = ['containers', 'initContainers', 'ephemeralContainers'];

/** Spec with volume `from` and its mounts named `to`; parts without it are shared with the given spec. */
function renamed(spec: Json, from: string, to: string): Json {
  const name = (named: Json): Json => (named.name === from ? { ...named, name: to } : named);
  const result = { ...spec, volumes: spec.volumes.map(name) };
  for (const list of LISTS) {
    if (!spec[list]) continue;
    result[list] = spec[list].map((container: Json) =>
      container.volumeMounts?.some((mount: Json) => mount.name === from)
        ? { ...container, volumeMounts: container.volumeMounts.map(name) }
        : container,
    );
  }
  return result;
}

/** The spec with the common ending, and the ending it had; '' where it has no such volume. */
export function withSharedToken(spec: Json): { readonly spec: Json; readonly suffix: string } {
  const own = spec.volumes?.find(
    ({ name }: Json) => name.startsWith(PREFIX) && name.length === PREFIX.length + SUFFIX_LENGTH,
  )?.name;
  if (own === undefined) return { spec, suffix: '' };
  return { spec: renamed(spec, own, PREFIX + TOKEN_SUFFIX), suffix: own.slice(PREFIX.length) };
}

/** The spec with the pod's own ending, asked for only where the spec has such a volume. */
export function withOwnToken(spec: Json, suffix: () => string): Json {
  const shared = PREFIX + TOKEN_SUFFIX;
  if (!spec.volumes?.some((volume: Json) => volume.name === shared)) return spec;
  return renamed(spec, shared, PREFIX + suffix());
}

// Image references, as far as defaults need them.

/**
 * Tag of an image reference: `latest` when it has neither tag nor digest, '' for a digest without tag or a reference
 * that does not parse (distribution/reference; pkg/util/parsers).
 */
export function imageTag(reference: string): string {
  const at = reference.indexOf('@');
  const name = at < 0 ? reference : reference.slice(0, at);
  const digest = at < 0 ? '' : reference.slice(at + 1);
  const colon = name.lastIndexOf(':');
  const tag = colon > name.lastIndexOf('/') ? name.slice(colon + 1) : '';
  const path =
    tag === '' && colon <= name.lastIndexOf('/')
      ? name
      : colon > name.lastIndexOf('/')
        ? name.slice(0, colon)
        : name;
  if (!isImageName(path) || (colon > name.lastIndexOf('/') && !/^\w[\w.-]{0,127}$/.test(tag))) return '';
  if (at >= 0 && !/^[A-Za-z][A-Za-z0-9]*([-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/.test(digest))
    return '';
  return tag === '' && digest === '' ? 'latest' : tag;
}

/** `[domain/]path` with lower-case path components. */
function isImageName(name: string): boolean {
  const parts = name.split('/');
  const first = parts[0] as string;
  const hasDomain =
    parts.length > 1 && (/[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase());
  if (hasDomain) {
    const label = '[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?';
    if (!new RegExp(`^(?:${label}(?:\\.${label})*|\\[[A-Fa-f0-9:]+\\])(?::[0-9]+)?$`).test(first))
      return false;
    parts.shift();
  }
  if (name.length > 255 || /^[a-f0-9]{64}$/.test(name)) return false;
  return parts.every((part) => /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/.test(part));
}

/** Always for :latest (or no tag), IfNotPresent otherwise. */
export const defaultPullPolicy = (reference: string): string =>
  imageTag(reference) === 'latest' ? 'Always' : 'IfNotPresent';

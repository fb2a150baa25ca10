// Semantic versions of device attributes, ordered by the rules of semver.org 2.0.0, section 11.

/** Numbers major, minor, patch; identifiers of the pre-release, none for a release. Build metadata has no order. */
export interface Version {
  readonly numbers: readonly [bigint, bigint, bigint];
  readonly preRelease: readonly string[];
}

const NUMBER = '(0|[1-9]\\d*)';
const SEMVER = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-([0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*))?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`,
);
const NUMERIC = /^\d+$/;
const LEADING_ZERO = /^0\d+$/;

/** null: the text is no semantic version. */
export function parseVersion(text: string): Version | null {
  const match = SEMVER.exec(text);
  if (match === null) return null;
  const preRelease = match[4]?.split('.') ?? [];
  if (preRelease.some((part) => LEADING_ZERO.test(part))) return null;
  return { numbers: [BigInt(match[1]!), BigInt(match[2]!), BigInt(match[3]!)], preRelease };
}

function compareIdentifiers(a: string, b: string): number {
  const isNumberA = NUMERIC.test(a);
  const isNumberB = NUMERIC.test(b);
  if (isNumberA !== isNumberB) return isNumberA ? -1 : 1;
  if (!isNumberA) return a < b ? -1 : a > b ? 1 : 0;
  const difference = BigInt(a) - BigInt(b);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** −1, 0 or 1. */
export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    const difference = a.numbers[i]! - b.numbers[i]!;
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  // A release comes after its pre-releases.
  if (a.preRelease.length === 0 || b.preRelease.length === 0)
    return Math.sign(b.preRelease.length - a.preRelease.length);
  const length = Math.min(a.preRelease.length, b.preRelease.length);
  for (let i = 0; i < length; i++) {
    const difference = compareIdentifiers(a.preRelease[i]!, b.preRelease[i]!);
    if (difference !== 0) return difference;
  }
  return Math.sign(a.preRelease.length - b.preRelease.length);
}

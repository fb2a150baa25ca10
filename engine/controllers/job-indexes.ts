// Sets of completion indexes as ordered intervals, in the form in which a Job's status tells them: `0-2,5,7,8`
// (pkg/controller/job/indexed_job_utils.go, v1.36). Sets are never changed in place.

/** First and last index of an interval; in a set they ascend and do not touch. */
export type Interval = readonly [first: number, last: number];
export type IndexSet = readonly Interval[];

export const NO_INDEXES: IndexSet = Object.freeze([]);

/** Reads a text; what is not below `completions` is left out. Parts that are no numbers are skipped. */
export function parseIndexes(text: string | undefined, completions: number): IndexSet {
  if (text === undefined || text === '') return NO_INDEXES;
  const result: [number, number][] = [];
  for (const part of text.split(',')) {
    const [first = Number.NaN, last = first] = part.split('-').map(Number);
    if (Number.isNaN(first) || Number.isNaN(last)) continue;
    if (first >= completions) break;
    const end = Math.min(last, completions - 1);
    const previous = result.at(-1);
    if (previous !== undefined && previous[1] === first - 1) previous[1] = end;
    else result.push([first, end]);
  }
  return result;
}

/** Two neighbours are listed, three and more make a range. */
export function indexText(set: IndexSet): string {
  return set
    .map(([first, last]) =>
      first === last ? `${first}` : `${first}${last === first + 1 ? ',' : '-'}${last}`,
    )
    .join(',');
}

export const indexCount = (set: IndexSet): number =>
  set.reduce((sum, [first, last]) => sum + last - first + 1, 0);

export function hasIndex(set: IndexSet, index: number): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (set[middle]![1] >= index) high = middle;
    else low = middle + 1;
  }
  return low < set.length && set[low]![0] <= index;
}

/** The union of two sets. */
export function mergeIndexes(a: IndexSet, b: IndexSet): IndexSet {
  if (a.length === 0) return b;
  if (b.length === 0) return a;
  const result: [number, number][] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const fromA = j === b.length || (i < a.length && a[i]![0] < b[j]![0]);
    const [first, last] = fromA ? a[i++]! : b[j++]!;
    const previous = result.at(-1);
    if (previous === undefined || first > previous[1] + 1) result.push([first, last]);
    else if (previous[1] < last) previous[1] = last;
  }
  return result;
}

/** The set with more indexes, in any order. */
export function withIndexes(set: IndexSet, indexes: readonly number[]): IndexSet {
  if (indexes.length === 0) return set;
  const added: [number, number][] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const previous = added.at(-1);
    if (previous !== undefined && index <= previous[1] + 1) previous[1] = index;
    else added.push([index, index]);
  }
  return mergeIndexes(set, added);
}

/** Up to `count` indexes below `completions` that are not in the set, the lowest first. */
export function missingIndexes(set: IndexSet, count: number, completions: number): number[] {
  const result: number[] = [];
  let candidate = 0;
  for (const [first, last] of set) {
    for (; candidate < completions && result.length < count && candidate < first; candidate++)
      result.push(candidate);
    candidate = Math.max(candidate, last + 1);
  }
  for (; candidate < completions && result.length < count; candidate++) result.push(candidate);
  return result;
}

/** Number of indexes that both sets have. */
export function commonIndexes(a: IndexSet, b: IndexSet): number {
  let count = 0;
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const [firstA, lastA] = a[i]!;
    const [firstB, lastB] = b[j]!;
    count += Math.max(0, Math.min(lastA, lastB) - Math.max(firstA, firstB) + 1);
    if (lastA <= lastB) i += 1;
    if (lastB <= lastA) j += 1;
  }
  return count;
}

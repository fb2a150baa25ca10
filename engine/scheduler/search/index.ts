// The searches by name.
import type { Stream } from '../../kernel/index.ts';
import type { Verdicts } from '../framework.ts';
import { BruteSearch } from './brute.ts';
import type { NodeSearch } from './decision.ts';
import { IndexSearch } from './index-search.ts';
import type { IndexedCluster } from './node-class.ts';
import { VerifySearch } from './verify.ts';

/** `brute`: each plug-in on each node; `verify`: both searches, compared; any other name: the index. */
export function nodeSearch(
  name: string,
  cluster: IndexedCluster,
  verdicts: Verdicts,
  ties: Pick<Stream, 'int'>,
): NodeSearch {
  if (name === 'brute') return new BruteSearch(cluster, verdicts, ties);
  if (name === 'verify') return new VerifySearch(cluster, verdicts, ties);
  return new IndexSearch(cluster, verdicts, ties);
}

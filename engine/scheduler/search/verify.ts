// Both searches on every decision: stops at the first difference, with what each of them says. The index goes first and
// draws among ties; the plain search is given the same draws and must ask for them from the same number of nodes.
import { assert, type Stream } from '../../kernel/index.ts';
import type { Extenders } from '../extenders.ts';
import type { Framework, Verdicts } from '../framework.ts';
import type { PodCursor } from '../views.ts';
import { BruteSearch } from './brute.ts';
import type { Decision, NodeSearch } from './decision.ts';
import type { AttemptFilters } from './filters.ts';
import { IndexSearch, type ScanLimits } from './index-search.ts';
import type { IndexedCluster } from './node-class.ts';

/** What of a decision anyone reads, as one text. */
export function decisionText(
  d: Decision,
  start: number,
  drawnFrom: number,
  framework: Framework,
  nodeName: (node: number) => string,
): string {
  const lines = [
    `node ${d.node < 0 ? 'none' : nodeName(d.node)} of ${d.nodeCount}`,
    `examined ${d.examined}, feasible ${d.feasible}, scored ${d.scored}, next start ${start}`,
    `ties ${d.ties}, drawn from ${drawnFrom}, nominated ${d.nominated}`,
    `PreFilter verdict ${d.preFilterVerdict}, restricted by [${d.restrictedBy}] to [${d.restrictedTo}]`,
  ];
  if (d.scored > 0) {
    const scores = framework.score.map(({ name }, s) =>
      d.scorerSkipped[s] === 1 ? `${name} skipped` : `${name} ${d.winnerScores[s]}`,
    );
    lines.push(`total ${d.total}: ${scores.join(', ')}`);
  } else if (d.node < 0 && d.nodeCount > 0 && d.preFilterVerdict === 0) {
    const rejected: string[] = [];
    for (let i = 0; i < d.examined; i++) {
      const node = d.examinedNodes[i]!;
      rejected.push(`${nodeName(node)} ${d.verdict(node)}`);
    }
    lines.push(`rejected: ${rejected.join(', ')}`);
  }
  return lines.join('\n');
}

export class VerifySearch implements NodeSearch {
  readonly filters: AttemptFilters;
  /** Decisions compared. */
  verified = 0;
  /** What both say is compared, so they always do. */
  explains = true;
  readonly index: IndexSearch;
  readonly #brute: BruteSearch;
  readonly #cluster: IndexedCluster;
  #draw = 0;
  #drawnFrom = 0;
  #askedFor = 0;
  /** The plain search decides alone, and draws for itself. */
  #isPlain = false;

  constructor(cluster: IndexedCluster, verdicts: Verdicts, ties: Pick<Stream, 'int'>, limits?: ScanLimits) {
    this.#cluster = cluster;
    const draws = {
      int: (n: number) => {
        this.#drawnFrom = n;
        this.#draw = ties.int(n);
        return this.#draw;
      },
    };
    this.index = new IndexSearch(cluster, verdicts, draws, limits);
    this.#brute = new BruteSearch(cluster, verdicts, {
      int: (n) => {
        this.#askedFor = n;
        if (this.#isPlain) return ties.int(n);
        return Math.min(this.#draw, n - 1);
      },
    });
    this.filters = this.#brute.filters;
  }

  get extenders(): Extenders | null {
    return this.#brute.extenders;
  }
  set extenders(extenders: Extenders | null) {
    this.#brute.extenders = extenders;
  }

  plainly(pod: PodCursor, framework: Framework): Decision {
    this.#isPlain = true;
    const d = this.#brute.select(pod, framework);
    this.#isPlain = false;
    this.index.brute.start = this.#brute.start;
    return d;
  }

  select(pod: PodCursor, framework: Framework): Decision {
    // An extender is asked once: what it says twice need not be the same.
    if (this.extenders?.take(pod, framework) === true) return this.plainly(pod, framework);
    const nameOf = (node: number): string => this.#cluster.nodeName(node);
    this.#drawnFrom = 0;
    this.#askedFor = 0;
    const found = this.index.select(pod, framework);
    const indexed = decisionText(found, this.index.start, this.#drawnFrom, framework, nameOf);
    const d = this.#brute.select(pod, framework);
    const plain = decisionText(d, this.#brute.start, this.#askedFor, framework, nameOf);
    assert(
      indexed === plain,
      () =>
        `decision ${this.verified + 1}, pod ${pod.namespace}/${pod.name}: the searches differ\n` +
        `--- plain search\n${plain}\n--- index\n${indexed}`,
    );
    this.verified += 1;
    return d;
  }
}

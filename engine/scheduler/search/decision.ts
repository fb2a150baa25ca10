// What an attempt found, as every search answers it. One object a search, reused: read it before the next attempt.
import type { Verdict } from '../../contracts/scheduler.ts';
import type { Extenders } from '../extenders.ts';
import type { Framework } from '../framework.ts';
import type { PodCursor } from '../views.ts';
import type { AttemptFilters } from './filters.ts';

export class Decision {
  /** Chosen node, -1. */
  node = -1;
  /** Nodes in the cluster. */
  nodeCount = 0;
  /** Nodes that filters looked at. */
  examined = 0;
  /** Nodes that passed: feasibleNodes[0..feasible), in the order in which they were looked at. */
  feasible = 0;
  feasibleNodes = new Int32Array(64);
  /** Nodes that were scored: `feasible`, or 0 where no choice was left. */
  scored = 0;
  /** The pod's nominated node took it: no other was looked at. */
  nominated = false;
  /** Feasible nodes with the highest total. */
  ties = 0;
  /** Verdict of each examined node that did not pass, by node. */
  verdicts = new Int32Array(64);
  /** A PreFilter plug-in rejected the pod for all nodes: its verdict. */
  preFilterVerdict: Verdict = 0;
  /** PreFilter plug-ins that named the only nodes worth a look; empty: all nodes. */
  restrictedBy: string[] = [];
  restrictedTo: readonly string[] = [];
  /** Nodes that were examined when none passed: examinedNodes[0..examined). */
  examinedNodes = new Int32Array(64);
  /** Of the chosen node, where nodes were scored: its total, and by scorer of the profile its normalised score. */
  total = 0;
  winnerScores = new Int32Array(32);
  /** By scorer of the profile: normalised scores in the order of feasibleNodes; skipped scorers' are stale. */
  scores: Int32Array[] = [];
  scorerSkipped = new Uint8Array(32);
  totals = new Int32Array(64);
  /** Extenders that gave points: weighted and scaled, in the order of feasibleNodes, and those of the chosen node. */
  extended: { readonly name: string; readonly scores: Int32Array; chosen: number }[] = [];
  /** An extender or a filter failed, and the attempt with it: its text; ''. */
  error = '';

  verdict(node: number): Verdict {
    return this.verdicts[node]!;
  }

  reset(nodeCount: number, rows: number, scorers: number): void {
    this.node = -1;
    this.nodeCount = nodeCount;
    this.examined = 0;
    this.feasible = 0;
    this.scored = 0;
    this.ties = 0;
    this.nominated = false;
    this.preFilterVerdict = 0;
    this.total = 0;
    this.error = '';
    if (this.extended.length > 0) this.extended = [];
    if (this.restrictedBy.length > 0) {
      this.restrictedBy = [];
      this.restrictedTo = [];
    }
    if (this.verdicts.length < rows) this.verdicts = new Int32Array(rows);
    // Room for one block of candidates behind the feasible ones.
    if (this.feasibleNodes.length < nodeCount * 2) {
      this.feasibleNodes = new Int32Array(nodeCount * 2);
      this.examinedNodes = new Int32Array(nodeCount);
      this.totals = new Int32Array(nodeCount);
      this.scores = [];
    }
    while (this.scores.length < scorers) this.scores.push(new Int32Array(this.totals.length));
    if (this.scorerSkipped.length < scorers) {
      this.scorerSkipped = new Uint8Array(scorers * 2);
      this.winnerScores = new Int32Array(scorers * 2);
    }
  }
}

/** Answers "which node?" for one pod. The pod may stay where it is: nothing is assumed here. */
export interface NodeSearch {
  /** The filters of the latest attempt: what PostFilter plug-ins try goes through them. */
  readonly filters: AttemptFilters;
  /** Decisions compared with another search. */
  readonly verified: number;
  /** Whether decisions have to say what the winner got, and from whom (total, winnerScores, scorerSkipped). */
  explains: boolean;
  select(pod: PodCursor, framework: Framework): Decision;
  /** The same by the plain search alone. */
  plainly(pod: PodCursor, framework: Framework): Decision;
  /** Whom the plain search asks besides plug-ins; null: nobody. */
  extenders: Extenders | null;
}

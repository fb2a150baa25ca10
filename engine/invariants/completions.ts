// Every completion of a Job is counted once, watched from outside its controller with `--paranoid`: what a status tells
// as succeeded, counted or about to be, is never more than the pods of the Job that have succeeded, never less than it
// was before, and for an Indexed Job as many as its completed indexes.
import { InvariantError } from '../kernel/index.ts';
import type { Json, KubeObject } from '../kinds/kind.ts';
import { type ClusterState, Phase, phaseOf, type RevisionLog, Verb } from '../state/index.ts';

interface Counted {
  /** Pods that have succeeded in the run. */
  pods: number;
  /** Told already by the first status that was seen: of a dump. */
  before: number;
  told: number;
}

/** Numbers that `0-2,5` names. */
const indexesIn = (text: string): number =>
  text === ''
    ? 0
    : text.split(',').reduce((sum, range) => {
        const [from, to = from] = range.split('-').map(Number);
        return sum + to! - from! + 1;
      }, 0);

export class Completions {
  readonly #state: ClusterState;
  readonly #jobs = new Map<number, Counted>();
  /** Pods that have succeeded and exist, by serial number. */
  readonly #succeeded = new Set<number>();

  constructor(state: ClusterState) {
    this.#state = state;
  }

  pod(log: RevisionLog, position: number): void {
    const { pods } = this.#state;
    const row = log.id(position);
    const serial = pods.serial[row]!;
    const owner = pods.owner[row]!;
    if (log.verb(position) === Verb.deleted) {
      this.#succeeded.delete(serial);
      return;
    }
    if (owner < 0 || phaseOf(log.word(position)) !== Phase.succeeded || this.#succeeded.has(serial)) return;
    this.#succeeded.add(serial);
    this.#of(owner).pods += 1;
  }

  job(log: RevisionLog, position: number): void {
    const id = log.id(position);
    if (log.verb(position) === Verb.deleted) {
      this.#jobs.delete(id);
      return;
    }
    const object = log.object(position) as KubeObject;
    const status: Json = object['status'] ?? {};
    const uncounted: readonly string[] = status.uncountedTerminatedPods?.succeeded ?? [];
    const succeeded: number = status.succeeded ?? 0;
    const told = succeeded + uncounted.length;
    const isNew = !this.#jobs.has(id);
    const counted = this.#of(id);
    if (isNew) counted.before = told;
    const { namespace, name } = object.metadata;
    const fail = (problem: string): never => {
      throw new InvariantError(`Job ${namespace}/${name} ${problem}`, {
        told,
        succeededPods: counted.pods,
        atTheStart: counted.before,
        before: counted.told,
      });
    };
    if (new Set(uncounted).size !== uncounted.length) fail('lists a succeeded pod twice');
    if (object['spec']?.completionMode === 'Indexed') {
      if (succeeded !== indexesIn(status.completedIndexes ?? ''))
        fail('counts more than its completed indexes');
    } else if (told < counted.told) fail('forgets a completion');
    if (told > counted.before + counted.pods) fail('counts a completion twice');
    counted.told = told;
  }

  #of(job: number): Counted {
    let counted = this.#jobs.get(job);
    if (counted === undefined) {
      counted = { pods: 0, before: 0, told: 0 };
      this.#jobs.set(job, counted);
    }
    return counted;
  }
}

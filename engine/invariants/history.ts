// What must hold of the course of a run, whoever does what: fed with every commit and with who asked for it, only with
// `--paranoid`. What must hold of a single moment is in sweep.ts.
import type { ClusterState, RevisionLog } from '../state/index.ts';
import { Availability } from './availability.ts';
import { Completions } from './completions.ts';

export class History {
  readonly #state: ClusterState;
  readonly #availability: Availability | null;
  readonly #completions: Completions | null;
  readonly #cursors = new Map<RevisionLog, number>();

  /** `isBuiltIn`: whether the controller of that name runs, and is the program's own. */
  constructor(state: ClusterState, isBuiltIn: (controller: string) => boolean) {
    this.#state = state;
    this.#availability = isBuiltIn('deployment') && isBuiltIn('replicaset') ? new Availability(state) : null;
    this.#completions = isBuiltIn('job') ? new Completions(state) : null;
  }

  /** A client's request to delete a pod, or to change an object, is about to be carried out. */
  acting(client: string, what: 'deletePod' | 'change', subject: number): void {
    if (what === 'deletePod') this.#availability?.deletesPod(client, subject);
    else this.#availability?.changes(client, subject);
  }

  /** Takes in what the logs have gained. Throws InvariantError for the first thing that does not hold. */
  committed(): void {
    const { objects, podLog } = this.#state;
    // Deployments before their pods, pods before the Jobs that count them.
    this.#each(objects.findKind('Deployment')?.log, (log, p) => this.#availability?.deployment(log, p));
    this.#each(podLog, (log, p) => {
      this.#availability?.pod(log, p);
      this.#completions?.pod(log, p);
    });
    this.#each(objects.findKind('Job')?.log, (log, p) => this.#completions?.job(log, p));
    this.#availability?.check();
  }

  #each(log: RevisionLog | undefined, take: (log: RevisionLog, position: number) => void): void {
    if (log === undefined) return;
    for (let p = this.#cursors.get(log) ?? 0; p < log.head; p++) take(log, p);
    this.#cursors.set(log, log.head);
  }
}

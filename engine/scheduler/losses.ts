// Tells the loss report where default plug-ins that are not modelled would have acted: most of them when a pod enters
// the queue, those that only act after a failed attempt when one fails.
import type { UnmodelledPlugin } from '../contracts/scheduler.ts';
import type { Recorder } from '../metrics/recorder.ts';
import type { PodTemplate } from '../state/index.ts';
import type { Framework } from './framework.ts';

interface Loss {
  readonly field: string;
  readonly note: string;
}

const actsOnFailureOnly = ({ points }: UnmodelledPlugin): boolean =>
  points.includes('postFilter') && !points.includes('filter') && !points.includes('score');

export class Losses {
  readonly #recorder: Pick<Recorder, 'loss'>;
  readonly #frameworks: readonly Framework[];
  /** By profile, then twice the template id, plus one for controlled pods. */
  readonly #known: (readonly Loss[])[][];

  constructor(recorder: Pick<Recorder, 'loss'>, frameworks: readonly Framework[]) {
    this.#recorder = recorder;
    this.#frameworks = frameworks;
    this.#known = frameworks.map(() => []);
  }

  queued(profile: number, template: PodTemplate, owned: boolean): void {
    const key = template.id * 2 + (owned ? 1 : 0);
    let losses = this.#known[profile]![key];
    if (losses === undefined) {
      losses = this.#find(this.#frameworks[profile]!, template, owned, false);
      this.#known[profile]![key] = losses;
    }
    this.#report(losses);
  }

  /** The first failed attempt of a pod. */
  failed(framework: Framework, template: PodTemplate): void {
    this.#report(this.#find(framework, template, false, true));
  }

  /** One entry a field, although several plug-ins may read it. */
  #find({ unmodelled }: Framework, template: PodTemplate, owned: boolean, onFailure: boolean): Loss[] {
    const losses: Loss[] = [];
    for (const plugin of unmodelled) {
      if (actsOnFailureOnly(plugin) !== onFailure) continue;
      const field = plugin.acts(template, owned);
      if (field !== null && !losses.some((loss) => loss.field === field))
        losses.push({ field, note: plugin.note });
    }
    return losses;
  }

  #report(losses: readonly Loss[]): void {
    for (const { field, note } of losses) this.#recorder.loss('kube-scheduler', 'Pod', field, 1, note);
  }
}

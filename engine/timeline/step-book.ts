// The steps of a run as its timeline tells them: as the scenario gives them, with the answers they got.
import type { ResolvedScenario, TimedStep } from '../contracts/scenario.ts';
import type { StepAnswer } from '../contracts/timeline.ts';
import type { Json } from '../kinds/kind.ts';

type Told = Record<string, Json>;

/** A step of a run that no scenario file describes. */
function described(step: TimedStep): Told {
  const name = (kind: string, object: string): string => `${kind}/${object}`;
  const refs =
    step.target !== undefined
      ? [name(step.target.kind, step.target.name)]
      : step.objects.map(({ object }) =>
          name(object.kind, object.metadata.name ?? object.metadata.generateName ?? ''),
        );
  return {
    t: step.atUs / 1000,
    do: step.do,
    ref: refs.length === 1 ? refs[0] : refs,
    ...(step.target?.replicas === undefined ? {} : { replicas: step.target.replicas }),
    ...(step.patch === undefined ? {} : { type: step.patch.type, body: step.patch.body }),
  };
}

export class StepBook {
  readonly #originUs: number;
  /** Steps as given, without answers. */
  readonly given: readonly Told[];
  readonly #told: Told[];
  readonly #index = new Map<TimedStep, number>();

  constructor(scenario: ResolvedScenario) {
    const { frame, steps } = scenario;
    this.#originUs = frame?.originUs ?? 0;
    if (frame === undefined) {
      this.given = steps.map(described);
      for (const [i, step] of steps.entries()) this.#index.set(step, i);
    } else {
      this.given = frame.steps;
      for (const step of steps) if (step.ordinal !== undefined) this.#index.set(step, step.ordinal);
    }
    this.#told = this.given.map((step) => ({ ...step }));
  }

  answered(answer: StepAnswer): void {
    const index = this.#index.get(answer.step);
    if (index === undefined) return;
    const told = this.#told[index]!;
    told['sent'] ??= (answer.sentUs - this.#originUs) / 1000;
    // Back to whole µs first: a difference of fractions is not exact.
    told['tookMs'] = (answer.answeredUs - this.#originUs - Math.round(told['sent'] * 1000)) / 1000;
    if (answer.picked !== undefined) told['picked'] = answer.picked;
    if (answer.printed !== undefined) Object.assign(told, answer.printed);
    if (told['do'] === 'kubectl' || answer.printed !== undefined) {
      told['exit'] = Math.max(told['exit'] ?? 0, answer.code >= 400 ? 1 : 0);
      return;
    }
    if (told['do'] === 'add-node') return;
    if (answer.code === 0 || (told['code'] ?? 0) >= 400) return;
    told['code'] = answer.code;
    if (answer.code >= 400) told['status'] = { reason: answer.reason, message: answer.message };
  }

  list(): readonly Told[] {
    return this.#told;
  }
}

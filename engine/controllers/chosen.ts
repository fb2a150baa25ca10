// Which controllers a run has: the built-in ones, the user's own beside them or in the place of the built-in one of the
// same name, and of these what kube-controller-manager's flag `--controllers` leaves.
import type { ControllerDefinition } from '../contracts/controller.ts';

/** An entry of `--controllers`: `*`, a name, or `-` and a name. With and without the ending `-controller`. */
export type ControllerChoice = string;

const ENDING = '-controller';
const bare = (name: string): string => (name.endsWith(ENDING) ? name.slice(0, -ENDING.length) : name);

/** The name that an entry is about; null: all (`*`). */
export const choiceName = (choice: ControllerChoice): string | null =>
  choice === '*' ? null : bare(choice.startsWith('-') ? choice.slice(1) : choice);

/**
 * The first entry that names it decides; one that none names runs if `*` is among them
 * (staging/src/k8s.io/controller-manager/app/helper.go, IsControllerEnabled, v1.36).
 */
export function isControllerEnabled(name: string, choices: readonly ControllerChoice[]): boolean {
  for (const choice of choices) if (choiceName(choice) === bare(name)) return !choice.startsWith('-');
  return choices.includes('*');
}

/**
 * The controllers of a run, in the order in which they are served: a user's own one that has the name of a built-in one
 * stands in its place, others come after all of them.
 */
export function chosenControllers(
  builtIn: readonly ControllerDefinition[],
  own: readonly ControllerDefinition[],
  choices: readonly ControllerChoice[] = ['*'],
): ControllerDefinition[] {
  const byName = new Map(own.map((definition) => [bare(definition.name), definition]));
  const names = new Set(builtIn.map(({ name }) => bare(name)));
  return [
    ...builtIn.map((definition) => byName.get(bare(definition.name)) ?? definition),
    ...own.filter(({ name }) => !names.has(bare(name))),
  ].filter(({ name }) => isControllerEnabled(name, choices));
}

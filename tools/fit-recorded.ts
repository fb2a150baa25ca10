// Fits the few constants of the cost preset `recorded`: runs one half of the recorded scenarios with each of several
// loads, chooses the load with the fewest differences that latencies can mend, and prints what the other half, which had
// no part in the choice, makes of each. Nothing is written: policies/costs/recorded.ts holds what was chosen.
// `npm run fit`; with a regular expression, over the scenarios whose names match.
import { FITTED, type RecordedLoad, recordedWith } from '../policies/costs/recorded.ts';
import { names, type Problems, problemsOf, recorded } from '../tests/oracle/timelines-harness.ts';

/** Families whose behaviour is modelled whole; of others most differences have other causes. */
const FAMILIES = /^(deploy|rs|rc|svc|flow|gc-deployment|gc-replicaset)/;
const COUNTED: readonly (keyof Problems)[] = ['envelope', 'missing', 'extra', 'order', 'time'];

interface Score {
  clean: number;
  differences: number;
  scenarios: number;
}

async function scores(scenarios: readonly string[], load: RecordedLoad): Promise<[Score, Score]> {
  const halves: [Score, Score] = [
    { clean: 0, differences: 0, scenarios: 0 },
    { clean: 0, differences: 0, scenarios: 0 },
  ];
  for (const [i, name] of scenarios.entries()) {
    const problems = await problemsOf(name, recordedWith(load));
    if (problems === null) continue;
    const found = COUNTED.reduce((sum, column) => sum + problems[column].length, 0);
    const half = halves[i % 2]!;
    half.scenarios += 1;
    half.differences += found;
    if (found === 0) half.clean += 1;
  }
  return halves;
}

if (!recorded) throw new Error('the recordings are not there: ../shared/oracle/controlplane');
const wanted = process.argv[2] === undefined ? FAMILIES : new RegExp(process.argv[2]);
const scenarios = names().filter((name) => wanted.test(name));
const show = ({ clean, differences, scenarios: all }: Score): string =>
  `${clean} of ${all} without differences, ${differences} differences`;
let best: { load: RecordedLoad; fitted: Score; checked: Score } | null = null;
for (const load of [1, 1.5, 2, 3])
  for (const networkMs of [0.75, 1.5, 2.25])
    for (const syncMs of [0.2, 0.7, 1.5]) {
      const tried = { load, networkMs, syncMs };
      const [fitted, checked] = await scores(scenarios, tried);
      console.log(
        `load ${load} network ${networkMs} ms sync ${syncMs} ms: fitted on ${show(fitted)}; checked on ${show(checked)}`,
      );
      const better =
        best === null ||
        fitted.differences < best.fitted.differences ||
        (fitted.differences === best.fitted.differences && fitted.clean > best.fitted.clean);
      if (better) best = { load: tried, fitted, checked };
    }
console.log(
  `\nthe preset has ${JSON.stringify(FITTED)}\nchosen: ${JSON.stringify(best!.load)}\n  fitted:  ${show(best!.fitted)}\n  checked: ${show(best!.checked)}`,
);

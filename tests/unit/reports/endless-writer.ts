// Started by a test as a process of its own, to be killed at a random moment: writes the result of the same run to
// the same place, again and again. Argument: the place.
import { execute } from '../../../experiments/execute.ts';
import { fakeSimulate, scenarioOf } from './fake-engine.ts';

const scenario = scenarioOf({ podCount: 3000 });
process.stdout.write('started\n');
for (;;) await execute(scenario, process.argv[2]!, fakeSimulate());

// Started by a test as a process of its own, to be ended by Ctrl-C: `run` with an engine that takes a minute and
// holds the thread all the while. Argument: the place of the result.
import { run } from '../../../cli/commands/run.ts';
import { interruptible } from '../../../cli/interruptible.ts';
import { fakeSimulate, scenarioOf } from './fake-engine.ts';

const io = { stdout: process.stdout, stderr: process.stderr, env: process.env };
process.exitCode = await run({ paths: [], out: process.argv[2]!, quiet: true }, io, {
  load: async () => scenarioOf(),
  simulate: (scenario, options) =>
    interruptible(() => {
      const result = fakeSimulate()(scenario, { ...options, sinks: [] });
      options.sinks![0]!.open(scenario).table({ name: 'pods', help: '', columns: [] });
      process.stdout.write('started\n');
      const startMs = performance.now();
      while (performance.now() - startMs < 60_000);
      return result;
    }),
});

// The program `kubetick`: hands the command line to program.ts and its exit code to the process.
import { main } from './program.ts';

// A reader that has seen enough (`kubetick … | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

process.exitCode = await main(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
});

// CPU time of a whole process, as the operating system accounts for it after the process has ended.
import { spawnSync } from 'node:child_process';
import process from 'node:process';

/** Runs Node with these arguments; user plus system seconds, exit status and standard error. */
export function nodeProcess(args: readonly string[]): { cpuSeconds: number; status: number; stderr: string } {
  // bash's `time` reads wait4, to the millisecond; it prints to the standard error that it opened first.
  const script = 'TIMEFORMAT="%3U %3S"; { time "$0" "$@" >/dev/null 2>&3; } 3>&2 2>&1';
  const done = spawnSync('bash', ['-c', script, process.execPath, ...args], { encoding: 'utf8' });
  const [user, system] = done.stdout.trim().split(' ').map(Number);
  return { cpuSeconds: user! + system!, status: done.status ?? -1, stderr: done.stderr };
}

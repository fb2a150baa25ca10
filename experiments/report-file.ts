// The file of a report: checked before tables are read, which may take long, and written whole or not at all.
import { existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError, type UserProblem } from './problems.ts';

/** What speaks against writing there; nothing is touched. */
export function checkTarget(file: string): UserProblem[] {
  const problem = (message: string, hint: string): UserProblem[] => [{ code: 'E4002', file, message, hint }];
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    return problem(
      'found a folder, expected the name of a file',
      `for example ${file.replace(/\/*$/, '')}/report.html`,
    );
  const folder = dirname(file);
  if (!existsSync(folder)) return problem(`there is no folder ${folder}`, 'make it, or give another --html');
  if (!statSync(folder).isDirectory()) return problem(`${folder} is no folder`, 'give another --html');
  return [];
}

/** Under another name first: a reader sees the old page or the new one. */
export function writePage(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw new UserError({
      code: 'E4002',
      file,
      message: `the page cannot be written: ${(error as Error).message.replace(/,[^,]*$/, '')}`,
      hint: 'check the path, permissions and free space',
    });
  }
}

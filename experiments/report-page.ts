// From results to the page that people open: reads them, makes the page and writes it whole. What `kubetick report --html`
// does, and `run` and `sweep` where the Experiment says `output.html`.
import { browserText } from '../reports/html/browser-text.ts';
import { reportPage } from '../reports/html/page.ts';
import { UserError } from './problems.ts';
import { reportData } from './report-data.ts';
import { checkTarget, writePage } from './report-file.ts';

/** Name of the page beside results. */
export const REPORT_FILE = 'report.html';

/** Results that cannot be read and a file that cannot be written are told together, as one UserError. */
export function writeReport(
  sources: readonly string[],
  file: string,
  progress?: (done: number, total: number) => void,
): void {
  const problems = checkTarget(file);
  let data: ReturnType<typeof reportData>;
  try {
    data = reportData(sources, progress);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError([...problems, ...error.problems]);
  }
  if (problems.length > 0) throw new UserError(problems);
  writePage(file, reportPage(data, browserText()));
}

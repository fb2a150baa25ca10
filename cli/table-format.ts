// `--format` of the commands that write result tables.
import type { TableFormat } from '../experiments/table-formats.ts';
import { UserError } from './errors.ts';

/** What was asked for, CSV without a wish. Anything else is a UserError. */
export async function tableFormat(wanted: string | undefined): Promise<TableFormat> {
  const { TABLE_FORMATS } = await import('../experiments/table-formats.ts');
  const format = TABLE_FORMATS.find((one) => one === (wanted ?? 'csv'));
  if (format !== undefined) return format;
  throw new UserError({
    code: 'E1003',
    path: '--format',
    message: `found ${JSON.stringify(wanted)}, expected ${TABLE_FORMATS.join(' or ')}`,
  });
}

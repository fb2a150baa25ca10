// Writes tests/oracle/data/manifests-selection.jsonl.gz: a spread of the recorded manifests with their inputs, small
// enough to keep, so that a clone without the recordings tests itself. Run: npx tsx tools/select-manifests.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { kindOf } from '../engine/kinds/registry.ts';
import { compareRow, readManifest } from '../tests/oracle/manifests-harness.ts';

const shared = join(import.meta.dirname, '../../shared');
const target = join(import.meta.dirname, '../tests/oracle/data/manifests-selection.jsonl.gz');
/** Of one kind and code, every n-th accepted row; refusals are rarer and nearly all kept. */
const ACCEPTED_STEP = 6;
const SIZE_MAX = 12_000;

const lines = gunzipSync(readFileSync(join(shared, 'oracle/controlplane/api-answers/manifests.jsonl.gz')))
  .toString('utf8')
  .trim()
  .split('\n');
const files = new Map();
const seen = new Map();
const messages = new Set();
const chosen = [];
for (const line of lines) {
  const row = JSON.parse(line);
  if (row.code === 0 || row.code === 409) continue;
  const documents =
    files.get(row.file) ?? readManifest(readFileSync(join(shared, 'data/k8s-manifests', row.file), 'utf8'));
  files.set(row.file, documents);
  const raw = documents[row.document]?.[row.item];
  const builtIn = kindOf(String(raw?.apiVersion), String(raw?.kind)) !== undefined;
  const key = builtIn ? `${row.apiVersion} ${row.kind} ${row.code}` : 'other 404';
  const index = seen.get(key) ?? 0;
  seen.set(key, index + 1);
  const shape = (row.message ?? '').replace(/"[^"]*"/g, '""');
  const wanted =
    row.code === 201 || !builtIn ? index % (builtIn ? ACCEPTED_STEP : 100) === 0 : !messages.has(shape);
  if (!wanted || JSON.stringify(row).length + JSON.stringify(raw ?? null).length > SIZE_MAX) continue;
  const result = compareRow(row, raw);
  const equal = result.codeEqual && result.objectEqual !== false && result.messageEqual !== false;
  if (!equal || !result.warningsEqual || result.causesEqual === false) continue;
  messages.add(shape);
  chosen.push(JSON.stringify({ ...row, raw }));
}
const bytes = gzipSync(chosen.join('\n'), { level: 9 });
writeFileSync(target, bytes);
process.stdout.write(`${chosen.length} rows, ${bytes.length} bytes\n`);

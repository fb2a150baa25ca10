// How to get the same numbers again: commands, versions, seeds, fingerprints, the resolved scenario.
import { html, type Markup } from '../markup.ts';
import type { ReportData, RunDetail } from '../model.ts';
import { quotedWord } from '../words.ts';

const RUNS_MAX = 60;
const SPECS_MAX = 4;

export function repeat(data: ReportData): Markup {
  const { variants, command, kubetick } = data;
  const detail = variants.find((variant) => variant.detail !== null)?.detail ?? null;
  const first = variants[0]!.runs[0]!;
  return html`<h3>The exact command</h3><p>Runs are repeated from their own directory, without the files they were made from, and compared byte by byte:</p><pre><code>kubetick verify ${quotedWord(detail?.directory ?? first.directory)}</code></pre><p>This page, from the same directories, byte by byte:</p><pre><code>${command}</code></pre>${versions(detail, kubetick)}${runs(data)}${specs(data)}`;
}

function versions(detail: RunDetail | null, kubetick: string): Markup {
  const rows: (readonly [string, string])[] = [['this page', `kubetick ${kubetick}`]];
  if (detail !== null) {
    const { kubernetes, node, kubetick: ran } = detail.versions;
    rows.push(
      ['the runs', `kubetick ${ran} on Node ${node}`],
      ['behaviour modelled', `Kubernetes ${kubernetes}`],
      ['durations', detail.costs],
    );
  }
  return html`<h3>Versions</h3><dl class="facts">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function runs({ variants }: ReportData): Markup {
  const all = variants.flatMap(({ label, runs: list }) => list.map((run) => ({ label, run })));
  const shown = all.slice(0, RUNS_MAX);
  const table = html`<div class="table-box"><table><thead><tr><th scope="col">Variant</th><th scope="col" class="num">replication</th><th scope="col">seed</th><th scope="col">fingerprint</th><th scope="col">directory</th></tr></thead><tbody>${shown.map(
    ({ label, run }) =>
      html`<tr><td>${label}</td><td class="num">${run.replication}</td><td>${run.seed}</td><td><code>${run.fingerprint}</code></td><td><code>${run.directory}</code></td></tr>`,
  )}</tbody></table></div>${all.length > shown.length ? html`<p class="muted">and ${all.length - shown.length} more: sweep.json has all</p>` : ''}`;
  return html`<h3>Runs</h3>${shown.length > 6 ? html`<details><summary>${all.length} runs with seeds and fingerprints</summary>${table}</details>` : table}`;
}

function specs({ variants }: ReportData): Markup {
  const detailed = variants.flatMap(({ label, detail }) => (detail === null ? [] : [{ label, detail }]));
  if (detailed.length === 0) return html``;
  return html`<h3>Resolved scenario</h3>${detailed.slice(0, SPECS_MAX).map(
    ({ label, detail }) =>
      html`<details class="long"><summary>${label}: everything the run depends on but its costs</summary><p class="muted">Ingredients of the fingerprint: ${Object.entries(
        detail.ingredients,
      )
        .map(([name, digest]) => `${name} ${digest}`)
        .join(
          ', ',
        )}. Long lists are cut; manifest.json has them.</p><pre class="spec"><code>${detail.spec}</code></pre></details>`,
  )}${detailed.length > SPECS_MAX ? html`<p class="muted">and those of ${detailed.length - SPECS_MAX} more variants in their manifest.json</p>` : ''}`;
}

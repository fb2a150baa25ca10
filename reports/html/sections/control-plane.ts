// Where the control plane is slow: requests and work queues with the highest p99, and answers that were errors.
import { grouped } from '../../units.ts';
import { html, type Markup } from '../markup.ts';
import type { ReportData, ReportVariant } from '../model.ts';
import { ladders, latencyNames, meanOf } from './ladders.ts';

const REQUESTS = 8;
const QUEUES = 6;
/** Shorter waits are no reason for anything. */
const NOTABLE_SECONDS = 1e-4;

export function controlPlane({ variants }: ReportData): Markup {
  const requests = slowest(variants, /^api\./, REQUESTS, 'requests');
  const queues = slowest(variants, /^workqueue\./, QUEUES, 'keys');
  const drawn = [
    part('Requests to the API server, those with the highest p99', variants, requests),
    part('Waits in work queues of controllers, the longest', variants, queues),
    errors(variants),
  ];
  if (drawn.every((one) => one === null))
    return html`<p class="empty">The runs have observed neither requests to the API server nor work queues.</p>`;
  return html`${drawn}`;
}

function part(
  title: string,
  variants: readonly ReportVariant[],
  wanted: readonly (readonly [string, string])[],
): Markup | null {
  const found = ladders(variants, wanted);
  return found === null ? null : html`<h3>${title}</h3>${found}`;
}

/** Names of latencies by their largest p99, with how many there were: means over replications. */
function slowest(
  variants: readonly ReportVariant[],
  pattern: RegExp,
  most: number,
  unit: string,
): [string, string][] {
  const largest = (name: string, what: string): number =>
    variants.reduce((max, variant) => Math.max(max, meanOf(variant, `latency.${name}.${what}`) || 0), 0);
  return latencyNames(variants)
    .filter((name) => pattern.test(name))
    .map((name) => ({ name, p99: largest(name, 'p99'), count: largest(name, 'count') }))
    .filter(({ p99 }) => p99 >= NOTABLE_SECONDS)
    .sort((a, b) => b.p99 - a.p99 || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(({ name, count }) => [
      name,
      `${grouped(Math.round(count))} ${unit}${variants.length > 1 ? ' at most' : ''}`,
    ]);
}

/** Of the runs looked at closely. */
function errors(variants: readonly ReportVariant[]): Markup | null {
  const found = variants.flatMap(({ label, detail }) =>
    (detail?.requestErrors ?? []).map((error) => ({ label, ...error })),
  );
  if (found.length === 0) return null;
  const several = variants.length > 1;
  return html`<h3>Answers of 400 and more</h3><p class="muted">409 is usual where clients race: another write came first, or the object exists.</p><div class="table-box"><table><thead><tr>${
    several ? html`<th scope="col">Variant</th>` : ''
  }<th scope="col">Request</th><th scope="col" class="num">answered</th><th scope="col">errors by code</th></tr></thead><tbody>${found.map(
    ({ label, request, count, codes }) =>
      html`<tr>${several ? html`<td>${label}</td>` : ''}<td><code>${request}</code></td><td class="num">${grouped(count)}</td><td>${codes}</td></tr>`,
  )}</tbody></table></div>`;
}

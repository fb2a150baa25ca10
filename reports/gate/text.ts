// What a gate says: the sentence and table for a terminal, Markdown for a step summary of GitHub, JUnit XML for the test
// views of CI systems, JSON.

import { percentText, valueText } from '../compare/text.ts';
import { humanSeconds } from '../terminal.ts';
import type { GateMetric, GateResult } from './evaluate.ts';

const share = (value: number): string => `${Number((100 * value).toPrecision(3))} %`;
const failed = ({ verdict }: GateMetric): boolean => verdict === 'regression' || verdict === 'lost';

/** The verdict in one sentence. */
export function gateSentence({ passed, metrics, maxRegression }: GateResult): string {
  const margin = share(maxRegression);
  if (!passed) {
    const names = metrics.filter(failed).map(({ variant, metric }) => `${metric} (${variant})`);
    const shown = names.slice(0, 4).join(', ');
    return `regression beyond ${margin}: ${shown}${names.length > 4 ? ` and ${names.length - 4} more` : ''}`;
  }
  const moved = metrics.filter(({ verdict }) => verdict !== 'equal');
  if (moved.length === 0)
    return `equal to the baseline in all ${metrics.length} metrics, in every replication and to the last digit`;
  const finite = moved.filter(({ detectable }) => Number.isFinite(detectable));
  const worst = finite.reduce<GateMetric | null>(
    (most, one) => (most === null || one.detectable > most.detectable ? one : most),
    null,
  );
  const seen =
    worst === null
      ? 'nothing could have been seen: there are too few replications'
      : `could have seen >= ${share(worst.detectable)} (${worst.metric}, the least certain)`;
  return `no evidence of a regression beyond ${margin} in ${metrics.length} metrics; ${seen}`;
}

export const GATE_HEAD = ['metric', 'baseline', 'now', 'change', '95 %', 'p', 'verdict', 'would see'];

export function gateRow(one: GateMetric): string[] {
  const { metric, baseline, value, relative, relativeCi95, pHolm, verdict, detectable } = one;
  const [low, high] = relativeCi95;
  const interval =
    verdict === 'equal' || !Number.isFinite(low) ? '' : `${percentText(low)} … ${percentText(high)}`;
  return [
    metric,
    valueText(metric, baseline),
    Number.isNaN(value) ? 'not observed' : valueText(metric, value),
    percentText(relative),
    interval,
    verdict === 'equal' ? '' : pHolm < 0.0001 ? '<0.0001' : pHolm.toFixed(4),
    verdict,
    Number.isFinite(detectable) ? `>= ${share(detectable)}` : '',
  ];
}

const bar = (text: string): string => text.replaceAll('|', '\\|');

/** Markdown, for GITHUB_STEP_SUMMARY and comments. */
export function gateMarkdown(experiment: string, result: GateResult): string {
  const lines = [
    `## ${result.passed ? 'Passed' : 'Failed'}: ${bar(experiment)}`,
    '',
    `${capital(gateSentence(result))}.`,
    '',
  ];
  for (const variant of variantsOf(result)) {
    lines.push(
      `### ${bar(variant)}`,
      '',
      `| ${GATE_HEAD.join(' | ')} |`,
      '|---|---:|---:|---:|---:|---:|---|---:|',
    );
    for (const one of result.metrics.filter((each) => each.variant === variant))
      lines.push(`| ${gateRow(one).map(bar).join(' | ')} |`);
    lines.push('');
  }
  lines.push(...result.notes.map((note) => `> ${note}\n`));
  return `${lines.join('\n').trimEnd()}\n`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const variantsOf = ({ metrics }: GateResult): string[] => [
  ...new Set(metrics.map(({ variant }) => variant)),
];

/** Text of an XML attribute or element: what XML 1.0 has no way to write is left out. */
function xml(text: string): string {
  return [...text]
    .filter((char) => char === '\n' || char === '\t' || char >= ' ')
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** JUnit XML: a suite a variant, a case a metric. */
export function gateJunit(experiment: string, result: GateResult): string {
  const suites = variantsOf(result).map((variant) => {
    const own = result.metrics.filter((one) => one.variant === variant);
    const cases = own.map((one) => {
      const [, baseline, value, change, interval, p, verdict, seen] = gateRow(one);
      const said = `baseline ${baseline}, now ${value}${change ? ` (${change})` : ''}${interval ? `, 95 %: ${interval}` : ''}${p ? `, p ${p}` : ''}; ${verdict}${seen ? `, would have seen ${seen}` : ''}`;
      const body = failed(one)
        ? `<failure message="${xml(failureText(one, result.maxRegression))}">${xml(said)}</failure>`
        : `<system-out>${xml(said)}</system-out>`;
      return `    <testcase classname="${xml(`${experiment}.${variant}`)}" name="${xml(one.metric)}">${body}</testcase>`;
    });
    const failures = own.filter(failed).length;
    return `  <testsuite name="${xml(`${experiment} ${variant}`)}" tests="${own.length}" failures="${failures}" errors="0" skipped="0">\n${cases.join('\n')}\n  </testsuite>`;
  });
  const { metrics } = result;
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="kubetick gate" tests="${metrics.length}" failures="${metrics.filter(failed).length}" errors="0">\n${suites.join('\n')}\n</testsuites>\n`;
}

function failureText({ metric, verdict, relative, difference }: GateMetric, maxRegression: number): string {
  if (verdict === 'lost') return `${metric} is not observed any more`;
  const by = Number.isNaN(relative) ? humanDifference(metric, difference) : percentText(relative);
  return `${metric} changed by ${by}, beyond ${share(maxRegression)}`;
}

function humanDifference(metric: string, difference: number): string {
  const text =
    metric === 'virtualSeconds'
      ? humanSeconds(Math.abs(difference))
      : valueText(metric, Math.abs(difference));
  return `${difference < 0 ? '-' : '+'}${text}`;
}

/** The JSON form: infinities and what is not a number are null. */
export function gateJson(experiment: string, baseline: string, result: GateResult): unknown {
  const sentence = gateSentence(result);
  return JSON.parse(
    JSON.stringify({ experiment, baseline, sentence, ...result }, (_, value: unknown) =>
      typeof value === 'number' && !Number.isFinite(value) ? null : value,
    ),
  );
}

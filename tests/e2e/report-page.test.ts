// The HTML report as a reader meets it: written by the program from real runs and opened in a browser without a network.
// Pictures of it are left in .artifacts/.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../cli/program.ts';
import { artifacts, Chromium, hasChromium } from './chromium.ts';
import { root } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'kubetick-report-'));
const at = (name: string): string => join(folder, name);

async function kubetick(...argv: string[]): Promise<string> {
  let [stdout, stderr] = ['', ''];
  const code = await main(argv, {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    env: {},
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

/** What has the focus, as `button#theme` or `a.class`. */
const FOCUSED = `(() => {
  const one = document.activeElement;
  return one.tagName.toLowerCase() + (one.id ? '#' + one.id : '.' + one.className);
})()`;

interface Named {
  readonly labels?: { readonly length: number } | null;
  readonly outerHTML: string;
  getAttribute(name: string): string | null;
}

/** Two sizes of a cluster; the small one has too little room at first, and nodes have zones. */
const SWEEP = `apiVersion: kubetick.io/v1
kind: Experiment
metadata: { name: rooms }
spec:
  cluster: { nodes: [{ count: 6, cpu: 4, memory: 8Gi, zones: [a, b] }] }
  workload:
    generators:
      - { use: poisson-deployments, ratePerMin: 6, replicas: 4, cpu: 500m, memory: 256Mi, lifetime: 2m }
  time: { run: 6m }
  seeds: { seed: 7, replications: 3 }
  sweep:
    axes: { nodes: { at: cluster.nodes.0.count, values: [6, 4] } }
    expect: [pod.startup.p50 < 60s]
  expect: [pod.startup.p99 < 1ms, pods.failed == 0]
`;

beforeAll(async () => {
  writeFileSync(at('sweep.yaml'), SWEEP);
  await main(['sweep', at('sweep.yaml'), '--out', at('sweep'), '--workers', '1', '--quiet'], {
    stdout: { write: () => true },
    stderr: { write: () => true },
    env: {},
  });
  await kubetick('run', join(root, 'examples/rollout-under-load.yaml'), '--out', at('run'), '--quiet');
  await kubetick('report', at('sweep'), '--html', at('sweep.html'));
  await kubetick('report', at('run'), '--html', at('run.html'));
}, 120_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('the bundled program writes the same bytes as the sources', () => {
  execFileSync(process.execPath, [join(root, 'tools/build.mjs'), '--out', at('dist')], { cwd: root });
  execFileSync(process.execPath, [
    at('dist/kubetick.js'),
    'report',
    at('sweep'),
    '--html',
    at('bundled.html'),
  ]);
  expect(readFileSync(at('bundled.html')).equals(readFileSync(at('sweep.html')))).toBe(true);
}, 120_000);

test('pages are small', () => {
  expect(statSync(at('sweep.html')).size).toBeLessThan(1_000_000);
  expect(statSync(at('run.html')).size).toBeLessThan(1_000_000);
});

describe.skipIf(!hasChromium)('in a browser', () => {
  let chromium: Chromium;
  beforeAll(async () => {
    chromium = await Chromium.start();
  }, 60_000);
  afterAll(() => chromium?.stop());

  const texts = (page: Page, selector: string): Promise<string[]> =>
    page.$$eval(selector, (found) => found.map((one) => (one.textContent ?? '').trim().replace(/\s+/g, ' ')));
  const picture = async (page: Page, name: string): Promise<void> => {
    await page.screenshot({ path: join(artifacts, `report-${name}.png`), fullPage: true });
  };
  /** Colour of an element's text or background, as the screen shows it. */
  const shown = (page: Page, selector: string, property: string): Promise<string> =>
    page.$eval(
      selector,
      (one, name) => one.ownerDocument.defaultView!.getComputedStyle(one).getPropertyValue(name),
      property,
    );

  test('a sweep: the verdict first, then five numbers, then the evidence', async () => {
    const { page, complaints } = await chromium.open(at('sweep.html'));
    expect(await texts(page, 'main h2')).toEqual([
      'Expectations',
      'Five numbers',
      'Comparison',
      'Over time',
      'Distributions',
      'Where time goes',
      'Nodes',
      'Control plane',
      'What the model left out',
      'Repeat it',
    ]);
    expect(await texts(page, '.verdict-line')).toEqual(['✕ 1 of 3 expectations fails']);
    // Failures first; each of two variants is judged in three runs, and by its mean.
    expect(await texts(page, '.verdicts tbody tr td:nth-child(1)')).toEqual([
      '✕ fails in 3 of 3',
      '✕ fails in 3 of 3',
      '✓ holds in 3 of 3',
      '✓ holds',
      '✓ holds in 3 of 3',
      '✓ holds',
    ]);
    expect(await texts(page, '.number h3')).toHaveLength(5);
    expect((await texts(page, '.number'))[0]).toContain('…');
    expect(await texts(page, '.compare tbody th')).toContain('pod.startup.p99');
    expect(complaints).toEqual([]);
    await picture(page, 'sweep-light');
    await page.close();
  });

  test('charts have one cursor; arrow keys move it and tell the values', async () => {
    const { page, complaints } = await chromium.open(at('sweep.html'));
    const charts = await page.$$('.panel.live .u-over');
    expect(charts.length).toBeGreaterThanOrEqual(5);
    await page.focus('.panel.live .uplot-box');
    for (let i = 0; i < 5; i++) await page.keyboard.press('ArrowRight');
    const said = await page.$eval('#series-readout', (one) => one.textContent ?? '');
    expect(said).toMatch(/^Pods waiting for a node at .*: nodes=6 .*, nodes=4 /);
    // The cursor stands at the same place in every chart, and every legend tells a time.
    const places = await page.$$eval('.panel.live .u-cursor-x', (found) =>
      found.map((one) => (one as unknown as { style: { transform: string } }).style.transform),
    );
    expect(places.length).toBe(charts.length);
    expect(new Set(places).size).toBe(1);
    const times = await texts(page, '.panel.live .u-legend tr:first-child td');
    expect(times[0]).not.toBe('–');
    await page.keyboard.press('End');
    const end = await page.$eval('#series-readout', (one) => one.textContent ?? '');
    expect(end).toContain('at 6 min');
    // Another group of series.
    await page.click('input[name="series-group"][value="2"]');
    expect(await texts(page, '.panel.live figcaption b')).toContain('Pods per second');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the scrubber replays placement by keys, and tells what is to be seen', async () => {
    const { page, complaints } = await chromium.open(at('sweep.html'));
    const now = (): Promise<{ value: string; text: string; picture: string }> =>
      page.$eval('#placement-time', (slider) => ({
        value: (slider as unknown as { value: string }).value,
        text: slider.getAttribute('aria-valuetext') ?? '',
        picture: (
          slider.ownerDocument.getElementById('placement-grid') as unknown as { toDataURL(): string }
        ).toDataURL(),
      }));
    await page.focus('#placement-time');
    await page.keyboard.press('Home');
    const first = await now();
    expect(first.value).toBe('0');
    expect(first.text).toMatch(/^0: \d+ % of the cluster · \d+ pods on 6 nodes · /);
    for (let i = 0; i < 40; i++) await page.keyboard.press('ArrowRight');
    const later = await now();
    expect(later.value).toBe('40');
    expect(later.text).not.toBe(first.text);
    expect(later.picture).not.toBe(first.picture);
    await page.click('input[name="placement-variant"][value="1"]');
    expect((await now()).text).toContain('on 4 nodes');
    await page.click('#placement-play');
    await page.waitForFunction(`document.getElementById('placement-time').value > 42`);
    await page.click('#placement-play');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('the keyboard reaches everything in order, from the skip link on', async () => {
    const { page } = await chromium.open(at('sweep.html'));
    const order: string[] = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const focused = (await page.evaluate(FOCUSED)) as string;
      // After the last one the browser itself has the focus, or the first one again.
      if (order.length > 200 || focused.startsWith('body') || focused === order[0]) break;
      order.push(focused);
    }
    expect(order[0]).toBe('a.skip');
    expect(order[1]).toBe('button#theme');
    expect(order.indexOf('div.uplot-box')).toBeGreaterThan(order.lastIndexOf('a.'));
    expect(order.indexOf('input#placement-time')).toBeGreaterThan(order.indexOf('div.uplot-box'));
    expect(order.indexOf('button#placement-play')).toBe(order.indexOf('input#placement-time') - 1);
    // Whatever has the focus shows it, and everything that can be operated has a name.
    await page.focus('#theme');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
    const nameless = await page.$$eval('button, input, canvas[role], svg[role], [tabindex="0"]', (found) =>
      (found as unknown as Named[])
        .filter((one) => !one.getAttribute('aria-label') && one.labels?.length !== 1)
        .map((one) => one.outerHTML.slice(0, 80)),
    );
    expect(nameless).toEqual([]);
    await page.close();
  });

  test('the skip link leads to the verdict', async () => {
    const { page } = await chromium.open(at('sweep.html'));
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.close();
  });

  test('dark where the system is dark, and by the button', async () => {
    const { page, complaints } = await chromium.open(at('run.html'), { scheme: 'dark' });
    expect(await shown(page, 'body', 'background-color')).toBe('rgb(13, 17, 23)');
    await picture(page, 'run-dark');
    await page.click('#theme');
    expect(await page.$eval('#theme', (one) => one.getAttribute('aria-label'))).toBe('Colours: light');
    expect(await shown(page, 'body', 'background-color')).toBe('rgb(245, 246, 248)');
    await page.click('#theme');
    expect(await shown(page, 'body', 'background-color')).toBe('rgb(13, 17, 23)');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test.each(['light', 'dark'] as const)(
    'text can be read in %s: contrast of at least 4.5',
    async (scheme) => {
      const { page } = await chromium.open(at('sweep.html'), { scheme });
      const low = await page.evaluate(readFileSync(join(root, 'tests/e2e/contrast.js'), 'utf8'));
      expect(low).toEqual([]);
      await page.close();
    },
  );

  test('nothing is wider than a telephone', async () => {
    const { page, complaints } = await chromium.open(at('sweep.html'), { width: 375, height: 700 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(375);
    expect(complaints).toEqual([]);
    await picture(page, 'sweep-narrow');
    await page.close();
  });

  test('on paper: light, without controls, charts as drawings, folded parts open', async () => {
    const { page, complaints } = await chromium.open(at('sweep.html'), { scheme: 'dark', width: 794 });
    await page.evaluate(`dispatchEvent(new Event('beforeprint'))`);
    await page.emulateMediaType('print');
    expect(await shown(page, 'body', 'background-color')).toBe('rgb(255, 255, 255)');
    for (const selector of ['nav', '.top', '.scrubber', '.panel.live', '.choice'])
      expect([selector, await shown(page, selector, 'display')]).toEqual([selector, 'none']);
    expect(await shown(page, '.panel.static', 'display')).not.toBe('none');
    expect(await page.$$eval('.panel.static path.line', (found) => found.length)).toBeGreaterThan(5);
    await picture(page, 'sweep-print');
    const pdf = await page.pdf({ format: 'A4' });
    expect(Buffer.from(pdf.subarray(0, 5)).toString()).toBe('%PDF-');
    expect(complaints).toEqual([]);
    await page.close();
  });

  test('without its script a reader still has verdicts, numbers, drawings and tables', async () => {
    const { page } = await chromium.open(at('run.html'));
    await page.setJavaScriptEnabled(false);
    await page.reload();
    expect(await shown(page, '.panel.static', 'display')).not.toBe('none');
    expect(await shown(page, '.replay', 'display')).toBe('none');
    expect(await shown(page, '#theme', 'display')).toBe('none');
    await page.close();
  });
});

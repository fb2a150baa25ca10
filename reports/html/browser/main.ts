// The script of the HTML report: light and dark, charts, the replay of placement. Bundled by tools/browser-text.mjs.
import { startCharts } from './charts.ts';
import type { PageData } from './data.ts';
import { startPlacement } from './placement.ts';
import { startTheme } from './theme.ts';

document.body.classList.replace('no-script', 'script');
const block = document.getElementById('report-data');
const data = JSON.parse(block?.textContent ?? '{"pool":[],"groups":[],"placements":[]}') as PageData;
startTheme();
startCharts(data);
startPlacement(data);
// On paper everything is open but what is long.
const closed: HTMLDetailsElement[] = [];
addEventListener('beforeprint', () => {
  for (const details of document.querySelectorAll<HTMLDetailsElement>(
    'details:not([open]):not(.as-table):not(.long)',
  )) {
    details.open = true;
    closed.push(details);
  }
});
addEventListener('afterprint', () => {
  for (const details of closed.splice(0)) details.open = false;
});

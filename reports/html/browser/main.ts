// The script of the HTML report: light and dark, charts, the replay of placement. Bundled by tools/browser-text.mjs.
import { startCharts } from './charts.ts';
import { type PageData, themeChanged } from './data.ts';
import { startPlacement } from './placement.ts';
import { startTheme } from './theme.ts';

document.body.classList.replace('no-script', 'script');
const block = document.getElementById('report-data');
const data = JSON.parse(block?.textContent ?? '{"pool":[],"groups":[],"placements":[]}') as PageData;
startTheme();
startCharts(data);
startPlacement(data);
// On paper everything is light, and open but what is long.
let theme: string | undefined;
const closed: HTMLDetailsElement[] = [];
addEventListener('beforeprint', () => {
  theme = document.documentElement.dataset['theme'];
  document.documentElement.dataset['theme'] = 'light';
  themeChanged();
  for (const details of document.querySelectorAll<HTMLDetailsElement>(
    'details:not([open]):not(.as-table):not(.long)',
  )) {
    details.open = true;
    closed.push(details);
  }
});
addEventListener('afterprint', () => {
  if (theme === undefined) delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
  themeChanged();
  for (const details of closed.splice(0)) details.open = false;
});

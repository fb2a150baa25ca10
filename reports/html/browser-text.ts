// Script and style of the page. In a checkout they are made when a report is written, by the tool that also makes them
// for the program: tools/build.mjs replaces this file by their texts.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BrowserText } from './page.ts';

export function browserText(): BrowserText {
  const tool = fileURLToPath(new URL('../../tools/browser-text.mjs', import.meta.url));
  const text = execFileSync(process.execPath, [tool], { encoding: 'utf8', maxBuffer: 1 << 26 });
  return JSON.parse(text) as BrowserText;
}

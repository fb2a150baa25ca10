// A real browser for tests, without a display and without a network: Debian's chromium. On a machine without it the tests
// that want it are skipped with a message; where .ci/run could have installed it (CI=true, root) its absence is a failure.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
const found = PATHS.find((path) => existsSync(path));
const wanted = process.env['CI'] === 'true' && process.getuid?.() === 0;

/** Whether tests with a browser run here. */
export const hasChromium = found !== undefined || wanted;
if (!hasChromium)
  console.warn(`no chromium (${PATHS.join(', ')}): tests of the page in a browser are skipped`);

/** Where pictures for people are kept; git ignores it. */
export const artifacts = fileURLToPath(new URL('../../.artifacts/', import.meta.url));

export interface Opened {
  readonly page: Page;
  /** What the page complained about: console messages, exceptions, requests other than for the file itself. */
  readonly complaints: string[];
}

export class Chromium {
  readonly #browser: Browser;
  readonly #profile: string;

  private constructor(browser: Browser, profile: string) {
    this.#browser = browser;
    this.#profile = profile;
  }

  static async start(): Promise<Chromium> {
    if (found === undefined)
      throw new Error(`chromium is not installed (looked at ${PATHS.join(', ')}); .ci/run installs it`);
    mkdirSync(artifacts, { recursive: true });
    const profile = mkdtempSync(join(tmpdir(), 'kubetick-chromium-'));
    const browser = await puppeteer.launch({
      executablePath: found,
      userDataDir: profile,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    return new Chromium(browser, profile);
  }

  /** Opens a file and notes whatever is wrong with it. */
  async open(
    file: string,
    {
      scheme = 'light',
      width = 1280,
      height = 900,
    }: { scheme?: 'light' | 'dark'; width?: number; height?: number } = {},
  ): Promise<Opened> {
    const page = await this.#browser.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => complaints.push(`exception: ${String(error)}`));
    page.on('request', (request) => {
      if (request.url() !== `file://${file}` && !request.url().startsWith(`file://${file}#`))
        complaints.push(`request: ${request.url().slice(0, 200)}`);
    });
    await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
    await page.setViewport({ width, height });
    await page.goto(`file://${file}`);
    return { page, complaints };
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}

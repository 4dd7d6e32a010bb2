// A real browser (Debian's chromium) that opens the console of a real server, signed in or not.
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const binary = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));

/** null if a browser can be run, else why not and what to do. Give it to `test(…, {skip: browserMissing() ?? false})`. With KEELSON_TEST_ALL=1 nothing is skipped, so the tests fail instead. */
export function browserMissing(): string | null {
  return binary || process.env['KEELSON_TEST_ALL'] === '1' ? null : 'CHROMIUM IS NOT INSTALLED: the console is NOT TESTED in a browser here. Run: apt-get install -y chromium';
}

export const startBrowser = (): Promise<Browser> => chromium.launch({ executablePath: binary ?? 'chromium', args: ['--no-sandbox', '--disable-gpu'] });

export interface Visit { context: BrowserContext; page: Page; /** What the page wrote to its console as errors, and what it threw. */ errors: string[] }

/** A browser of its own (cookies, storage), signed in by a link that works once. `token` is that of the company folder. */
export async function visit(browser: Browser, { api, token, path = '/', width = 1280, height = 900, ...more }: { api: string; token: string; path?: string; width?: number; height?: number; isMobile?: boolean; hasTouch?: boolean; colorScheme?: 'dark' | 'light'; reducedMotion?: 'reduce' }): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width, height }, ...more });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  const answer = await fetch(`${api}/api/session/link`, { method: 'POST', body: '{}', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' } });
  const { url } = (await answer.json()) as { url: string };
  await page.goto(url);
  await page.getByRole('navigation', { name: 'Screens', includeHidden: true }).waitFor({ state: 'attached' });
  if (path !== '/') await page.goto(`${api}${path}`);
  return { context, page, errors };
}

/** Kept when KEELSON_TEST_SHOTS names a folder. */
export async function shot(page: Page, name: string): Promise<void> {
  const dir = process.env['KEELSON_TEST_SHOTS'];
  if (!dir) return;
  mkdirSync(dir, { recursive: true });
  await page.screenshot({ path: join(dir, `${name}.png`), fullPage: true });
}

// `npm run build`: the console's page, bundled for browsers into dist/. Runs by itself after `npm install`.
import { join } from 'node:path';
import { builtDir } from './pages.ts';

/** Bundles the app into `outDir`: one script and one stylesheet, which together are smaller than their parts. */
export async function buildConsole(outDir = builtDir): Promise<void> {
  const { build } = await import('vite');
  await build({
    root: join(import.meta.dirname, 'app'), configFile: false, logLevel: 'warn',
    oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
    build: { outDir, emptyOutDir: true, target: 'es2024', modulePreload: { polyfill: false }, assetsInlineLimit: 0, cssCodeSplit: false, rolldownOptions: { output: { codeSplitting: false } } },
  });
}

if (import.meta.main) await buildConsole();

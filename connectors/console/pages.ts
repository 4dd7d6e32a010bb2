// The console's own files, read once. Every address of a screen is the same page; what it shows it asks for when you are signed in.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Context, Hono } from 'hono';

/** Where `npm run build` puts them. */
export const builtDir = join(import.meta.dirname, 'dist');

const types: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.json': 'application/json', '.webmanifest': 'application/manifest+json', '.png': 'image/png' };

/** Nothing is loaded from elsewhere, no script stands in a page, nobody frames it. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy': "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin',
};

const notBuilt = '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Keelson</title></head><body><h1>The console is not built</h1><p>Run <code>npm run build</code> in the checkout, then start the server again.</p></body></html>';

/** Packed when it is first asked for. */
interface File { bytes: Uint8Array<ArrayBuffer>; packed(): Uint8Array<ArrayBuffer>; type: string }

export function pageRoutes(app: Hono, dir = builtDir): void {
  const names = existsSync(dir) ? (readdirSync(dir, { recursive: true }) as string[]).filter((name) => extname(name) in types) : [];
  const files = new Map(names.map((name) => [`/${name}`, readFile(join(dir, name))]));
  const shell = files.get('/index.html') ?? toFile(Buffer.from(notBuilt), types['.html']!);

  const send = (c: Context, file: File, cache: string) => {
    const packed = (c.req.header('accept-encoding') ?? '').includes('gzip');
    return c.body(packed ? file.packed() : file.bytes, 200, { ...pageHeaders, 'content-type': file.type, 'cache-control': cache, vary: 'accept-encoding', ...(packed ? { 'content-encoding': 'gzip' } : {}) });
  };

  app.get('*', (c, next) => {
    const file = files.get(c.req.path);
    if (file && c.req.path !== '/index.html') return Promise.resolve(send(c, file, c.req.path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'));
    const isScreen = !/^\/(api|hooks|decide)(\/|$)|^\/(healthz|readyz|metrics|inspect|[a-z]+\.json)$/.test(c.req.path) && (c.req.header('accept') ?? '').includes('text/html');
    return isScreen ? Promise.resolve(send(c, shell, 'no-store')) : next();
  });
}

const readFile = (path: string) => toFile(readFileSync(path), types[extname(path)]!);

function toFile(source: Uint8Array, type: string): File {
  const bytes = new Uint8Array(source);
  let packed: Uint8Array<ArrayBuffer> | null = null;
  return { bytes, packed: () => (packed ??= new Uint8Array(gzipSync(bytes, { level: 9 }))), type };
}

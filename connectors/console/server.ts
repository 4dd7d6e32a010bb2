// HTTP on loopback: who gets in, then one table of routes, and the console's own pages.
import type { AddressInfo } from 'node:net';
import type { Context } from 'hono';
import { randomSecret } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { writeJson } from '#actors/plain-json.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { z } from 'zod';
import { decideRoutes, type DecideOptions } from './decide.ts';
import { authenticate, cookieName, guardOrigin, originOf, ownName, readCookie, setCookie, type OwnName } from './guard.ts';
import { parseJson } from './json-guard.ts';
import { toOpenApi } from './openapi.ts';
import { pageRoutes } from './pages.ts';
import { post, type Principal, type Route } from './route.ts';
import { commandRoutes, type Ports } from './routes.ts';
import { createSessions } from './session.ts';
import type { Streams } from './stream.ts';

export interface ConsoleOptions extends Ports {
  port: number;
  token: string;
  /** Opens everything that decides nothing; null when there is none. */
  automationToken?: string | null;
  /** How others reach this server through a proxy with TLS. */
  publicUrl?: string | undefined;
  /** Further routes: what single screens need. */
  routes?: readonly Route[];
  receiveMail(raw: Uint8Array, source: string): Promise<unknown>;
  /** What a payment provider tells; absent when none is set up. Throws UNAUTHORIZED when it is forged. */
  paymentHook?: ((body: Uint8Array, signature: string) => Promise<object>) | undefined;
  /** Links that decide about one item; see decide.ts. */
  deciding?: Omit<DecideOptions, 'desk'>;
  streams?: Streams;
  /** Called when automation asked for what is the operator's alone. */
  onRefused?(what: string): void;
  ready(): Promise<boolean>;
  nowMs?(): number;
  /** Of this build, for openapi.json. */
  version?: string;
  log: Log;
}

const host = '127.0.0.1';
const mailBytesMax = 51 * 1024 * 1024;
const jsonBytesMax = 1024 * 1024;
const statuses: Record<string, 400 | 401 | 403 | 404 | 409 | 413 | 503> = { BAD_ARGUMENT: 400, BAD_MAIL: 400, BAD_MESSAGE: 400, UNAUTHORIZED: 401, FORBIDDEN: 403, NOT_FOUND: 404, REFUSED: 409, UNKNOWN_MACHINE: 409, STORE_FAILED: 503, STORE_FULL: 503, BUS_DOWN: 503, TIMEOUT: 503 };

/** Starts listening; answers the address. Throws BAD_CONFIG when the port is taken. */
export async function startConsole(options: ConsoleOptions): Promise<{ url: string; link(): string; stop(): Promise<void> }> {
  const { port, token, automationToken = null, publicUrl, desk, pausing, routes = [], receiveMail, paymentHook, deciding, streams, onRefused = () => {}, ready, nowMs = Date.now, version = '0', log } = options;
  const { Hono } = await import('hono');
  const { serve } = await import('@hono/node-server');
  const app = new Hono<{ Variables: { by: Principal } }>();
  const sessions = createSessions({ token, automationToken, nowMs, makeSecret: randomSecret });
  let names: OwnName[] = [];
  let url = '';
  const link = () => `${publicUrl ?? url}/#code=${sessions.makeCode()}`;

  app.onError((error, c) => {
    const { code, message } = plainError(error);
    const status = statuses[code] ?? 500;
    if (status === 500) log.error({ code, message }, 'a request failed');
    return c.json({ error: { code, message, hint: error instanceof KeelsonError ? error.hint : '' } }, status);
  });
  app.notFound((c) => c.json({ error: { code: 'NOT_FOUND', message: 'there is no such route', hint: '' } }, 404));

  app.use(guardOrigin(() => names));
  // Proves itself by its signature; whoever sends it knows no token.
  app.post('/hooks/stripe', async (c) => {
    if (!paymentHook) throw new KeelsonError('NOT_FOUND', 'no payment provider is set up here');
    return c.json(await paymentHook(await readBody(c, jsonBytesMax), c.req.header('stripe-signature') ?? ''));
  });
  if (deciding) decideRoutes(app as never, { desk, ...deciding });
  pageRoutes(app as never);
  app.post('/api/session', async (c) => {
    const own = ownName(c, names)!;
    const cookie = sessions.open(await readJson(c, z.strictObject({ token: z.string().max(200).optional(), code: z.string().max(200).optional() })));
    setCookie(c, own, cookie, sessions.maxAgeSeconds);
    return c.json({ csrf: sessions.csrfOf(cookie) });
  });

  app.use(async (c, next) => {
    c.set('by', authenticate(c, sessions, names));
    await next();
  });
  app.get('/api/session', (c) => c.json({ csrf: sessions.csrfOf(readCookie(c, cookieName(ownName(c, names)!)) ?? ''), ...c.get('by') }));
  app.post('/api/session/end', (c) => {
    setCookie(c, ownName(c, names)!, '', 0);
    return c.json({ ended: true });
  });
  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', async (c) => ((await ready()) ? c.json({ ok: true }) : c.json({ ok: false }, 503)));
  if (streams) app.get('/api/events', (c) => streams.open(c));
  app.post('/api/mail', async (c) => {
    if (c.req.header('content-type') !== 'message/rfc822') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be message/rfc822');
    const source = decode(c.req.header('x-source') ?? 'http');
    return c.json((await receiveMail(await readBody(c, mailBytesMax), source)) as object);
  });

  const table = [
    ...commandRoutes(options),
    post('/api/session/link', { summary: 'A link that signs one browser in, once, within ten minutes.', body: z.object({}), answer: z.object({ url: z.string() }), handle: async () => ({ url: link() }) }),
    ...routes,
  ];
  for (const route of table) {
    app[route.method](route.path, async (c) => {
      const by = c.get('by');
      if (route.who === 'operator' && by.who !== 'operator') {
        onRefused(`${route.method.toUpperCase()} ${c.req.path}`);
        throw new KeelsonError('FORBIDDEN', 'this is the operator\'s alone', { hint: 'Use the token in the `token` file of the company folder, or the console.' });
      }
      if (route.moves && pausing.paused() !== null) throw new KeelsonError('REFUSED', 'the company is paused', { hint: 'Let it go on first: keelson resume' });
      const query = check(route.query, c.req.query(), 'the query string');
      const body = route.body ? await readJson(c, route.body) : null;
      const answer = await route.handle({ params: c.req.param() as never, query, body, by });
      return c.body(writeJson(answer), 200, { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    });
  }
  app.get('/openapi.json', (c) => c.json(toOpenApi(table, { version })));

  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, port, hostname: host }, () => resolve(started));
    started.on('error', (cause: Error) => reject(new KeelsonError('BAD_CONFIG', `cannot listen on ${host}:${port}: ${cause.message}`, { cause, hint: 'Choose another --port; 0 picks a free one.' })));
  });
  const bound = (server.address() as AddressInfo).port;
  names = [...[host, 'localhost'].map((name) => ({ host: `${name}:${bound}`, secure: false })), ...(publicUrl === undefined ? [] : [{ host: new URL(publicUrl).host, secure: publicUrl.startsWith('https:') }])];
  url = originOf(names[0]!);
  return {
    url, link,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
    }),
  };
}

async function readJson<T>(c: Context, schema: z.ZodType<T>): Promise<T> {
  if (c.req.header('content-type')?.split(';')[0] !== 'application/json') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be application/json');
  return check(schema, parseJson(await readBody(c, jsonBytesMax), 'the body'), 'the body');
}

function check<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new KeelsonError('BAD_ARGUMENT', `${parsed.error.issues[0]?.path.join('.') || what}: ${parsed.error.issues[0]?.message}`);
  return parsed.data;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new KeelsonError('BAD_ARGUMENT', 'the header X-Source is not URL-encoded text', { cause });
  }
}

async function readBody(c: Context, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of c.req.raw.body ?? []) {
    size += chunk.length;
    if (size > maxBytes) throw new KeelsonError('BAD_ARGUMENT', `the body is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

// The operator's HTTP: who gets in, then one table of routes, and the console's own pages.
import type { Context } from 'hono';
import { randomSecret } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { writeJson } from '#actors/plain-json.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { z } from 'zod';
import { decideRoutes, type DecideOptions } from './decide.ts';
import { authenticate, guardOrigin, originOf, type OwnName } from './guard.ts';
import { listen, namesOf, onLoopback, type Listen, type Patience } from './listen.ts';
import { toOpenApi } from './openapi.ts';
import { pageRoutes } from './pages.ts';
import { check, decodeHeader, jsonBytesMax, readBody, readJson } from './read-request.ts';
import { post, type Principal, type RawRoute, type Route } from './route.ts';
import { commandRoutes, type Ports } from './routes.ts';
import { createSessions } from './session.ts';
import { sessionRoutes, signIn } from './session-routes.ts';
import type { Streams } from './stream.ts';

export interface ConsoleOptions extends Ports {
  port: number;
  /** Default: this computer only. */
  listen?: Listen;
  token: string;
  /** Opens everything that decides nothing; null when there is none. */
  automationToken?: string | null;
  /** How others reach this server through a proxy with TLS. */
  publicUrl?: string | undefined;
  /** Further routes: what single screens need. */
  routes?: readonly Route[];
  /** Further ones that answer no JSON. */
  raw?: readonly RawRoute[];
  receiveMail(raw: Uint8Array, source: string): Promise<unknown>;
  /** What a payment provider tells; absent when none is set up. Throws UNAUTHORIZED when it is forged. */
  paymentHook?: ((body: Uint8Array, signature: string) => Promise<object>) | undefined;
  /** Links that decide about one item; see decide.ts. */
  deciding?: Omit<DecideOptions, 'desk'>;
  streams?: Streams;
  /** Called when automation asked for what is the operator's alone. */
  onRefused?(what: string): void;
  ready(): Promise<boolean>;
  nowMs(): number;
  /** How long a slow client may take; for tests. */
  patience?: Patience;
  /** Of this build, for openapi.json. */
  version?: string;
  log: Log;
}

/** `url`: the very address, for this computer. `console`: what people open. `link`: that, signed in, once. */
export interface Console { url: string; console: string; link(): string; stop(): Promise<void> }

const mailBytesMax = 51 * 1024 * 1024;
const statuses: Record<string, 400 | 401 | 403 | 404 | 409 | 503> = { BAD_ARGUMENT: 400, BAD_MAIL: 400, BAD_MESSAGE: 400, UNAUTHORIZED: 401, FORBIDDEN: 403, NOT_FOUND: 404, REFUSED: 409, UNKNOWN_MACHINE: 409, STORE_FAILED: 503, STORE_FULL: 503, BUS_DOWN: 503, TIMEOUT: 503 };
/** Of every answer that is no page: it is read by programs, on our pages, and kept nowhere. */
const dataHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'cross-origin-resource-policy': 'same-origin', 'content-security-policy': "default-src 'none'; frame-ancestors 'none'", 'referrer-policy': 'no-referrer' };

/** Starts listening. Throws BAD_CONFIG when it cannot. */
export async function startConsole(options: ConsoleOptions): Promise<Console> {
  const { port, listen: at = onLoopback, token, automationToken = null, publicUrl, desk, pausing, routes = [], raw = [], receiveMail, paymentHook, deciding, streams, onRefused = () => {}, ready, nowMs, patience, version = '0', log } = options;
  const { Hono } = await import('hono');
  const app = new Hono<{ Variables: { by: Principal } }>();
  const sessions = createSessions({ token, automationToken, nowMs, makeSecret: randomSecret });
  let names: OwnName[] = [];
  const people = () => originOf(names.find(({ isRemote, secure }) => secure || !isRemote)!);
  const link = () => `${people()}/#code=${sessions.makeCode()}`;

  app.onError((error, c) => {
    const { code, message } = plainError(error);
    const status = statuses[code] ?? 500;
    if (status === 500) log.error({ code, message }, 'a request failed');
    // Whoever may not in is not listened to any further.
    if (status === 401 || status === 403) c.header('connection', 'close');
    return c.json({ error: { code, message, hint: error instanceof KeelsonError ? error.hint : '' } }, status);
  });
  app.notFound((c) => c.json({ error: { code: 'NOT_FOUND', message: 'there is no such route', hint: '' } }, 404));

  app.use(async (c, next) => {
    await next();
    for (const [name, value] of Object.entries(dataHeaders)) if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  });
  app.use(guardOrigin(() => names));
  // Proves itself by its signature; whoever sends it knows no token.
  app.post('/hooks/stripe', async (c) => {
    if (!paymentHook) throw new KeelsonError('NOT_FOUND', 'no payment provider is set up here');
    return c.json(await paymentHook(await readBody(c, jsonBytesMax), c.req.header('stripe-signature') ?? ''));
  });
  if (deciding) decideRoutes(app as never, { desk, ...deciding });
  pageRoutes(app as never);
  app.post('/api/session', (c) => signIn(c, { sessions, names, position: () => streams?.position() }));

  app.use(async (c, next) => {
    c.set('by', authenticate(c, sessions, names));
    // Not even HEAD: it would do all the work of GET, and open streams that nobody reads.
    if (!['GET', 'POST'].includes(c.req.method)) throw new KeelsonError('NOT_FOUND', 'there is no such route');
    await next();
  });
  /** The operator's alone: what is asked for is not even looked at. */
  const assertMay = (c: Context, { who, method }: Pick<Route, 'who' | 'method'>, by: Principal) => {
    if (who !== 'operator' || by.who === 'operator') return;
    onRefused(`${method.toUpperCase()} ${c.req.path}`);
    throw new KeelsonError('FORBIDDEN', 'this is the operator\'s alone', { hint: 'Use the token in the `token` file of the company folder, or the console.' });
  };

  const rawTable: readonly RawRoute[] = [
    ...sessionRoutes({ sessions, names: () => names, position: () => streams?.position() }),
    { method: 'get', path: '/healthz', who: 'all', summary: 'The process answers.', answer: (c) => c.json({ ok: true }) },
    { method: 'get', path: '/readyz', who: 'all', summary: 'The store answers too.', answer: async (c) => ((await ready()) ? c.json({ ok: true }) : c.json({ ok: false }, 503)) },
    ...(streams ? [{ method: 'get' as const, path: '/api/events', who: 'all' as const, summary: 'The changes of the store, as server-sent events.', answer: (c: Context) => streams.open(c) }] : []),
    { method: 'post', path: '/api/mail', who: 'all', summary: 'A mail, as it travels: message/rfc822.', answer: takeMail },
    ...raw,
  ];
  const table = [
    ...commandRoutes(options),
    post('/api/session/link', { summary: 'A link that signs one browser in, once, within ten minutes.', body: z.object({}), answer: z.object({ url: z.string() }), handle: async () => ({ url: link() }) }),
    ...routes,
  ];
  for (const route of rawTable) {
    app[route.method](route.path, async (c) => {
      const by = c.get('by');
      assertMay(c, route, by);
      return route.answer(c, by);
    });
  }
  for (const route of table) {
    app[route.method](route.path, async (c) => {
      const by = c.get('by');
      assertMay(c, route, by);
      if (route.moves && pausing.paused() !== null) throw new KeelsonError('REFUSED', 'the company is paused', { hint: 'Let it go on first: keelson resume' });
      const query = check(route.query, c.req.query(), 'the query string');
      const body = route.body ? await readJson(c, route.body) : null;
      const answer = await route.handle({ params: c.req.param() as never, query, body, by });
      return c.body(writeJson(answer), 200, { 'content-type': 'application/json' });
    });
  }
  app.get('/openapi.json', (c) => c.json(toOpenApi(table, { version, raw: rawTable })));

  async function takeMail(c: Context): Promise<Response> {
    if (c.req.header('content-type') !== 'message/rfc822') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be message/rfc822');
    const source = decodeHeader(c, 'x-source') ?? 'http';
    return c.json((await receiveMail(await readBody(c, mailBytesMax), source)) as object);
  }

  const server = await listen(app, { port, at, ...(patience ? { wait: patience } : {}) });
  const known = namesOf(at, server.port, publicUrl);
  names = known.names;
  return { url: originOf(known.address), console: people(), link, stop: server.stop };
}

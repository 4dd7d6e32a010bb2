// HTTP on loopback. Authentication comes first, on every route; then the exact Host and Origin; one content type per route.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import type { Context, Next } from 'hono';
import { randomId } from '#actors/ids.ts';
import type { Log } from '#actors/log.ts';
import { writeJson } from '#actors/plain-json.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { z } from 'zod';
import type { Desk } from './desk.ts';
import { decideRoutes, type DecideOptions } from './decide.ts';
import { commandIdSchema as commandId } from './desk-commands.ts';
import { actorRequests, type Actors } from './desk-actors.ts';
import { effectsRequest, type Effects } from './desk-effects.ts';
import { factRequestSchema, remarkRequestSchema } from './desk-facts.ts';
import { parkedRequest, type ParkedDesk } from './desk-parked.ts';
import { publishRequest, type PolicyDesk } from './desk-policy.ts';
import { parseJson } from './json-guard.ts';

export interface ConsoleOptions {
  port: number;
  token: string;
  desk: Desk;
  actors: Actors;
  /** Stops all work of the company, and lets it go on. */
  pausing: { pause(reason: string): Promise<object>; resume(): Promise<object>; paused(): string | null };
  receiveMail(raw: Uint8Array, source: string): Promise<unknown>;
  parked: ParkedDesk;
  effects: Effects;
  policies: PolicyDesk;
  /** What a payment provider tells; absent when none is set up. Throws UNAUTHORIZED when it is forged. */
  paymentHook?: ((body: Uint8Array, signature: string) => Promise<object>) | undefined;
  /** Links that decide about one item; see decide.ts. */
  deciding?: Omit<DecideOptions, 'desk'>;
  /** Starts a dry run of its own from what an actor was; `id` names the request, so that it may be repeated. */
  fork(request: { id: string; address: string; at?: number }): Promise<object>;
  /** Erases a person; `id` names the request, so that it may be repeated. */
  erase(subject: string, id: string): Promise<unknown>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  ready(): Promise<boolean>;
  log: Log;
}

const host = '127.0.0.1';
const mailBytesMax = 51 * 1024 * 1024;
const jsonBytesMax = 1024 * 1024;
const reason = z.string().max(2_000).optional();
const bodies = {
  approve: z.object({ hash: z.string().optional(), edit: z.string().optional(), reason, commandId }),
  reject: z.object({ reason: z.string().min(1), commandId }),
  respond: z.object({ text: z.string().min(1), reason, commandId }),
  reconcile: z.object({ outcome: z.enum(['done', 'not-done', 'look']), note: z.string().optional(), commandId }),
  pause: z.object({ reason: z.string().max(2_000).default('') }),
  resume: z.object({}),
  erase: z.object({ subject: z.string().min(3).max(400), commandId }),
  fork: z.object({ actor: z.string().min(1).max(400), at: z.int().min(0).optional(), commandId }),
  fact: factRequestSchema.extend({ commandId }),
  remark: remarkRequestSchema.extend({ commandId }),
  query: z.object({ name: z.string(), args: z.record(z.string(), z.unknown()).default({}) }),
};
const statuses: Record<string, 400 | 401 | 404 | 409 | 413 | 503> = { BAD_ARGUMENT: 400, BAD_MAIL: 400, BAD_MESSAGE: 400, UNAUTHORIZED: 401, NOT_FOUND: 404, REFUSED: 409, UNKNOWN_MACHINE: 409, STORE_FAILED: 503, STORE_FULL: 503, BUS_DOWN: 503, TIMEOUT: 503 };

/** Starts listening; answers the address. Throws BAD_CONFIG when the port is taken. */
export async function startConsole({ port, token, desk, actors, pausing, parked, effects, policies, paymentHook, deciding, fork, receiveMail, erase, query, ready, log }: ConsoleOptions): Promise<{ url: string; stop(): Promise<void> }> {
  const { Hono } = await import('hono');
  const { serve } = await import('@hono/node-server');
  const app = new Hono();
  let own: string[] = [];

  // Proves itself by its signature; whoever sends it knows no token.
  app.post('/hooks/stripe', async (c) => {
    if (!paymentHook) throw new KeelsonError('NOT_FOUND', 'no payment provider is set up here');
    return c.json(await paymentHook(await readBody(c, jsonBytesMax), c.req.header('stripe-signature') ?? ''));
  });
  if (deciding) decideRoutes(app, { desk, ...deciding });
  app.use(async (c: Context, next: Next) => {
    const given = c.req.header('authorization')?.replace(/^Bearer /, '') ?? '';
    if (!sameText(given, token)) throw new KeelsonError('UNAUTHORIZED', 'no valid token was given');
    if (!own.includes(c.req.header('host') ?? '')) throw new KeelsonError('UNAUTHORIZED', 'the Host header is not this server');
    const origin = c.req.header('origin');
    if (origin !== undefined && !own.some((name) => origin === `http://${name}`)) throw new KeelsonError('UNAUTHORIZED', 'requests from other sites are refused');
    await next();
  });
  for (const path of ['/api/inbox/*', '/api/operations/*', '/api/runs', '/api/actors/*']) {
    app.use(path, async (_: Context, next: Next) => {
      if (pausing.paused() !== null) throw new KeelsonError('REFUSED', 'the company is paused', { hint: 'Let it go on first: keelson resume' });
      await next();
    });
  }
  app.onError((error, c) => {
    const { code, message } = plainError(error);
    const status = statuses[code] ?? 500;
    if (status === 500) log.error({ code, message }, 'a request failed');
    return c.json({ error: { code, message, hint: error instanceof KeelsonError ? error.hint : '' } }, status);
  });
  app.notFound((c) => c.json({ error: { code: 'NOT_FOUND', message: 'there is no such route', hint: '' } }, 404));

  const read = async <T>(c: Context, schema: z.ZodType<T>): Promise<T> => {
    if (c.req.header('content-type')?.split(';')[0] !== 'application/json') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be application/json');
    const parsed = schema.safeParse(parseJson(await readBody(c, jsonBytesMax), 'the body'));
    if (!parsed.success) throw new KeelsonError('BAD_ARGUMENT', `${parsed.error.issues[0]?.path.join('.') || 'the body'}: ${parsed.error.issues[0]?.message}`);
    return parsed.data;
  };

  app.get('/healthz', (c) => c.json({ ok: true }));
  app.get('/readyz', async (c) => ((await ready()) ? c.json({ ok: true }) : c.json({ ok: false }, 503)));
  app.post('/api/mail', async (c) => {
    if (c.req.header('content-type') !== 'message/rfc822') throw new KeelsonError('BAD_ARGUMENT', 'the content type must be message/rfc822');
    const source = decode(c.req.header('x-source') ?? 'http');
    return c.json((await receiveMail(await readBody(c, mailBytesMax), source)) as object);
  });
  app.post('/api/query', async (c) => {
    const { name, args } = await read(c, bodies.query);
    return c.body(writeJson(await query(name, args)), 200, { 'content-type': 'application/json' });
  });
  app.post('/api/erase', async (c) => {
    const { subject, commandId: id = randomId() } = await read(c, bodies.erase);
    return c.json((await erase(subject, id)) as object);
  });
  app.post('/api/inbox/:id/approve', async (c) => c.json(await desk.approve(c.req.param('id'), await read(c, bodies.approve))));
  app.post('/api/inbox/:id/reject', async (c) => c.json(await desk.reject(c.req.param('id'), await read(c, bodies.reject))));
  app.post('/api/inbox/:id/respond', async (c) => c.json(await desk.respond(c.req.param('id'), await read(c, bodies.respond))));
  app.post('/api/operations/:id/reconcile', async (c) => c.json(await desk.reconcile(c.req.param('id'), await read(c, bodies.reconcile))));
  app.post('/api/runs', async (c) => c.json(await actors.run(await read(c, actorRequests.run))));
  app.post('/api/actors/:address/send', async (c) => c.json(await actors.send(c.req.param('address'), await read(c, actorRequests.send))));
  app.post('/api/actors/:address/order', async (c) => c.json(await actors.order(c.req.param('address'), await read(c, actorRequests.order))));
  app.post('/api/actors/:address/cancel', async (c) => c.json(await actors.cancel(c.req.param('address'), await read(c, actorRequests.cancel))));
  app.post('/api/pause', async (c) => c.json(await pausing.pause((await read(c, bodies.pause)).reason)));
  app.post('/api/resume', async (c) => {
    await read(c, bodies.resume);
    return c.json(await pausing.resume());
  });
  app.post('/api/effects/stop', async (c) => c.json(await effects.stop(await read(c, effectsRequest))));
  app.post('/api/effects/resume', async (c) => c.json(await effects.resume(await read(c, effectsRequest))));
  app.post('/api/policies/publish', async (c) => c.json(await policies.publish(await read(c, publishRequest))));
  app.post('/api/parked/retry', async (c) => c.json(await parked.retry(await read(c, parkedRequest))));
  app.post('/api/fork', async (c) => {
    const { actor, at, commandId: id = randomId() } = await read(c, bodies.fork);
    return c.json(await fork({ id: `fork:${id}`, address: actor, ...(at === undefined ? {} : { at }) }));
  });
  app.post('/api/facts', async (c) => c.json(await desk.addFact(await read(c, bodies.fact))));
  app.post('/api/annotations', async (c) => c.json(await desk.annotate(await read(c, bodies.remark))));

  const server = await new Promise<ReturnType<typeof serve>>((resolve, reject) => {
    const started = serve({ fetch: app.fetch, port, hostname: host }, () => resolve(started));
    started.on('error', (cause: Error) => reject(new KeelsonError('BAD_CONFIG', `cannot listen on ${host}:${port}: ${cause.message}`, { cause, hint: 'Choose another --port; 0 picks a free one.' })));
  });
  const bound = (server.address() as AddressInfo).port;
  own = [`${host}:${bound}`, `localhost:${bound}`];
  return {
    url: `http://${own[0]}`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve());
      if ('closeAllConnections' in server) server.closeAllConnections();
    }),
  };
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

/** Compares in a time that does not depend on where the texts differ. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

// The few requests of WordPress's REST API (wp/v2) that posts need, with an application password.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import type { Call } from '../connector.ts';
import { statusError } from '../http-errors.ts';
import { basicAuth, exchange, saidBy, withSlash } from '../named-server.ts';
import type { WordpressSettings } from './settings.ts';

const postSchema = z.object({ id: z.number().int().positive(), status: z.string(), slug: z.string(), link: z.string().max(2_000) });
export type WordpressPost = z.output<typeof postSchema>;

export interface WordpressApi {
  /** Whatever its status, newest first. */
  bySlug(slug: string, call: Call): Promise<WordpressPost[]>;
  byId(id: number, call: Call): Promise<WordpressPost | null>;
  /** A draft is no effect: losing its reply is no harm, it is found by its slug. */
  createDraft(post: Record<string, string>, call: Call): Promise<WordpressPost>;
  /** null when there is no such post any more. */
  update(id: number, post: Record<string, string>, call: Call): Promise<WordpressPost | null>;
  delete(id: number, call: Call): Promise<void>;
}

export function createWordpressApi({ url, user }: WordpressSettings, password: string): WordpressApi {
  const { host } = new URL(url);
  const ask = async <T>(schema: z.ZodType<T>, { method, path, body, effect }: { method: string; path: string; body?: Record<string, string>; effect: 'read' | 'write' }, call: Call): Promise<T | null> => {
    const reply = await exchange({
      method, url: new URL(`wp-json/wp/v2/${path}`, withSlash(url)).href, signal: call.signal, write: effect === 'write',
      headers: { authorization: basicAuth(user, password), accept: 'application/json', ...(body ? { 'content-type': 'application/json; charset=utf-8' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const json = readJson(reply.text);
    // Only WordPress itself says so with a code of its own; a 404 of a web server means a wrong address.
    if (reply.status === 404 && errorSchema.safeParse(json).data?.code === 'rest_post_invalid_id') return null;
    const error = statusError({ ...reply, host, effect, nowMs: call.nowMs(), says: errorSchema.safeParse(json).data?.message ?? saidBy(reply) });
    if (error) throw error;
    const read = schema.safeParse(json);
    if (read.success) return read.data;
    throw new KeelsonError(effect === 'write' ? 'SEND_UNKNOWN' : 'SEND_DEFERRED', `${host} answered ${reply.status}, but not as WordPress does`, { hint: 'Check the url in connectors/publish.json and whether the REST API is switched on.' });
  };
  const known = <T>(value: T | null): T => {
    if (value === null) throw new KeelsonError('SEND_REFUSED', `${host} knows no such post`);
    return value;
  };

  return {
    bySlug: async (slug, call) => known(await ask(z.array(postSchema), { method: 'GET', path: `posts?slug=${encodeURIComponent(slug)}&status=any,trash&context=edit&orderby=id&order=desc&per_page=20`, effect: 'read' }, call)),
    byId: (id, call) => ask(postSchema, { method: 'GET', path: `posts/${id}?context=edit`, effect: 'read' }, call),
    createDraft: async (post, call) => known(await ask(postSchema, { method: 'POST', path: 'posts', body: { ...post, status: 'draft' }, effect: 'read' }, call)),
    update: (id, post, call) => ask(postSchema, { method: 'POST', path: `posts/${id}`, body: post, effect: 'write' }, call),
    delete: async (id, call) => {
      await ask(z.object({ deleted: z.literal(true) }), { method: 'DELETE', path: `posts/${id}?force=true`, effect: 'read' }, call);
    },
  };
}

const errorSchema = z.object({ code: z.string(), message: z.string().transform((text) => text.replace(/<[^>]*>/g, ' ').replace(/[\p{C}\s]+/gu, ' ').slice(0, 200)) });

function readJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

// A post of a WordPress: a draft first, then published. Its slug ends with a mark of the operation, by which it is found again.
import { z } from 'zod';
import { KeelsonError } from '#machines/errors.ts';
import type { Performed } from '#machines/effects.ts';
import { action, type Action, type Call } from '../connector.ts';
import { oneLine } from '../plain-text.ts';
import { escapeHtml, renderText } from './markup.ts';
import type { WordpressSettings } from './settings.ts';
import { markOf, slugSchema, textSchema } from './site.ts';
import type { WordpressApi, WordpressPost } from './wordpress-api.ts';

const draftMs = 7 * 86_400_000;
const inputSchema = z.strictObject({ slug: slugSchema, title: oneLine(200), summary: oneLine(300, 0).default(''), text: textSchema, visibility: z.enum(['public', 'private']) });
type Payload = z.output<typeof inputSchema>;

/** Seen by readers, now or at a time that is set. */
const isOut = ({ status }: WordpressPost) => ['publish', 'private', 'future'].includes(status);
const isDraft = ({ status }: WordpressPost) => ['draft', 'auto-draft', 'pending'].includes(status);
const slugOf = ({ slug }: Payload, operationId: string) => `${slug}-${markOf(operationId).slice(0, 12)}`;

export function wordpressAction({ url }: WordpressSettings, api: WordpressApi): Action<never> {
  const { host } = new URL(url);
  const content = (payload: Payload, operationId: string) => ({ title: escapeHtml(payload.title), excerpt: escapeHtml(payload.summary), content: renderText(payload.text), slug: slugOf(payload, operationId) });
  const publishedAs = ({ title, visibility }: Payload, { id, link }: WordpressPost, operation: string): Performed => {
    const address = URL.canParse(link) && link.length <= 300 && !/\p{C}/u.test(link) ? link : `${url}#post-${id}`;
    return { done: true, providerRef: `post ${id} of ${host}`, note: `published: ${address}`, result: { id, url: address }, facts: [{ entity: `asset/${address}`, predicate: 'published', value: { title, visibility, operation }, label: 'system', confidence: 1 }] };
  };
  const statusFor = ({ visibility }: Payload) => (visibility === 'public' ? 'publish' : 'private');
  /** One that is out comes first: should there be a second draft, it is of no account. */
  const find = async (payload: Payload, call: Call) => {
    const posts = await api.bySlug(slugOf(payload, call.operationId), call);
    return posts.find(isOut) ?? posts.find(isDraft) ?? null;
  };

  const publish: Action<Payload> = {
    name: 'publish.wordpress', title: 'Publish a post on WordPress', input: inputSchema,
    effect: 'write', risk: 'medium', reversible: false, money: false, idempotency: { kind: 'lookup' },
    plan(payload) {
      const isPublic = payload.visibility === 'public';
      return Promise.resolve({
        summary: `Publish “${payload.title}” on ${host}${isPublic ? '' : ', for its editors only'}`,
        preview: [payload.title, ...(payload.summary === '' ? [] : [payload.summary]), '', payload.text].join('\n'),
        risk: isPublic ? 'high' : 'medium',
        reasons: [isPublic ? 'everyone can read it, and subscribers may be told at once' : 'only editors of the site can read it'],
        control: [
          { kind: 'visibility', field: 'visibility', value: payload.visibility, vouchedBy: null },
          { kind: 'host', field: 'settings.wordpress.url', value: host, vouchedBy: 'named in connectors/publish.json' },
        ],
        enclosures: [], money: null,
      });
    },
    async prepare(payload, call) {
      const { id } = (await find(payload, call)) ?? (await api.createDraft(content(payload, call.operationId), call));
      return { ref: String(id), expiresAtMs: call.nowMs() + draftMs, note: `draft ${id} on ${host}, seen by editors only` };
    },
    async commit(payload, call) {
      const id = Number(call.reservation?.ref);
      const gone = new KeelsonError('SEND_REFUSED', `the draft ${id} is not on ${host} any more`, { hint: 'Propose it anew.' });
      const draft = Number.isSafeInteger(id) ? await api.byId(id, call) : null;
      if (draft === null) throw gone;
      if (isOut(draft)) return publishedAs(payload, draft, call.operationId);
      if (!isDraft(draft) || call.nowMs() > call.reservation!.expiresAtMs) throw gone;
      // Everything goes along: what becomes public is what was approved, whoever changed the draft.
      const post = await api.update(id, { ...content(payload, call.operationId), status: statusFor(payload) }, call);
      if (post === null) throw gone;
      if (post.status !== statusFor(payload)) throw new KeelsonError(isOut(post) ? 'SEND_UNKNOWN' : 'SEND_REFUSED', `${host} made the post '${post.status.slice(0, 20)}'`, { hint: 'Look whether the user may publish; the post is there.' });
      return publishedAs(payload, post, call.operationId);
    },
    async abort(payload, call) {
      // By its number too: what a user only hands in for review loses its slug.
      const held = [await api.byId(Number(call.reservation.ref), call), ...(await api.bySlug(slugOf(payload, call.operationId), call))];
      for (const id of new Set(held.flatMap((post) => (post && isDraft(post) ? [post.id] : [])))) await api.delete(id, call);
    },
    async lookup(payload, call) {
      const post = (call.reservation ? await api.byId(Number(call.reservation.ref), call) : null) ?? (await find(payload, call));
      if (post && isOut(post)) return { found: 'done', performed: publishedAs(payload, post, call.operationId) };
      if (post && !isDraft(post)) return { found: 'unclear', note: `post ${post.id} is '${post.status.slice(0, 20)}' now` };
      if (!post && call.reservation) return { found: 'unclear', note: `the draft ${call.reservation.ref} is gone` };
      return { found: 'absent', note: post ? `post ${post.id} is still a draft` : 'there is no such post' };
    },
  };
  return action(publish);
}

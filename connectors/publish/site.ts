// A page of the static site: written as a draft that nobody sees, then linked to its place in one step. The list of pages and the feeds
// follow, and are made anew from what is kept of each page; a repetition finishes whatever a crash left undone.
import { z } from 'zod';
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Performed } from '#machines/effects.ts';
import { action, type Action } from '../connector.ts';
import { manyLines, oneLine } from '../plain-text.ts';
import { renewLists } from './lists.ts';
import { makePost, renderPage, urlOf, type Post } from './pages.ts';
import type { SiteSettings } from './settings.ts';
import { openSiteFolder, type SiteFolder } from './site-folder.ts';

const dayMs = 86_400_000;
const draftMs = 7 * dayMs;
const reserved = /^(index|con|prn|aux|nul|com\d|lpt\d)$/;
export const slugSchema = z.string().max(80).regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'expected a name such as spring-opening-hours').refine((slug) => !reserved.test(slug), 'this name is taken');
export const textSchema = manyLines(200_000).refine((text) => text.trim() !== '', 'expected some text');

const inputSchema = z.strictObject({ slug: slugSchema, title: oneLine(200), summary: oneLine(300, 0).default(''), text: textSchema, visibility: z.enum(['public', 'unlisted']) });
type Payload = z.output<typeof inputSchema>;

export const markOf = (operationId: string) => sha256(operationId).slice(0, 40);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error)).slice(0, 300);

export function siteAction(site: SiteSettings): Action<never> {
  const publishedAt = ({ slug, title, visibility }: Payload, operation: string, notes: readonly string[] = []): Performed => {
    const url = urlOf(site, slug);
    return { done: true, providerRef: url, note: [`published: ${url}`, ...notes].join('; '), result: { url }, facts: [{ entity: `asset/${url}`, predicate: 'published', value: { title, visibility, operation }, label: 'system', confidence: 1 }] };
  };
  const taken = ({ slug }: Payload) => new KeelsonError('SEND_REFUSED', `there is a page ${slug}.html already; pages are not replaced`, { hint: 'Choose another slug, or take the page away.' });

  /** What goes wrong while nothing is seen yet may be tried again. */
  const unseen = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw error instanceof KeelsonError ? error : new KeelsonError('SEND_DEFERRED', `the page was not written: ${messageOf(error)}`, { cause: error });
    }
  };

  const publish: Action<Payload> = {
    name: 'publish.site', title: 'Publish a page on the website, with its feeds', input: inputSchema,
    effect: 'write', risk: 'medium', reversible: false, money: false, idempotency: { kind: 'native', keyLifetimeMs: draftMs },
    plan(payload) {
      const url = urlOf(site, payload.slug);
      const isPublic = payload.visibility === 'public';
      return Promise.resolve({
        summary: `Publish “${payload.title}” at ${url}${isPublic ? '' : ', in no list'}`,
        preview: [payload.title, ...(payload.summary === '' ? [] : [payload.summary]), '', payload.text].join('\n'),
        risk: isPublic ? 'high' : 'medium',
        reasons: [isPublic ? 'everyone can read it, and feed readers fetch it at once' : 'everyone with the address can read it'],
        control: [
          { kind: 'visibility', field: 'visibility', value: payload.visibility, vouchedBy: null },
          { kind: 'path', field: 'slug', value: `${site.folder}/${payload.slug}.html`, vouchedBy: 'inside the folder of the site in connectors/publish.json' },
        ],
        enclosures: [], money: null,
      });
    },
    prepare: (payload, call) => unseen(async () => {
      if (call.signal.aborted) throw new KeelsonError('SEND_DEFERRED', 'the draft was not written: the time was up');
      const mark = markOf(call.operationId);
      const folder = await openSiteFolder(site.folder);
      const reservation = { ref: mark, expiresAtMs: call.nowMs() + draftMs, note: `a draft of ${payload.slug}.html, seen by nobody` };
      const there = await folder.pageMark(payload.slug);
      if (there === mark) return reservation;
      if (there !== null) throw taken(payload);
      await folder.dropDraftsOlderThan(call.nowMs() - draftMs - dayMs);
      // The date of the first try stays, so that the draft is the same.
      const post = makePost(payload, mark, (await folder.draft(mark))?.post.publishedMs ?? call.nowMs());
      await folder.writeDraft(post, renderPage(site, post));
      return reservation;
    }),
    async commit(payload, call) {
      const mark = markOf(call.operationId);
      const { folder, post } = await unseen(async () => {
        if (call.signal.aborted) throw new KeelsonError('SEND_DEFERRED', 'the page was not published: the time was up');
        const opened = await openSiteFolder(site.folder);
        return { folder: opened, post: await showOnce(opened, payload, mark, call) };
      });
      // Everything was done before; the draft goes last.
      if (post === null) return publishedAt(payload, call.operationId);
      try {
        await folder.record(post);
        const notes = await renewLists(site, folder, mark);
        await folder.dropDraft(mark);
        return publishedAt(payload, call.operationId, notes);
      } catch (error) {
        throw new KeelsonError('SEND_UNKNOWN', `the page is out, its list and feeds are not: ${messageOf(error)}`, { cause: error });
      }
    },
    async abort(_, { operationId }) {
      const folder = await openSiteFolder(site.folder);
      await folder.dropDraft(markOf(operationId));
    },
    async lookup(payload, { operationId }) {
      const folder = await openSiteFolder(site.folder);
      const there = await folder.pageMark(payload.slug);
      if (there === markOf(operationId)) return { found: 'done', performed: publishedAt(payload, operationId) };
      return { found: 'absent', note: there === null ? `there is no page ${payload.slug}.html` : `the page ${payload.slug}.html is another one` };
    },
  };

  /** null when the page is out and nothing is left to do. */
  async function showOnce(folder: SiteFolder, payload: Payload, mark: string, { nowMs }: { nowMs(): number }): Promise<Post | null> {
    const [draft, there] = [await folder.draft(mark), await folder.pageMark(payload.slug)];
    if (there === mark && draft === null) await folder.dropDraft(mark);
    if (there === mark) return draft?.post ?? null;
    if (there !== null) throw taken(payload);
    if (draft === null || nowMs() > draft.post.publishedMs + draftMs) throw new KeelsonError('SEND_REFUSED', `the draft of ${payload.slug}.html has lapsed`, { hint: 'Propose it anew.' });
    const post = makePost(payload, mark, draft.post.publishedMs);
    if (renderPage(site, post) !== draft.page) throw new KeelsonError('SEND_REFUSED', `the draft of ${payload.slug}.html is not what was approved`, { hint: 'Somebody changed the file; propose it anew.' });
    if (!(await folder.show(post))) throw taken(payload);
    return post;
  }

  return action(publish);
}

// The files of a site: drafts and records in hidden folders that only we may read, pages beside them. Each file is either absent or
// whole, nothing follows a link, and what others made is never replaced.
import { constants } from 'node:fs';
import { chmod, link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { KeelsonError } from '#machines/errors.ts';
import { isOurs, markIn, postSchema, type Post } from './pages.ts';

const readMax = 4_000_000;

export interface SiteFolder {
  draft(mark: string): Promise<{ post: Post; page: string } | null>;
  writeDraft(post: Post, page: string): Promise<void>;
  dropDraft(mark: string): Promise<void>;
  dropDraftsOlderThan(ms: number): Promise<void>;
  /** The mark of the page with this slug: empty for a page that others made, null for none. */
  pageMark(slug: string): Promise<string | null>;
  /** The draft becomes the page, unless there is one. False when there is. */
  show(post: Post): Promise<boolean>;
  record(post: Post): Promise<void>;
  /** Newest first. */
  posts(): Promise<Post[]>;
  /** Needs the draft of `mark` to be there still. False when others made the file that stands there. */
  replace(name: 'index.html' | 'feed.xml' | 'atom.xml', text: string, mark: string): Promise<boolean>;
}

/** Throws REFUSED when the folder, or one of ours in it, is no folder or a link. */
export async function openSiteFolder(folder: string): Promise<SiteFolder> {
  await mustBeFolder(folder);
  const [drafts, records] = [join(folder, '.drafts'), join(folder, '.posts')];
  for (const own of [drafts, records]) await makeFolder(own);
  const pageOf = (slug: string) => join(folder, `${slug}.html`);
  const pageMark = async (slug: string) => {
    const page = await read(pageOf(slug));
    return page === null ? null : (markIn(page) ?? '');
  };

  /** Written in the operation's own draft folder and renamed in, so that no two writers share a file. */
  const write = async (path: string, text: string, { mark, mode }: { mark: string; mode: number }) => {
    const temporary = join(drafts, mark, '.writing');
    await rm(temporary, { force: true });
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    if ((await lstat(path).catch(ignoreMissing))?.isSymbolicLink()) throw refused(path, 'is a link');
    await rename(temporary, path);
  };

  return {
    async draft(mark) {
      const [post, page] = [await readPost(join(drafts, mark, 'post.json')), await read(join(drafts, mark, 'page.html'))];
      return post === null || page === null ? null : { post, page };
    },
    async writeDraft(post, page) {
      const place = join(drafts, post.mark);
      await makeFolder(place);
      await write(join(place, 'post.json'), JSON.stringify(post), { mark: post.mark, mode: 0o600 });
      await write(join(place, 'page.html'), page, { mark: post.mark, mode: 0o600 });
      await syncFolder(place);
    },
    dropDraft: (mark) => rm(join(drafts, mark), { recursive: true, force: true }),
    async dropDraftsOlderThan(ms) {
      for (const name of await readdir(drafts)) {
        const path = join(drafts, name);
        if (/^[0-9a-f]{40}$/.test(name) && ((await lstat(path).catch(ignoreMissing))?.mtimeMs ?? ms) < ms) await rm(path, { recursive: true, force: true });
      }
    },
    pageMark,
    async show({ slug, mark }) {
      const page = join(drafts, mark, 'page.html');
      await chmod(page, 0o644);
      try {
        await link(page, pageOf(slug));
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return false;
        throw error;
      }
      await syncFolder(folder);
      return true;
    },
    record: (post) => write(join(records, `${post.slug}.json`), JSON.stringify(post), { mark: post.mark, mode: 0o600 }),
    async posts() {
      const posts: Post[] = [];
      for (const name of await readdir(records)) {
        const post = name.endsWith('.json') ? await readPost(join(records, name)) : null;
        // The operator may take a page away, or put another in its place.
        if (post && name === `${post.slug}.json` && (await pageMark(post.slug)) === post.mark) posts.push(post);
      }
      return posts.toSorted((a, b) => b.publishedMs - a.publishedMs || (a.slug < b.slug ? -1 : 1));
    },
    async replace(name, text, mark) {
      const path = join(folder, name);
      const there = await read(path);
      if (there !== null && !isOurs(there)) return false;
      await write(path, text, { mark, mode: 0o644 });
      await chmod(path, 0o644);
      return true;
    },
  };
}

async function readPost(path: string): Promise<Post | null> {
  const text = await read(path);
  if (text === null) return null;
  try {
    return postSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function read(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const info = await file.stat();
      if (!info.isFile() || info.size > readMax) throw refused(path, 'is no file that can be read');
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (codeOf(error) === 'ELOOP') throw refused(path, 'is a link');
    return ignoreMissing(error);
  }
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await mustBeFolder(path);
}

async function mustBeFolder(path: string): Promise<void> {
  const info = await lstat(path).catch(ignoreMissing);
  if (!info) throw refused(path, 'does not exist');
  if (!info.isDirectory()) throw refused(path, info.isSymbolicLink() ? 'is a link' : 'is no folder');
}

async function syncFolder(path: string): Promise<void> {
  const handle = await open(path);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code;
const refused = (path: string, why: string) => new KeelsonError('REFUSED', `nothing is published: ${path} ${why}`, { hint: 'Correct the folder of the site, or `site.folder` in connectors/publish.json.' });

function ignoreMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null;
  throw error;
}

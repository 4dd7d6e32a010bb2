// Speaks the part of WordPress's REST API (wp/v2) that posts need, as WordPress 6 answers it: statuses, slugs that are made unique on
// publishing, its own error bodies, application passwords. A real WordPress needs PHP and a database.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Post { id: number; status: string; slug: string; title: string; content: string; excerpt: string }
export interface WordpressFixture {
  /** http://127.0.0.1:PORT */
  url: string;
  user: string;
  password: string;
  posts: Map<number, Post>;
  /** How often a post went out. */
  published(): number;
  /** May the user publish, or only hand in for review? */
  mayPublish: boolean;
  stop(): Promise<void>;
}

const out = ['publish', 'private', 'future'];

export async function startWordpress(): Promise<WordpressFixture> {
  const posts = new Map<number, Post>();
  let [nextId, published] = [11, 0];
  const auth = { user: 'anna', password: 'canary wpap 9931 nott obes eeny' };
  const wordpress = { mayPublish: true };

  const shown = ({ id, status, slug, title, content, excerpt }: Post) => ({ id, status, slug, type: 'post', link: `${wordpressUrl()}/${out.includes(status) ? slug : `?p=${id}`}`, title: { raw: title, rendered: title }, content: { raw: content, rendered: content, protected: false }, excerpt: { raw: excerpt, rendered: excerpt } });
  const wordpressUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const refuse = (response: ServerResponse, status: number, code: string, message: string) => send(response, status, { code, message, data: { status } });

  const save = (post: Post, change: Partial<Post>) => {
    const wanted = { ...post, ...change };
    if (out.includes(wanted.status) && !out.includes(post.status)) {
      if (!wordpress.mayPublish) Object.assign(wanted, { status: 'pending', slug: '' });
      else {
        published += 1;
        const others = [...posts.values()].filter(({ id, status }) => id !== post.id && out.includes(status)).map(({ slug }) => slug);
        for (let n = 2; others.includes(wanted.slug); n += 1) wanted.slug = `${(change.slug ?? post.slug)}-${n}`;
      }
    }
    posts.set(post.id, wanted);
    return wanted;
  };

  const answer = (request: IncomingMessage, body: string, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', 'http://wordpress.example');
    if (request.headers.authorization !== `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`) return refuse(response, 401, 'rest_cannot_edit', 'Sorry, you are not allowed to do that.');
    const [, id] = /^\/wp-json\/wp\/v2\/posts(?:\/(\d+))?$/.exec(url.pathname) ?? [undefined, undefined];
    if (!/^\/wp-json\/wp\/v2\/posts(\/\d+)?$/.test(url.pathname)) return refuse(response, 404, 'rest_no_route', 'No route was found matching the URL and request method.');
    const post = id === undefined ? undefined : posts.get(Number(id));
    if (id !== undefined && !post) return refuse(response, 404, 'rest_post_invalid_id', 'Invalid post ID.');
    const change = body === '' ? {} : (JSON.parse(body) as Partial<Post>);
    if (request.method === 'GET' && post) return send(response, 200, shown(post));
    if (request.method === 'GET') {
      const statuses = (url.searchParams.get('status') ?? 'publish').split(',');
      const matches = [...posts.values()].filter(({ slug, status }) => slug === url.searchParams.get('slug') && (statuses.includes(status) || (statuses.includes('any') && status !== 'trash')));
      return send(response, 200, matches.toSorted((a, b) => b.id - a.id).map(shown));
    }
    if (request.method === 'POST' && post) return send(response, 200, shown(save(post, change)));
    if (request.method === 'POST') return send(response, 201, shown(save({ id: nextId++, status: 'draft', slug: '', title: '', content: '', excerpt: '' }, change)));
    if (request.method === 'DELETE' && post) {
      if (url.searchParams.get('force') !== 'true') return send(response, 200, shown(save(post, { status: 'trash' })));
      posts.delete(post.id);
      return send(response, 200, { deleted: true, previous: shown(post) });
    }
    return refuse(response, 405, 'rest_no_route', 'No route was found matching the URL and request method.');
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return Object.assign(wordpress, {
    url: wordpressUrl(), ...auth, posts, published: () => published,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8' }).end(JSON.stringify(body));
}

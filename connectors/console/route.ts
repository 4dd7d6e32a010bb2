// One table of what the server can be asked: for each route what it takes, what it answers, and who may ask. The same table makes the
// handlers and openapi.json.
import type { Context } from 'hono';
import { z } from 'zod';

/** `operator`: the token of the company folder, or a session that was opened with it. `automation`: the other token, which decides nothing. */
export interface Principal { who: 'operator' | 'automation'; via: 'token' | 'session' }

type Params<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}` ? Record<Name | keyof Params<`/${Rest}`>, string> : Path extends `${string}:${infer Name}` ? Record<Name, string> : unknown;
interface Call<Path extends string, Body, Query> { params: Params<Path>; body: Body; query: Query; by: Principal }
interface Described {
  /** One sentence. */
  summary: string;
  /** What comes back; left out where it is as the store has it. */
  answer?: z.ZodType;
}

export interface Route extends Required<Described> {
  method: 'get' | 'post';
  path: string;
  /** Who may, of those who are known: everybody, or only the operator. */
  who: 'all' | 'operator';
  /** Refused while the company is paused. */
  moves: boolean;
  body: z.ZodType | null;
  query: z.ZodType;
  handle(call: Call<string, unknown, unknown>): Promise<unknown>;
}

/** What answers something else than JSON or takes something else: a stream, bytes, a mail. It stands behind the same questions as every route. */
export interface RawRoute extends Pick<Route, 'method' | 'path' | 'summary' | 'who'> {
  answer(c: Context, by: Principal): Response | Promise<Response>;
}

type NoQuery = Record<string, never>;
const noQuery = z.object({});
const anyAnswer = z.unknown();

/** A read. Its query string is text: coerce numbers in the schema. */
export function get<Path extends string, Query = NoQuery>(path: Path, { summary, query, answer = anyAnswer, handle }: Described & { query?: z.ZodType<Query>; handle(call: Call<Path, null, Query>): Promise<unknown> }): Route {
  return { method: 'get', path, summary, answer, who: 'all', moves: false, body: null, query: query ?? noQuery, handle };
}

/** A command. The operator's alone unless `who` says otherwise. */
export function post<Path extends string, Body>(path: Path, { summary, body, answer = anyAnswer, who = 'operator', moves = false, handle }: Described & { body: z.ZodType<Body>; who?: Route['who']; moves?: boolean; handle(call: Call<Path, Body, NoQuery>): Promise<unknown> }): Route {
  return { method: 'post', path, summary, answer, who, moves, body, query: noQuery, handle };
}

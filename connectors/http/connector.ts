// HTTP as a way out: the calls that the operator declared, one action each. Nothing else can be asked for: host, method and headers come
// from the settings, a payload fills in parameters and body.
import { sha256 } from '#actors/hash.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from '../connector.ts';
import { createSafeFetch, type SafeFetchSettings } from '../safe-fetch.ts';
import { callAction } from './call.ts';
import { callsFromOpenApi, type DeclaredCall } from './openapi.ts';
import type { HttpSettings } from './settings.ts';
import { readTemplate } from './template.ts';

export { settingsSchema } from './settings.ts';

export interface HttpPorts extends Pick<SafeFetchSettings, 'ca' | 'resolve'> {
  /** By the names that the settings give; a name that is missing is BAD_CONFIG. */
  secrets: Record<string, string>;
  /** A file of the folder in which the settings stand. */
  readText(file: string): string;
}

/** Throws BAD_CONFIG with the call it is about. */
export function createHttpConnector({ calls, apis, allowPrivate, perMinute }: HttpSettings, { secrets, readText, ca, resolve }: HttpPorts): Connector {
  const declared: DeclaredCall[] = [...calls.map((call) => ({ call, definitions: {} })), ...apis.flatMap((api) => callsFromOpenApi(readText(api.openapi), api))];
  const twice = declared.find(({ call: { name } }, n) => declared.findIndex(({ call }) => call.name === name) !== n);
  if (twice) throw new KeelsonError('BAD_CONFIG', `two calls in connectors/http.json have the name '${twice.call.name}'`);
  const urls = declared.map(({ call }) => readTemplate(call.url).url);
  return {
    name: 'http',
    // Another definition is another thing to say yes to.
    version: `1-${sha256(JSON.stringify(declared)).slice(0, 12)}`,
    hosts: [...new Set(urls.map(({ host }) => host))],
    secrets: [...new Set(declared.flatMap(({ call: { secretHeader } }) => (secretHeader ? [secretHeader.secret] : [])))],
    ...(perMinute === undefined ? {} : { perMinute }),
    actions: declared.map((one, n) => {
      const url = urls[n]!;
      // Each call reaches its own server only, redirects included.
      return callAction(one, { ...credentialOf(one.call, secrets, url, allowPrivate), fetch: createSafeFetch({ allowHosts: [url.origin], allowPrivate, ca, resolve }) });
    }),
  };
}

function credentialOf({ name, secretHeader }: DeclaredCall['call'], secrets: Record<string, string>, url: URL, allowPrivate: string[]): { credential: string | null; secret: string | null } {
  if (secretHeader === undefined) return { credential: null, secret: null };
  const secret = secrets[secretHeader.secret];
  const refuse = (why: string) => new KeelsonError('BAD_CONFIG', `the call http.${name} needs the secret ${secretHeader.secret}, ${why}`);
  if (secret === undefined || secret === '') throw refuse('which is not set');
  if (!/^[\x21-\x7e]+( [\x21-\x7e]+)*$/.test(secret)) throw refuse('which holds a line break or another character that no header has');
  if (url.protocol === 'http:' && !allowPrivate.includes(`${url.hostname}:${url.port || '80'}`)) throw refuse('which may not travel without https');
  return { credential: `${secretHeader.prefix}${secret}`, secret };
}

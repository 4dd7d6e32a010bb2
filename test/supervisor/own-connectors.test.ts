// The loader of a company's own connectors: what is right is handed on as it is, what is wrong is said with its file, in one line.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { KeelsonError } from '#machines/errors.ts';
import { loadOwnConnectors, type OwnConnectorParts } from '#supervisor/own-connectors.ts';

const home = mkdtempSync(join(tmpdir(), 'keelson-own-'));
after(() => rmSync(home, { recursive: true, force: true }));
let companies = 0;

/** Each company is a new folder: a module is loaded once in a process. */
function load(files: Record<string, string>, parts: Partial<OwnConnectorParts> = {}) {
  const dataDir = join(home, `${++companies}`);
  mkdirSync(join(dataDir, 'connectors'), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, 'connectors', name), text);
  return loadOwnConnectors(dataDir, { secrets: () => ({}), taken: ['mail'], ...parts });
}

const exported = 'export default';
/** The text of a connector; `change` is put behind the fields of its action, `more` behind its own. */
const text = ({ change = '', more = '', head = '' } = {}) => `
  import { action } from 'keelson/connector';
  import { z } from 'zod';
  ${head}
  ${exported} (settings, secrets) => ({ name: 'shop', version: '1', hosts: [], secrets: [], settings, given: secrets, actions: [action({
    name: 'shop.order', title: 'Order', input: z.strictObject({}), effect: 'write', risk: 'low', reversible: true, money: false, idempotency: { kind: 'none' },
    plan: async () => null, commit: async () => null, ${change} })], ${more} });`;

test('a company without the folder, or with settings alone, has none of its own', async () => {
  assert.deepEqual(await loadOwnConnectors(join(home, 'nowhere'), { secrets: () => ({}), taken: [] }), []);
  assert.deepEqual(await load({ 'files.json': '{}', 'mcp.pins.json': '{}', 'shop.test.ts': 'throw new Error("not to be loaded")' }), []);
});

test('a connector gets its settings in the shape of its schema, and of the secrets those that it names', async () => {
  const asked: string[][] = [];
  const head = "export const settingsSchema = z.strictObject({ url: z.url(), size: z.number().default(3) }); export const secrets = ['SHOP_KEY'];";
  const [shop, ...others] = await load({ 'shop.ts': text({ head }), 'shop.json': '{"url": "https://shop.example"}' }, {
    secrets: (names) => (asked.push([...names]), Object.fromEntries(names.map((name) => [name, `value of ${name}`]))),
  });
  const { name, settings, given } = shop as unknown as Record<string, unknown>;
  assert.deepEqual([others, name, settings, given, asked], [[], 'shop', { url: 'https://shop.example', size: 3 }, { SHOP_KEY: 'value of SHOP_KEY' }, [['SHOP_KEY']]]);
});

const strict = 'export const settingsSchema = z.strictObject({ url: z.url() });';
const wrong: [what: string, files: Record<string, string>, message: RegExp][] = [
  ['does not parse', { 'shop.ts': 'export default {' }, /shop\.ts: ./],
  ['imports what is not there', { 'shop.ts': "import 'nowhere';" }, /Cannot find package 'nowhere'/],
  ['throws when it is loaded', { 'shop.ts': "throw new Error('out of order');" }, /out of order/],
  ['exports no function', { 'shop.ts': 'export default 1;' }, /must be a function/],
  ['throws when it is made', { 'shop.ts': "export default () => { throw new Error('no such host'); };" }, /no such host/],
  ['gives nothing', { 'shop.ts': 'export default () => undefined;' }, /no connector/],
  ['has no actions', { 'shop.ts': text({ more: 'actions: []' }) }, /actions/],
  ['has an action without a schema', { 'shop.ts': text({ change: 'input: {}' }) }, /input: expected a schema of zod/],
  ['has an action that cannot be done', { 'shop.ts': text({ change: 'commit: null' }) }, /commit: expected a function/],
  ['promises a look-up', { 'shop.ts': text({ change: "idempotency: { kind: 'lookup' }" }) }, /needs the function lookup/],
  ['holds and never lets go', { 'shop.ts': text({ change: 'prepare: async () => null' }) }, /belong together/],
  ['has an action of another', { 'shop.ts': text({ change: "name: 'mail.send'" }) }, /'mail\.send' must be called shop\.verb/],
  ['has one action twice', { 'shop.ts': text({}).replace('})],', '}), ...[1].map(() => action({ name: "shop.order", title: "x", input: z.strictObject({}), effect: "read", risk: "low", reversible: true, money: false, idempotency: { kind: "none" }, plan: () => null, commit: () => null }))],') }, /two of its actions/],
  ['has a strange name', { 'shop.ts': text({ more: "name: 'Shop!'" }) }, /'Shop!' must be/],
  ['has the name of one that is there', { 'shop.ts': text({ more: "name: 'mail'" }).replace("'shop.order'", "'mail.order'") }, /another connector 'mail'/],
  ['is there twice', { 'a.ts': text(), 'b.ts': text() }, /connectors\/b\.ts: there is another connector 'shop'/],
  ['misses a secret', { 'shop.ts': text({ head: "export const secrets = ['SHOP_KEY'];" }) }, /the secret SHOP_KEY is not set/],
  ['names a secret oddly', { 'shop.ts': text({ head: "export const secrets = ['shop key'];" }) }, /list of names/],
  ['uses a secret that it does not export', { 'shop.ts': text({ more: "secrets: ['STRIPE_SECRET_KEY']" }) }, /STRIPE_SECRET_KEY, which the file does not export/],
  ['has settings and no schema', { 'shop.ts': text(), 'shop.json': '{}' }, /exports no settingsSchema/],
  ['has settings that are no JSON', { 'shop.ts': text({ head: strict }), 'shop.json': '{' }, /cannot be read/],
  ['has settings of another shape', { 'shop.ts': text({ head: strict }), 'shop.json': '{"url": "https://shop.example", "more": 1}' }, /Unrecognized key/],
  ['needs settings that are not there', { 'shop.ts': text({ head: strict }) }, /url/],
  ['has a schema of another kind', { 'shop.ts': text({ head: "export const settingsSchema = { type: 'object' };" }) }, /must be a schema of zod/],
];

for (const [what, files, message] of wrong) {
  test(`a connector that ${what} stops the start`, async () => {
    await assert.rejects(load(files), (error) => {
      assert.ok(error instanceof KeelsonError);
      assert.equal(error.code, 'BAD_CONFIG');
      assert.match(error.message, /^connectors\/(shop|b)\.ts: /);
      assert.match(error.message, message);
      return true;
    });
  });
}

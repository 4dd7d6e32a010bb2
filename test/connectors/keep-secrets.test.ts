// Goal: what a provider sends back of what it was sent goes no further. Method: a connector that says its secret in every way that there is.
import assert from 'node:assert/strict';
import test from 'node:test';
import { hiderOf, keepSecrets } from '#connectors/keep-secrets.ts';
import type { Action, Connector } from '#connectors/connector.ts';
import { KeelsonError } from '#machines/errors.ts';

const secret = 'p&ss "wörd"/77';
const forms = [secret, encodeURIComponent(secret), JSON.stringify(secret), ...['', 'm', 'ma', 'mar'].map((user) => Buffer.from(`${user}:${secret}:more`).toString('base64')), Buffer.from(secret).toString('base64url')];
const isHidden = (text: string) => !forms.some((form) => text.includes(form)) && !/p&ss|ss%20|w.rd/.test(text);

test('a secret is hidden as it is and as it travels, and nothing else is touched', () => {
  const hide = hiderOf([secret, 'short']);
  for (const form of forms) {
    const hidden = hide(`before ${form} after`);
    assert.ok(isHidden(hidden) && hidden.startsWith('before ') && hidden.endsWith(' after') && hidden.includes('…'), `${form}: ${hidden}`);
  }
  // What stands before and behind it in base64 stays readable.
  assert.match(Buffer.from(hide(Buffer.from(`mara:${secret}:more`).toString('base64')).split('…')[0]!, 'base64').toString(), /^mara:?$/);
  for (const text of ['', 'nothing to hide', 'in short', 'p&ss']) assert.equal(hide(text), text);
});

test('results, their keys and errors of every kind are without it, with code, hint and the time to wait', async () => {
  const said: Record<string, unknown> = { done: true, note: `you sent ${secret}`, result: { list: [secret, 7, null, { [secret]: `a ${secret}` }] }, facts: [] };
  class Odd {
    name = 'odd.do';
    async commit(how: string) {
      if (how === 'coded') throw new KeelsonError('SEND_DEFERRED', `no: ${secret}`, { hint: `use ${secret}`, retryAfterMs: 5 });
      if (how === 'thrown') throw new TypeError(`no: ${secret}`);
      return { ...said, providerRef: this.name };
    }
  }
  const connector = keepSecrets({ name: 'odd', version: '1', hosts: [], secrets: ['KEY'], actions: [new Odd() as never] } satisfies Connector, hiderOf([secret]));
  const { commit, name, lookup } = connector.actions[0] as unknown as Action<unknown>;
  assert.deepEqual([connector.name, name, lookup], ['odd', 'odd.do', undefined]);
  assert.deepEqual(await commit('well', {} as never), { done: true, note: 'you sent …', result: { list: ['…', 7, null, { '…': 'a …' }] }, facts: [], providerRef: 'odd.do' });
  await assert.rejects(commit('coded', {} as never), (error) => error instanceof KeelsonError && error.code === 'SEND_DEFERRED' && error.message === 'no: …' && error.hint === 'use …' && error.retryAfterMs === 5);
  await assert.rejects(commit('thrown', {} as never), (error) => error instanceof Error && !(error instanceof KeelsonError) && error.message === 'no: …');
});

// Goal: each kind of item offers its own answers. Method: the words that agents and the store write into items, one by one.
import assert from 'node:assert/strict';
import test from 'node:test';
import { answersOf } from '#connectors/console/inbox-answers.ts';
import type { StoredIntent } from '#machines/inbox.ts';

const item = (answers: string | undefined, { id = 'x-1', kind = 'question', ...data }: { id?: string; kind?: string; payload?: unknown; control?: never[] } = {}): StoredIntent => ({ id, kind, state: 'input-required', actor: 'mail/1', summary: 's', created_ms: 0, data: { ...data, ...(answers === undefined ? {} : { answers }) } });
const short = (stored: StoredIntent) => {
  const { approve, reject, respond, choices, reconcile } = answersOf(stored);
  return { approve, reject, respond, choices, reconcile };
};

test('An operation is approved, edited in its words, or rejected.', () => {
  const payload = { to: { address: 'a@b.example' }, subject: 'Hi', text: 'It costs 5.', inReplyTo: '<x@y>', url: 'https://a.example', path: 'a b' };
  const stored = item('approve = do exactly this; approve --edit FILE = do it as edited; reject --reason', { kind: 'approval', payload });
  assert.deepEqual(short(stored), { approve: 'do exactly this', reject: '', respond: null, choices: [], reconcile: null });
  const fixed = { ...stored, data: { ...stored.data, control: [{ kind: 'path' as const, field: 'path', value: 'a b', vouchedBy: null }] } };
  assert.deepEqual(answersOf(fixed).edits, ['subject', 'text'], 'where it goes, ids and addresses are no words');
});

test('A question about a mail takes a text; its suggestion stands in the field.', () => {
  const stored = item('respond --text "…" = draft this reply; approve --edit FILE = the same from a file; reject = no reply', { payload: { suggestion: 'Hello' } });
  assert.deepEqual(short(stored), { approve: null, reject: 'no reply', respond: 'draft this reply', choices: [], reconcile: null });
  assert.equal(answersOf(stored).suggestion, 'Hello');
});

test('A question with a few answers offers them.', () => {
  assert.deepEqual(short(item('approve = it is inquiry; respond --text CATEGORY (inquiry, invoice, spam); reject = ignore it')), { approve: 'it is inquiry', reject: 'ignore it', respond: '', choices: ['inquiry', 'invoice', 'spam'], reconcile: null });
});

test('A contradiction is decided three ways.', () => {
  assert.deepEqual(short(item('approve = the new one is right; reject = what was known is right; respond --text VALUE = neither, it is VALUE')), { approve: 'the new one is right', reject: 'what was known is right', respond: 'neither, it is VALUE', choices: [], reconcile: null });
});

test('An unknown operation is settled and nothing else.', () => {
  assert.deepEqual(short(item('look at the other side (sent folder, account, calendar), then: ops reconcile m-7 --done | --not-done', { kind: 'escalation' })), { approve: null, reject: null, respond: null, choices: [], reconcile: 'm-7' });
});

test('What was only to be seen is seen; an actor that stands still and a parked message can be moved on.', () => {
  const still = item('keelson retry order/1, or keelson skip order/1; then approve = seen', { id: 'failed-order-1-3', kind: 'escalation', payload: { actor: 'order/1' } });
  assert.deepEqual([answersOf(still).approve, answersOf(still).order], ['seen', 'order/1']);
  const parked = item(undefined, { id: 'parked-12ab', kind: 'escalation', payload: { id: 'msg-9' } });
  const { approve, reject, parked: message } = answersOf(parked);
  assert.deepEqual([approve, reject, message], ['seen', 'seen', 'msg-9']);
});

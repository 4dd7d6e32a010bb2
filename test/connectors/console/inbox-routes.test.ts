// Goal: the inbox of the console shows what matters first, and no way leads around what protects a decision: the typed words of a high risk,
// one kind and no money in a batch, the hash of what was shown. Method: the real desk and store behind the real server, asked as a browser
// and as the CLI ask; what operations do outside is faked.
import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { randomId } from '#actors/ids.ts';
import { silentLog } from '#actors/log.ts';
import { createActors } from '#connectors/console/desk-actors.ts';
import { createCommands } from '#connectors/console/desk-commands.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { createEffects } from '#connectors/console/desk-effects.ts';
import { createInboxDesk, type Decided, type InboxDesk, type Pace } from '#connectors/console/desk-inbox.ts';
import { createParkedDesk } from '#connectors/console/desk-parked.ts';
import { createPolicyDesk } from '#connectors/console/desk-policy.ts';
import type { Card } from '#connectors/console/inbox-card.ts';
import { inboxFiles, inboxRoutes, type InboxList } from '#connectors/console/inbox-routes.ts';
import { startConsole } from '#connectors/console/server.ts';
import { createDocuments } from '#connectors/documents.ts';
import { operationMachine } from '#machines/agents/operation.ts';
import type { Verdict } from '#machines/agents/activities.ts';
import type { Plan } from '#machines/effects.ts';
import { operationActivities } from '#test/kit/verdict.ts';
import { startWorld, type World } from '#test/kit/world.ts';

const token = 't'.repeat(64);
const day = 86_400_000;
interface Asked { state?: string; error?: { code: string; message: string } }

let world: World;
let web: Awaited<ReturnType<typeof startConsole>>;
let inbox: InboxDesk;
let cookie = '';
let csrf = '';
let made = 0;
const verdicts = new Map<string, Partial<Verdict>>();

before(async () => {
  world = await startWorld({ machines: [operationMachine], activities: operationActivities({ verdict: (input: { operation: string }) => verdicts.get(input.operation) ?? {} }) });
  const { store, bus } = world;
  const desk = createDesk({ store, bus, clock: systemClock, makeId: randomId });
  inbox = createInboxDesk({ store, clock: systemClock, makeId: randomId, desk });
  web = await startConsole({
    port: 0, nowMs: Date.now, token, log: silentLog, desk, looked: inbox.looked, query: store.query,
    actors: createActors({ store, bus, makeId: randomId, machines: world.registry.list() }), parked: createParkedDesk({ store, clock: systemClock, makeId: randomId }),
    effects: createEffects({ store, commands: createCommands({ store, clock: systemClock, makeId: randomId }), makeId: randomId }), policies: createPolicyDesk({ store, clock: systemClock, makeId: randomId, actions: [] }),
    pausing: { pause: async () => ({}), resume: async () => ({}), paused: () => null }, fork: async () => ({}), erase: async () => ({}), receiveMail: async () => ({}), ready: async () => true,
    routes: inboxRoutes({ query: store.query, inbox }), raw: inboxFiles({ query: store.query }),
  });
  const signedIn = await fetch(`${web.url}/api/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token }) });
  cookie = signedIn.headers.getSetCookie()[0]!.split(';')[0]!;
  csrf = ((await signedIn.json()) as { csrf: string }).csrf;
});
after(async () => {
  await (web as typeof web | undefined)?.stop();
  await world.stop();
});

const send = async <T = Asked>(path: string, body: object, headers: Record<string, string>) => (await (await fetch(`${web.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })).json()) as T;
const asBrowser = <T = Asked>(path: string, body: object) => send<T>(path, body, { cookie, 'x-csrf-token': csrf });
const asCli = <T = Asked>(path: string, body: object) => send<T>(path, body, { authorization: `Bearer ${token}` });
const read = async <T>(path: string) => (await (await fetch(`${web.url}${path}`, { headers: { cookie } })).json()) as T;
const card = (id: string) => read<Card>(`/api/inbox/${encodeURIComponent(id)}`);

const plan = (change: Partial<Plan> = {}): Plan => ({ summary: 'Send “Re: Price” to nina@nina.example', preview: 'It costs 5.', risk: 'medium', reasons: [], control: [{ kind: 'recipient', field: 'to.address', value: 'nina@nina.example', vouchedBy: null }], enclosures: [], money: null, ...change });

/** Proposes one mail; answers its item once it waits. */
async function propose({ text = 'It costs 5.', expireAfterMs = 7 * day, action = 'mail.send', ...verdict }: Partial<Verdict> & { text?: string; expireAfterMs?: number; action?: string } = {}) {
  const id = `op${++made}`;
  verdicts.set(id, { plan: plan(), ...verdict });
  const payload = { from: { address: 'me@studio.example', name: 'Me' }, to: { address: 'nina@nina.example', name: 'Nina' }, subject: 'Re: Price', text, inReplyTo: null, references: [] };
  await world.start(`operation/${id}`, 'operation@1', { id, action, payload, summary: `Reply ${id}`, category: 'inquiry', confidence: 0.8, reasons: [], evidence: [], remindAfterMs: day, expireAfterMs });
  const found = await world.until(`the item of ${id}`, async () => ((await world.store.query('inbox', {})) as { id: string; actor: string; data: { payloadHash: string } }[]).find(({ actor }) => actor === `operation/${id}`));
  return { id: found.id, hash: found.data.payloadHash, address: `operation/${id}` };
}
const stateOf = async (id: string) => ((await world.store.query('intent', { id })) as { state: string }).state;
const euros = (amountMinor: number): Plan['money'] => ({ amountMinor, currency: 'EUR', payee: 'paperworks', moves: true });

test('The list has what cannot be undone first, then money, then what expires soonest, then the oldest.', async () => {
  const late = await propose({ reversible: true });
  const soon = await propose({ reversible: true, expireAfterMs: day });
  const money = await propose({ reversible: true, plan: plan({ money: euros(11_900) }) });
  const final = await propose();
  const { items, waiting } = await read<InboxList>('/api/inbox');
  const mine = [late, soon, money, final].map(({ id }) => id);
  assert.deepEqual(items.map(({ id }) => id).filter((id) => mine.includes(id)), [final.id, money.id, soon.id, late.id]);
  assert.equal(items.find(({ id }) => id === money.id)?.amount, '119.00 EUR');
  assert.ok(waiting >= 4);
  const { items: found, more } = await read<InboxList>(`/api/inbox?text=${encodeURIComponent(`reply ${late.address.split('/')[1]}`)}&limit=1`);
  assert.deepEqual([found.map(({ id }) => id), more], [[late.id], 0]);
});

test('A browser cannot approve a high risk without typing its words, neither on the card nor by an event to the actor; the CLI token is not asked.', async () => {
  const risky = await propose({ risk: 'high' });
  assert.equal((await card(risky.id)).can.confirm, 'nina@nina.example');
  const approve = (body: object) => asBrowser(`/api/inbox/${risky.id}/approve`, { hash: risky.hash, ...body });
  assert.match((await approve({})).error!.message, /the risk is high: approving it needs the words 'nina@nina\.example'/);
  assert.match((await approve({ confirm: 'approve' })).error!.message, /'approve' is not 'nina@nina\.example'/);
  assert.equal((await approve({ edit: '{"text":"It costs 6."}' })).error!.code, 'REFUSED');
  const event = { type: 'APPROVE', fields: { payloadHash: risky.hash } };
  assert.match((await asBrowser(`/api/actors/${encodeURIComponent(risky.address)}/send`, event)).error!.message, /an approval is given on its card/);
  assert.match((await asBrowser('/api/inbox/batch', { items: [{ id: risky.id, hash: risky.hash }], decision: 'approve' })).error!.message, /is high/);
  assert.equal(await stateOf(risky.id), 'input-required');
  assert.equal((await approve({ confirm: ' Nina@nina.example ' })).state, 'completed');

  const other = await propose({ risk: 'high' });
  assert.equal((await asCli(`/api/inbox/${other.id}/approve`, { hash: other.hash })).state, 'completed');
});

test('The words for money are its amount, and nobody is asked to type what no keyboard has.', async () => {
  const money = await propose({ risk: 'high', plan: plan({ money: euros(123_450) }) });
  assert.equal((await card(money.id)).can.confirm, '1,234.50 EUR');
  assert.equal((await asBrowser(`/api/inbox/${money.id}/approve`, { hash: money.hash, confirm: '1,234.5 EUR' })).error!.code, 'REFUSED');
  const odd = await propose({ risk: 'high', plan: plan({ control: [{ kind: 'recipient', field: 'to.address', value: 'nina@n\u0456na.example', vouchedBy: null }] }) });
  const shown = await card(odd.id);
  assert.equal(shown.can.confirm, 'approve');
  assert.equal(shown.places[0]!.alsoWritten, 'xn--nna-jhd.example', 'the Cyrillic letter shows in the other spelling');
});

test('A card has all that a decision needs, and compares with the last one that left to the same place.', async () => {
  const first = await propose({ text: 'It costs 5.\n\nMe' });
  await asBrowser(`/api/inbox/${first.id}/approve`, { hash: first.hash });
  await world.until('the first has left', async () => (await world.record(first.address))?.snapshot.value === 'done');
  const shown = await card((await propose({ text: 'It costs 7.\n\nMe' })).id);
  assert.equal(shown.does, 'Send “Re: Price” to nina@nina.example');
  assert.equal(shown.preview, 'It costs 5.');
  assert.deepEqual([shown.risk, shown.reversible, shown.costMicros, shown.decided, shown.snoozedUntil], ['medium', false, 0, null, null]);
  assert.equal(shown.policy?.rule, 'ask');
  assert.match(shown.onTimeout, /nothing is done/);
  assert.deepEqual(shown.can.edits, ['subject', 'text']);
  assert.deepEqual(shown.difference, { with: 'sent', id: `sent-${first.address.split('/')[1]}`, said: 'what left last to the same place', before: 'Re: Price\n\nIt costs 5.\n\nMe', after: 'Re: Price\n\nIt costs 7.\n\nMe' });
});

test('A page that is opened late hears who decided, when, how and why.', async () => {
  const no = await propose();
  await asBrowser(`/api/inbox/${no.id}/reject`, { reason: 'too cheap' });
  const { decided, state } = await card(no.id);
  assert.deepEqual({ ...decided, at: 0 }, { by: 'the operator', how: 'rejected', reason: 'too cheap', at: 0 });
  assert.ok(Math.abs(decided!.at - systemClock.now()) < 60_000);
  assert.equal(state, 'rejected');

  const edited = await propose();
  await asBrowser(`/api/inbox/${edited.id}/approve`, { hash: edited.hash, edit: '{"text":"It costs 6."}' });
  await world.until('the edit was checked', async () => (await stateOf(edited.id)) === 'completed');
  assert.equal((await card(edited.id)).decided?.how, 'approved with other words');

  const lapsed = await propose({ expireAfterMs: 1 });
  await world.until('it lapsed', async () => (await stateOf(lapsed.id)) !== 'input-required');
  assert.equal((await card(lapsed.id)).decided?.how, 'it lapsed without an answer');

  assert.equal((await read<Asked>('/api/inbox/none')).error!.code, 'NOT_FOUND');
});

test('A batch takes items of one kind and one risk, never money, each by its own hash, and says of each what came of it.', async () => {
  const [a, b, c] = [await propose(), await propose(), await propose()];
  const money = await propose({ plan: plan({ money: euros(100) }) });
  const low = await propose({ risk: 'low' });
  const post = await propose({ action: 'site.publish' });
  const batch = (items: { id: string; hash: string }[], more: object = { decision: 'approve' }) => asBrowser<{ decided: Decided[]; error?: Asked['error'] }>('/api/inbox/batch', { items, ...more });
  assert.match((await batch([a, money])).error!.message, /about money/);
  assert.match((await batch([a, low])).error!.message, /not of one risk/);
  assert.match((await batch([a, post])).error!.message, /not of one kind/);
  assert.match((await batch([a, a])).error!.message, /named twice/);
  assert.equal((await batch([a], { decision: 'reject' })).error!.code, 'BAD_ARGUMENT', 'without a reason');
  assert.deepEqual(await Promise.all([a, b, c].map(({ id }) => stateOf(id))), ['input-required', 'input-required', 'input-required'], 'nothing was decided');

  const command = { decision: 'approve', commandId: 'batch-1' };
  const { decided } = await batch([a, { ...b, hash: 'f'.repeat(64) }], command);
  assert.deepEqual(decided.map(({ ok }) => ok), [true, false]);
  assert.match(decided[1]!.error!.message, /has changed since it was shown/);
  assert.deepEqual([await stateOf(a.id), await stateOf(b.id)], ['completed', 'input-required']);
  assert.equal((await batch([a, { ...b, hash: 'f'.repeat(64) }], command)).decided[0]!.ok, true, 'the same command again is answered as before');
  assert.deepEqual((await batch([b, c], { decision: 'reject', reason: 'not now' })).decided.map(({ state }) => state), ['rejected', 'rejected']);
});

test('What is put off goes behind the others until then, stays so in the store, and lapses when it would have.', async () => {
  const item = await propose();
  const until = systemClock.now() + day;
  const first = await card(item.id);
  assert.deepEqual(await asBrowser(`/api/inbox/${item.id}/snooze`, { until, commandId: 'snooze-1' }), { id: item.id, snoozedUntil: until });
  assert.deepEqual(await asBrowser(`/api/inbox/${item.id}/snooze`, { until, commandId: 'snooze-1' }), { id: item.id, snoozedUntil: until }, 'pressed twice');
  const { items, snoozed } = await read<InboxList>('/api/inbox');
  assert.equal(snoozed, 1);
  assert.equal(items.at(-1)?.id, item.id);
  const shown = await card(item.id);
  assert.deepEqual([shown.snoozedUntil, shown.expiresAt, shown.payloadHash], [until, first.expiresAt, first.payloadHash]);
  const another = createInboxDesk({ store: world.store, clock: { ...systemClock, now: () => until + 1 }, makeId: randomId, desk: createDesk({ store: world.store, bus: world.bus, clock: systemClock, makeId: randomId }) });
  assert.equal((await another.snoozed()).size, 0, 'it comes back by itself');
  await asBrowser(`/api/inbox/${item.id}/snooze`, { until: 0 });
  assert.equal((await card(item.id)).snoozedUntil, null);
  await asBrowser(`/api/inbox/${item.id}/reject`, { reason: 'no' });
  assert.match((await asBrowser(`/api/inbox/${item.id}/snooze`, { until })).error!.message, /already rejected/);
});

test('How long cards were open is kept with each decision, and too many fast ones raise an alarm.', async () => {
  assert.deepEqual(await read<Pace>('/api/inbox/pace'), { decisions: 0, medianMs: null, fastShare: null, alarm: false });
  for (const [i, shownMs] of [9_000, 1_000, 4_000].entries()) {
    const { id, hash } = await propose();
    await asBrowser(`/api/inbox/${id}/approve`, { hash, shownMs, commandId: `pace-${i}` });
    await asBrowser(`/api/inbox/${id}/approve`, { hash, shownMs: 1, commandId: `pace-${i}` });
  }
  const pace = await read<Pace>('/api/inbox/pace');
  assert.deepEqual([pace.decisions, pace.medianMs, pace.alarm], [3, 4_000, true], 'a second press counts for nothing');
});

test('A document that would leave is only ever saved: its name is tamed, its type says nothing, and only hashes of the item are known.', async () => {
  const documents = createDocuments({ store: world.store, clock: systemClock, from: 'connector/test' });
  const kept = await documents.keep({ id: 'doc-1', kind: 'document', name: '<img src=x>/\u202Efdp.html', mediaType: 'text/html', bytes: Buffer.from('<script>1</script>') });
  const note = await documents.keep({ id: 'doc-2', kind: 'document', name: 'note.txt', mediaType: 'text/plain', bytes: Buffer.from('plain words') });
  const item = await propose({ plan: plan({ enclosures: [kept, note] }) });
  const { previews } = await card(item.id);
  assert.deepEqual(previews.map(({ text }) => text), [null, 'plain words'], 'HTML is not shown');
  const answer = await fetch(`${web.url}/api/inbox/${item.id}/enclosures/${kept.hash}`, { headers: { cookie } });
  assert.equal(await answer.text(), '<script>1</script>');
  assert.deepEqual(['content-type', 'x-content-type-options', 'content-security-policy'].map((name) => answer.headers.get(name)), ['application/octet-stream', 'nosniff', "default-src 'none'; sandbox"]);
  assert.equal(answer.headers.get('content-disposition'), "attachment; filename*=UTF-8''%3Cimg%20src%3Dx%3E__fdp.html");
  assert.equal((await fetch(`${web.url}/api/inbox/${item.id}/enclosures/${'0'.repeat(64)}`, { headers: { cookie } })).status, 404);
  assert.equal((await fetch(`${web.url}/api/inbox/${item.id}/enclosures/${kept.hash}`)).status, 401);
});

// Goal: what a mail's signatures prove is kept with the mail, in one commit, and never keeps a mail out. Method: the real store; real
// signatures, a DNS in memory.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setup } from 'xstate';
import { z } from 'zod';
import { systemClock } from '#actors/clock.ts';
import { authenticateMail } from '#connectors/mail/authenticate.ts';
import { receiveMail } from '#connectors/mail/intake.ts';
import { protocol } from '#machines/define.ts';
import type { Mail, Mailbox } from '#machines/mail.ts';
import type { Fact } from '#machines/records.ts';
import { startWorld, type World } from '#test/kit/world.ts';
import { mailFrom, nowMs, sign, startDns } from './sender-kit.ts';

/** Keeps the mail it was started with. */
const kept = protocol({ input: z.object({ mail: z.json() }), context: z.object({ mail: z.json() }), events: {}, output: z.object({}) });
const mailMachine = setup({ types: kept.types, schemas: kept.schemas }).createMachine({ id: 'mail', version: '1', context: ({ input }) => ({ mail: input.mail }), initial: 'kept', states: { kept: { type: 'final' } }, output: {} });

let world: World;
before(async () => { world = await startWorld({ machines: [mailMachine] }); });
after(() => world.stop());

const resolve = startDns().resolve;
const authenticate = (raw: Uint8Array, from: Mailbox | null) => authenticateMail(raw, from, { resolve, nowMs });
const receive = (raw: string, source = 'imap:test') => receiveMail(Buffer.from(raw), { store: world.store, clock: systemClock, machine: 'mail@1', company: {}, source, authenticate });
const factsOf = async (entity: string) => (await world.store.query('facts', { entity })) as (Fact & { predicate: string })[];
const numbered = (n: number, from: string, text?: string) => mailFrom(from, { text }).replace('<1@', `<${n}@`);

test('mail that passes leaves a vouched fact about its sender, and once one about its domain', async () => {
  const first = await receive(await sign(numbered(1, 'Nina <Nina@holt.example>')));
  await receive(await sign(numbered(2, 'Nina <Nina@holt.example>')));
  assert.deepEqual(first.warnings, []);
  const facts = await factsOf('person/nina@holt.example');
  assert.deepEqual(facts.map(({ predicate, label }) => [predicate, label]), [['mail.authenticated', 'verified-connector'], ['mail.authenticated', 'verified-connector']]);
  assert.ok(facts.some(({ value }) => (value as { mail: string }).mail === first.mailId));
  assert.deepEqual((await factsOf('organisation/holt.example')).map(({ predicate, value }) => [predicate, value]), [['organisation.mail-authenticated', { mail: first.mailId }]]);
});

test('mail of a known domain that does not pass says so to whoever reads it, also under another name of that domain', async () => {
  const { warnings, mailId } = await receive(numbered(3, 'Chef <boss@holt.example>', 'Pay to another account\r\n'));
  assert.deepEqual(warnings, ['Its sender cannot be shown to be boss@holt.example, though mail from holt.example could before: it is not signed.']);
  assert.deepEqual((await factsOf('person/boss@holt.example')).map(({ predicate, label }) => [predicate, label]), [['mail.not-authenticated', 'system']]);
  const { snapshot } = await world.until('its run', () => world.record(`mail/${mailId}`));
  assert.equal((snapshot.context as { mail: Mail }).mail.warnings[0], warnings[0]);
});

test('mail of a domain nobody has seen pass raises no alarm, a name that shows another address does', async () => {
  assert.deepEqual((await receive(numbered(4, 'a@stranger.example'))).warnings, []);
  const { warnings } = await receive(await sign(numbered(5, '"Nina (nina@holt.example)" <x@evil.example>'), { domain: 'evil.example' }));
  assert.deepEqual(warnings, ['The sender’s name shows another address (nina@holt.example) than the mail is from.']);
});

test('the same mail again is a duplicate and says nothing twice', async () => {
  const raw = await sign(numbered(6, 'once@holt.example'));
  assert.deepEqual([(await receive(raw)).outcome, (await receive(raw, 'imap:elsewhere')).outcome], ['imported', 'duplicate']);
  assert.equal((await factsOf('person/once@holt.example')).length, 1);
});

test('a sender that is no possible entity, or none at all, is taken over all the same', async () => {
  for (const [i, from] of [`${'x'.repeat(310)}@holt.example`, '"a\ud83d" <a@[192.0.2.1]>', '@', 'nobody', ''].entries()) {
    assert.equal((await receive(numbered(100 + i, from))).outcome, 'imported', from);
  }
});

test('an import leaves no such facts', async () => {
  const { outcome } = await receiveMail(Buffer.from(numbered(7, 'old@holt.example')), { store: world.store, clock: systemClock, machine: 'mail@1', company: {}, source: 'old.mbox' });
  assert.equal(outcome, 'imported');
  assert.deepEqual(await factsOf('person/old@holt.example'), []);
});

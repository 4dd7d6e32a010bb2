// Goal: a plan names the tiers that may be asked and why others may not; a job asks one tier in the name of the run it belongs to; a look
// says what stands in the way, for nothing. Method: the three activities on real books, with a scripted provider.
import assert from 'node:assert/strict';
import test, { after, before, beforeEach } from 'node:test';
import { systemClock } from '#actors/clock.ts';
import { askTier, type AskParts } from '#connectors/model/ask.ts';
import { planTiers, type PlanParts } from '#connectors/model/plan.ts';
import { lookAtModels } from '#connectors/model/ready.ts';
import { lookAtModels as readySpec, planTiers as planSpec, triedSchema } from '#machines/agents/activities.ts';
import { activityOf } from '#machines/define.ts';
import { profileDefault, type Budgets, type Profile } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { taskOf } from '#machines/task-list.ts';
import { freePort } from '#test/kit/free-port.ts';
import { answering, startModelServer, type ModelServer } from '#test/kit/model-server.ts';
import { noLimits } from './books.ts';
import { openDesk, settingsFor, type Desk } from './desk.ts';

let server: ModelServer;
before(async () => { server = await startModelServer(); });
after(() => server.stop());
beforeEach(() => { server.asked.length = server.seen.length = 0; });

const verdict = { category: 'inquiry', language: 'en', reason: 'They ask for a price.', confidence: 0.8 };
const mail = { from: 'Nina <nina@holt.example>', subject: 'Website', text: 'How much?', files: [], marks: [] };
const call = { operationId: 'triage/m-1#4.0', attempt: 1, signal: new AbortController().signal, heartbeat() {} };

/** A run of a mail with a child that asks. */
async function family({ books }: Desk): Promise<void> {
  for (const [address, parent] of [['mail/m-1', null], ['triage/m-1', 'mail/m-1']] as const) {
    const answer = await books.store.commit({ ...emptyCommit(`start:${address}`, systemClock.now(), 'operator/test', {}), actor: address, step: { rev: 0, machine: 'x@1', status: 'active', value: '"a"', parent, record: '{}' } });
    assert.equal(answer.outcome, 'written');
  }
}

const planner = async (parts: Partial<PlanParts> = {}, profile: Partial<Profile> = {}) => {
  const desk = await openDesk(server);
  await family(desk);
  const plan = planTiers({ settings: settingsFor(server.url), gateway: desk.gateway, store: desk.books.store, profileOf: (workflow) => ({ ...profileDefault, ...(workflow === 'mail' ? profile : {}) }), readQuality: async () => ({ thresholdOf: () => null, demoted: () => null }), thresholdDefault: () => 0.8, ...parts });
  return async (task: string) => activityOf(planSpec)!.output.parse(await plan({ ...call, input: { task } as never })) as { tiers: { name: string; threshold: number }[]; skipped: { name: string; reason: string }[]; latency: string; otherwise: string };
};

test('a plan has the tiers of the task as the settings list them, with their thresholds', async () => {
  assert.deepEqual(await (await planner())('triage'), { tiers: [{ name: 'small', threshold: 0.8 }, { name: 'large', threshold: 0.8 }], skipped: [], latency: 'now', otherwise: 'go-on' });
  const measured = { readQuality: async () => ({ thresholdOf: (_: string, tier: string) => (tier === 'small' ? 0.65 : null), demoted: () => null }) };
  assert.deepEqual((await (await planner(measured))('triage')).tiers, [{ name: 'small', threshold: 0.65 }, { name: 'large', threshold: 0.8 }]);
  assert.equal(server.seen.length, 0);
});

test('tiers are passed over with a reason: demoted, not of this workflow, only for what can wait, without a key', async () => {
  const reasons = async (parts: Partial<PlanParts>, profile: Partial<Profile> = {}) => (await (await planner(parts, profile))('triage')).skipped.map(({ name, reason }) => `${name}: ${reason}`);
  assert.deepEqual(await reasons({ readQuality: async () => ({ thresholdOf: () => 0.9, demoted: (_, tier) => (tier === 'small' ? 'demoted: it was right in 3 of 10' : null) }) }), ['small: demoted: it was right in 3 of 10']);
  assert.deepEqual(await reasons({}, { tiers: ['small'] }), ['large: this workflow does not use it']);
  const later = settingsFor(server.url, { tiers: { small: { provider: 'kit', model: 'small-1', latency: 'batch' }, large: { provider: 'kit', model: 'large-1' } } });
  assert.deepEqual(await reasons({ settings: later }), ['small: it is for work that can wait, and somebody waits for this']);
  assert.deepEqual(await reasons({ settings: later }, { latency: 'batch' }), []);
  const keyless = await openDesk(server, { secrets: {} });
  assert.match((await reasons({ gateway: keyless.gateway })).join(), /small: .*KIT_KEY.*large: .*KIT_KEY/);
});

test('what a customer waits for is never put off, whatever the workflow says', async () => {
  const plan = await planner({}, { latency: 'batch', otherwise: 'wait' });
  const customer = ['draft'].find((name) => taskOf(name)?.facing === 'customer');
  assert.equal((await plan('triage')).latency, 'batch');
  if (customer) assert.equal((await plan(customer)).latency, 'now');
});

const asker = async (parts: Partial<AskParts> = {}, budgets?: Budgets) => {
  const desk = await openDesk(server, budgets ? { budgets } : {});
  await family(desk);
  const beats: (string | undefined)[] = [];
  const ask = askTier({ gateway: desk.gateway, store: desk.books.store, clock: systemClock, local: async () => { throw new Error('not asked for'); }, readPrompt: async (task) => ({ id: `prompt/${task}`, version: 3, text: 'Sort it.' }), profileOf: () => profileDefault, ...parts });
  return { desk, beats, ask: async (input: object, more: Partial<typeof call> = {}) => triedSchema.parse(await ask({ ...call, heartbeat: (note?: string) => void beats.push(note), ...more, input: { task: 'triage', tier: 'small', input: mail, latency: 'now', ...input } as never })) };
};

test('a job asks in the name of the run that it belongs to, with the wording in force, and says that it goes on', async () => {
  server.respond = answering(verdict);
  const { desk, ask, beats } = await asker();
  const tried = await ask({});
  assert.deepEqual([tried.outcome, tried.answer, tried.prompt], ['answered', verdict, { id: 'prompt/triage', version: 3 }]);
  assert.match(server.asked[0]!.system, /^Sort it\./);
  const rows = (await desk.books.spends()).map((row) => row as unknown as { workflow: string; run: string; id: string });
  assert.ok(rows.some(({ workflow, run, id }) => workflow === 'mail' && run === 'mail/m-1' && id.startsWith(`${call.operationId}/`)));
  assert.ok(beats.length > 0);
});

test('what was learnt is asked here, with more than a model is shown, and costs nothing', async () => {
  const seen: unknown[] = [];
  const { ask, desk } = await asker({ local: async (task, input) => {
    seen.push(task, input);
    return { outcome: 'unsure', answer: null, confidence: null, model: null, costMicros: 0, reason: 'nothing fits', prompt: null, evidence: [], againAtMs: null };
  } });
  assert.equal((await ask({ tier: 'local', input: { mail: 'all of it' } })).outcome, 'unsure');
  assert.deepEqual([seen, (await desk.books.spends()).length], [['triage', { mail: 'all of it' }], 0]);
});

test('an unknown task, an unknown tier and an input of another shape are unsupported, and nobody is asked', async () => {
  const { ask } = await asker();
  for (const input of [{ task: 'poetry' }, { tier: 'huge' }, { input: { from: 1 } }]) assert.equal((await ask(input)).outcome, 'unsupported');
  assert.equal(server.asked.length, 0);
});

test('a workflow that wants fresh answers gets them', async () => {
  server.respond = answering(verdict);
  const { ask } = await asker({ profileOf: () => ({ ...profileDefault, cache: false }) });
  await ask({});
  assert.equal((await ask({}, { operationId: 'triage/m-1#9.0' })).outcome, 'answered');
  assert.equal(server.asked.length, 2);
});

const looker = (desk: Desk, budgets: Budgets) => async () => {
  const look = lookAtModels({ gateway: desk.gateway, store: desk.books.store, clock: systemClock, budgets });
  return activityOf(readySpec)!.output.parse(await look({ ...call, input: {} as never })) as { down: { provider: string }[]; gone: { scope: string; period: string; againAtMs: number | null; reason: string }[] };
};

test('a look says which budgets are gone, also those with less left than the last call wanted, until they are raised or over', async () => {
  server.respond = answering(verdict);
  const budgets: Budgets = { ...noLimits, workflows: { mail: { perDayMicros: 50 }, memory: { perDayMicros: 0 } } };
  const desk = await openDesk(server, { budgets });
  const look = looker(desk, budgets);
  assert.deepEqual((await look()).gone.map(({ scope }) => scope), ['workflow/memory'], 'nothing was allowed, so nothing is left');
  assert.equal((await desk.ask()).outcome, 'unaffordable');
  const { gone } = await look();
  assert.deepEqual(gone.map(({ scope }) => scope).toSorted(), ['workflow/mail', 'workflow/memory']);
  assert.ok(gone.every(({ againAtMs }) => againAtMs! > systemClock.now()));
  assert.match(gone.find(({ scope }) => scope === 'workflow/mail')!.reason, /has \$0\.0001 of \$0\.0001 left, and one call may cost/);
  const raise = { entity: 'asset/budget-mail', predicate: 'budget.limits', value: { perDayMicros: 1_000_000 }, label: 'operator' as const, confidence: 1 };
  assert.equal((await desk.books.store.commit({ ...emptyCommit('raise', systemClock.now(), 'operator/desk', {}), facts: [raise] })).outcome, 'written');
  assert.deepEqual((await look()).gone.map(({ scope }) => scope), ['workflow/memory']);
});

test('what one run has used up stands in nobody else\'s way', async () => {
  const budgets: Budgets = { ...noLimits, company: { perRunMicros: 10 } };
  const desk = await openDesk(server, { budgets });
  assert.equal((await desk.ask()).outcome, 'unaffordable');
  assert.deepEqual((await looker(desk, budgets)()).gone, []);
});

test('a look names who does not answer, and who could not be reached may be asked as soon as it is seen again', async () => {
  const port = await freePort();
  const desk = await openDesk({ url: `http://127.0.0.1:${port}/v1` });
  const look = looker(desk, noLimits);
  for (let i = 0; i < 4; i += 1) await desk.ask();
  assert.deepEqual((await look()).down.map(({ provider }) => provider), ['kit']);
  assert.match((await desk.ask()).reason, /left alone/);
  assert.equal((await desk.books.taken()).settled, 0);
});

test('a provider that lists its models and fails at every question stays down until its time, because each try may cost', async () => {
  const desk = await openDesk(server);
  server.respond = answering({ colour: 'green', text: 'x', confidence: 1 });
  await desk.ask();
  server.respond = () => ({ status: 503 });
  for (let i = 0; i < 3; i += 1) await desk.ask();
  server.seen.length = server.asked.length = 0;
  assert.deepEqual((await looker(desk, noLimits)()).down.map(({ provider }) => provider), ['kit']);
  assert.equal((await desk.ask()).outcome, 'down');
  assert.deepEqual([server.asked.length, server.seen], [0, ['GET /models']]);
});

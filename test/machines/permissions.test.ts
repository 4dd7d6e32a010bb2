import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { emptyCommit, type Commit } from '#machines/commit.ts';
import type { Job, Message } from '#machines/message.ts';
import { unitePermissions, whyNotPermitted, type Permissions } from '#machines/permissions.ts';
import { predicates } from '#machines/predicates.ts';
import { artifactSchema, intentSchema, labelSchema, type Artifact, type Decision, type Fact, type Intent, type Label } from '#machines/records.ts';
import { createMachines } from '#supervisor/agents.ts';

const fact = (predicate: string, label: Label = 'untrusted'): Fact => ({ entity: 'person/anna', predicate, value: 'Anna', label, confidence: 0.5 });
const artifact = (kind: Artifact['kind']): Artifact => ({ id: 'a-1', kind, mediaType: 'text/plain', hash: 'h', sizeBytes: 1, text: 'x' });
const intent = (kind: Intent['kind']): Intent => ({ id: 'i-1', kind, state: 'input-required' });
const decision = (costMicros: number | null): Decision => ({ what: 'draft', outcome: 'written', confidence: null, reasons: [], evidence: [], policy: null, model: null, costMicros });
const remark = { annotations: [{ kind: 'correction' as const, target: { kind: 'artifact' as const, id: 'a-1' }, text: 'x' }] };
const event = (to: string, from = 'copy/1'): Message => ({ id: 'm-1', to, from, body: { kind: 'event', event: { type: 'PING' } } });
const job = (activity: string, input: unknown = {}, from = 'copy/1'): Message<Job> => ({ id: 'm-1', to: `job/${activity}`, from, body: { kind: 'job', activity, input, owner: { address: 'copy/1', child: 'c', gen: 'g' }, attempt: 1 } });
const start = (input: unknown, from = 'copy/1'): Message => ({ id: 'm-1', to: 'operation/o-1', from, body: { kind: 'start', machine: 'operation@1', input } });
const why = (parts: Partial<Commit>, may: Permissions | null, actor = 'copy/1') => whyNotPermitted({ ...emptyCommit('c', 1, actor, {}), ...parts }, may ? { copy: may } : {});

const table: [title: string, may: Permissions, parts: Partial<Commit>, reason: string | null][] = [
  ['a predicate it declares', { facts: ['person.name'] }, { facts: [fact('person.name')] }, null],
  ['a predicate it does not declare', { facts: ['person.name'] }, { facts: [fact('person.email')] }, 'copy/1 may not state person.email'],
  ['a second fact that it may not state', { facts: ['person.name'] }, { facts: [fact('person.name'), fact('invoice')] }, 'copy/1 may not state invoice'],
  ['a fact without any declaration', {}, { facts: [fact('person.name')] }, 'copy/1 may not state person.name'],
  ['a fact as the system', { facts: ['person.name'] }, { facts: [fact('person.name', 'system')] }, null],
  ['a fact as the operator', { facts: ['person.name'] }, { facts: [fact('person.name', 'operator')] }, "copy/1 may not state facts as 'operator'"],
  ['a fact as a policy', { facts: ['person.name'] }, { facts: [fact('person.name', 'policy')] }, "copy/1 may not state facts as 'policy'"],
  ['a fact as a connector', { facts: ['person.name'] }, { facts: [fact('person.name', 'verified-connector')] }, "copy/1 may not state facts as 'verified-connector'"],
  ['a document of a kind it declares', { artifacts: ['draft'] }, { artifacts: [artifact('draft')] }, null],
  ['a document of another kind', { artifacts: ['draft'] }, { artifacts: [artifact('sent')] }, 'copy/1 may not write a sent'],
  ['a policy, even when it declares it', { artifacts: ['policy'] }, { artifacts: [artifact('policy')] }, 'copy/1 may not write a policy'],
  ['a template, even when it declares it', { artifacts: ['template'] }, { artifacts: [artifact('template')] }, 'copy/1 may not write a template'],
  ['a trigger, even when it declares it', { artifacts: ['trigger'] }, { artifacts: [artifact('trigger')] }, 'copy/1 may not write a trigger'],
  ['a question it declares', { intents: ['question'] }, { intents: [intent('question')] }, null],
  ['an approval it does not declare', { intents: ['question'] }, { intents: [intent('approval')] }, 'copy/1 may not ask for a approval'],
  ['a task without any declaration', {}, { intents: [intent('task')] }, 'copy/1 may not ask for a task'],
  ['an escalation, which needs no permission', {}, { intents: [intent('escalation')] }, null],
  ['a correction it may make', { corrections: true }, remark, null],
  ['a correction without permission', {}, remark, 'copy/1 may not annotate'],
  ['as much as it may spend', { spendMicros: 10 }, { decisions: [decision(10)] }, null],
  ['more than it may spend', { spendMicros: 10 }, { decisions: [decision(1), decision(11)] }, 'copy/1 may not spend 11 on one decision'],
  ['anything that costs, without a declaration', {}, { decisions: [decision(1)] }, 'copy/1 may not spend 1 on one decision'],
  ['a decision without costs', {}, { decisions: [decision(null), decision(0)] }, null],
  ['a message of its own', {}, { sends: [event('mail/1')] }, null],
  ['a message as another type', {}, { sends: [event('mail/1', 'operator/you')] }, 'copy/1 may not send as operator/you'],
  ['a message as another type with its own key', {}, { sends: [event('mail/1', 'operator/1')] }, 'copy/1 may not send as operator/1'],
  ['a message as another of its type', {}, { sends: [event('mail/1', 'copy/2')] }, 'copy/1 may not send as copy/2'],
  ['a message as a longer key of its own', {}, { sends: [event('mail/1', 'copy/1/2')] }, 'copy/1 may not send as copy/1/2'],
  ['an event to a queue of jobs', {}, { sends: [event('job/mail-send')] }, 'copy/1 may not send event to job/mail-send'],
  ['an activity it declares', { act: ['reply.template'] }, { sends: [job('reply.template')] }, null],
  ['an activity it does not declare', { act: ['reply.template'] }, { sends: [job('mail.send')] }, 'copy/1 may not ask for mail.send'],
  ['an activity as somebody else', { act: ['mail.send'] }, { sends: [job('mail.send', {}, 'operation/1')] }, 'copy/1 may not send as operation/1'],
  ['an operation with an action it declares', { act: ['mail.send'] }, { sends: [start({ action: 'mail.send' })] }, null],
  ['an operation with another action', { act: ['mail.send'] }, { sends: [start({ action: 'payments.charge' })] }, 'copy/1 may not propose payments.charge'],
  ['an operation without an action', { act: ['mail.send'] }, { sends: [start(null)] }, 'copy/1 may not propose undefined'],
  ['a job of the gate, even when it declares it', { act: ['operation.commit'] }, { sends: [job('operation.commit')] }, 'copy/1 may not ask for operation.commit; only an operation may'],
  ['a search in kinds it may read', { act: ['knowledge.search'], read: ['mail', 'fact'] }, { sends: [job('knowledge.search', { kinds: ['fact', 'mail'] })] }, null],
  ['a search in a kind it may not read', { act: ['knowledge.search'], read: ['mail'] }, { sends: [job('knowledge.search', { kinds: ['mail', 'decision'] })] }, 'copy/1 may not read decision'],
  ['a search in kinds that are no words', { act: ['knowledge.search'], read: ['mail'] }, { sends: [job('knowledge.search', { kinds: [null] })] }, 'copy/1 may not read null'],
  ['a job without input', { act: ['reply.template'] }, { sends: [job('reply.template', null)] }, null],
];

suite('an agent', () => {
  for (const [title, may, parts, reason] of table) test(`${reason === null ? 'may' : 'may not'} record or send ${title}`, () => assert.equal(why(parts, may), reason));

  test('that declares nothing may still write a step, and nothing else', () => {
    assert.equal(why({ step: { rev: 0, machine: 'copy@1', status: 'active', value: '"x"', parent: null, record: '{}' } }, null), null);
    assert.equal(why({ facts: [fact('person.name')] }, null), 'copy/1 may not state person.name');
  });

  test('of a type that is named like a part of every object has no permissions', () => {
    for (const type of ['constructor', 'to-string', '__proto__', 'valueOf']) assert.equal(why({ facts: [fact('person.name')] }, { facts: ['person.name'] }, `${type}/1`), `${type}/1 may not state person.name`);
  });
});

suite('the parts that are no machines', () => {
  const everything = { facts: labelSchema.options.map((label) => fact('anything', label)), artifacts: artifactSchema.shape.kind.options.map(artifact), intents: intentSchema.shape.kind.options.map(intent), decisions: [decision(1e12)], ...remark, sends: [event('mail/1', 'copy/2'), job('mail.send', { kinds: ['x'] }, 'mail/1')] };

  test('the operator and the store may do everything', () => {
    for (const actor of ['operator/you', 'store/erase']) assert.equal(why(everything, null, actor), null);
  });

  test('a connector brings mail, remembers its place and says whether the sender is who he says, and nothing more', () => {
    assert.equal(why({ facts: [fact('imap.cursor', 'verified-connector')], artifacts: [artifact('mail'), artifact('attachment')] }, null, 'connector/imap'), null);
    assert.equal(why({ facts: [fact('person.name')] }, null, 'connector/imap'), 'connector/imap may not state person.name');
    const sender = (['mail.authenticated', 'organisation.mail-authenticated'] as const).map((name) => fact(name, 'verified-connector'));
    assert.equal(why({ facts: [...sender, fact('mail.not-authenticated', 'system')], artifacts: [artifact('mail')] }, null, 'connector/mail'), null);
    assert.equal(why({ facts: [fact('person.email', 'verified-connector')] }, null, 'connector/mail'), 'connector/mail may not state person.email');
    assert.equal(why({ facts: [fact('imap.cursor', 'operator')] }, null, 'connector/imap'), "connector/imap may not state facts as 'operator'");
    assert.equal(why({ artifacts: [artifact('template')] }, null, 'connector/imap'), 'connector/imap may not write a template');
    assert.equal(why({ intents: [intent('approval')] }, null, 'connector/imap'), 'connector/imap may not ask for a approval');
  });

  test('the host speaks for the jobs it ran, but records nothing', () => {
    assert.equal(why({ sends: everything.sends }, null, 'host/worker'), null);
    for (const parts of [{ facts: everything.facts }, { artifacts: everything.artifacts }, { intents: [intent('task')] }, { decisions: everything.decisions }, remark]) assert.match(why(parts, null, 'host/worker')!, /^host\/worker may not /);
  });
});

suite('every machine of this build', () => {
  const machines = createMachines().list();
  const permissions = Object.fromEntries(machines.map(({ id, protocol }) => [id, protocol.may ?? {}]));
  const activities = createMachines().activities().map(({ name }) => name);
  /** What is proposed as an operation, by whomever. */
  const actions = [...new Set(machines.flatMap(({ protocol }) => protocol.may?.act ?? []))].filter((name) => !activities.includes(name));
  const whyNot = (id: string, parts: Partial<Commit>) => whyNotPermitted({ ...emptyCommit('c', 1, `${id}/1`, {}), ...parts }, permissions);

  for (const { id, protocol: { may = {} } } of machines) {
    test(`${id} cannot touch policies, templates or triggers, and never speaks as operator, policy or connector`, () => {
      for (const kind of ['policy', 'template', 'trigger'] as const) assert.equal(whyNot(id, { artifacts: [artifact(kind)] }), `${id}/1 may not write a ${kind}`);
      for (const predicate of may.facts ?? []) for (const label of ['operator', 'policy', 'verified-connector'] as const) assert.equal(whyNot(id, { facts: [fact(predicate, label)] }), `${id}/1 may not state facts as '${label}'`);
    });

    test(`${id} states, asks, spends and reads what it declares, and nothing beside`, () => {
      const allowed = <T extends string>(all: readonly T[], parts: (one: T) => Partial<Commit>) => all.filter((one) => whyNot(id, parts(one)) === null);
      assert.deepEqual(allowed(predicates.map(({ name }) => name), (name) => ({ facts: [fact(name)] })).toSorted(), (may.facts ?? []).toSorted());
      assert.deepEqual(allowed(artifactSchema.shape.kind.options, (kind) => ({ artifacts: [artifact(kind)] })).toSorted(), (may.artifacts ?? []).toSorted());
      assert.deepEqual(allowed(intentSchema.shape.kind.options, (kind) => ({ intents: [intent(kind)] })).toSorted(), [...new Set([...(may.intents ?? []), 'escalation'])].toSorted());
      assert.deepEqual(allowed(activities, (name) => ({ sends: [job(name, {}, `${id}/1`)] })).toSorted(), (may.act ?? []).filter((name) => activities.includes(name)).toSorted());
      assert.deepEqual(allowed(actions, (action) => ({ sends: [start({ action }, `${id}/1`)] })).toSorted(), (may.act ?? []).filter((name) => actions.includes(name)).toSorted());
      assert.equal(whyNot(id, { decisions: [decision((may.spendMicros ?? 0) + 1)] }), `${id}/1 may not spend ${(may.spendMicros ?? 0) + 1} on one decision`);
      assert.equal(whyNot(id, { sends: [event('mail/1', 'operator/you')] }), `${id}/1 may not send as operator/you`);
      for (const predicate of may.facts ?? []) assert.ok(predicates.some(({ name }) => name === predicate), `${predicate} is registered`);
    });
  }

  test('only an operation asks for approvals, takes money down and asks for what the gate does, pipelines propose, and who has the ladder answer spends', () => {
    const which = (parts: (id: string) => Partial<Commit>) => machines.map(({ id }) => id).filter((id) => whyNot(id, parts(id)) === null);
    assert.deepEqual(which(() => ({ intents: [intent('approval')] })), ['operation']);
    assert.deepEqual(which(() => ({ intents: [intent('payment')] })), ['operation']);
    for (const name of activities.filter((one) => one.startsWith('operation.'))) assert.deepEqual(which((id) => ({ sends: [job(name, {}, `${id}/1`)] })), ['operation']);
    assert.deepEqual(which((id) => ({ sends: [start({ action: 'mail.send' }, `${id}/1`)] })), ['mail', 'invoice']);
    const minds = machines.filter(({ machine }) => Object.hasOwn(machine.implementations.actors, 'ladder')).map(({ id }) => id);
    assert.deepEqual(which(() => ({ decisions: [decision(1)] })), minds);
    assert.ok(minds.includes('copy') && !minds.includes('operation'), minds.join(' '));
  });
});

test('versions of one machine may together what any of them may', () => {
  const united = unitePermissions([{ facts: ['a', 'b'], act: ['x'], spendMicros: 5 }, { facts: ['b', 'c'], intents: ['task'], spendMicros: 3, corrections: true }, {}]);
  assert.deepEqual(united, { facts: ['a', 'b', 'c'], artifacts: [], intents: ['task'], act: ['x'], read: [], spendMicros: 5, corrections: true });
  assert.deepEqual(unitePermissions([{}]), { facts: [], artifacts: [], intents: [], act: [], read: [], spendMicros: 0, corrections: false });
});

// One mail through the pipeline in the simulator: the real agents, a faked outside, a clock that only the test moves.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Activity } from '#actors/worker.ts';
import { draftFromTemplates } from '#connectors/reply.ts';
import { parseTemplate } from '#machines/agents/templates.ts';
import type { Item } from '#machines/inbox.ts';
import type { Mail, OutgoingMail } from '#machines/mail.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import type { Intent } from '#machines/records.ts';
import { buildMail } from '#test/kit/held-out.ts';
import { createSim, type Sim } from '#test/kit/sim.ts';
import { operationActivities, performed } from '#test/kit/verdict.ts';

export const hourMs = 3_600_000;
export const company = { from: { address: 'hello@studio-voss.example', name: 'Mara Voss' }, thresholds: { triage: 0.7, draft: 0.6 }, remindAfterMs: 24 * hourMs, expireAfterMs: 168 * hourMs, useModel: false };
const sample = join(import.meta.dirname, '../../../supervisor/sample');
const settings = JSON.parse(readFileSync(join(sample, 'company.json'), 'utf8')) as { name: string; operator: string; email: string; signature: string };
const templates = readdirSync(join(sample, 'templates')).map((file) => parseTemplate(readFileSync(join(sample, 'templates', file), 'utf8')));

export const inquiry = buildMail({ from: 'Nina Holt <nina@holt.example>', subject: 'Website', text: 'How much would a website cost? Could you send me a quote?' }, 1);
export const unusual = buildMail({ from: 'Nina Holt <nina@holt.example>', subject: 'Church organs', text: 'Do you know who repairs church organs? Could you please tell me?' }, 2);
export const vague = buildMail({ from: 'Bo <bo@bo.example>', subject: 'Re: Plan', reply: true, text: 'Let us see.' }, 3);
export const invoice = buildMail({ from: 'Bright Clean <office@brightclean.example>', subject: 'Window cleaning', files: ['invoice_3301.pdf'], text: 'Hello, thanks for having us. Invoice attached, GBP 55, please pay into the usual account by the end of the month.' }, 4);

export type Open = Required<Omit<Intent, 'data'>> & { data: Item };
export interface Run {
  sim: Sim;
  address: string;
  /** What was handed to the connector, in order. */
  sent: { payload: OutgoingMail; payloadHash: string }[];
  /** What waits for the operator, as the store would fold it; fails when a finished item is opened again. */
  open(): Open[];
  state(id: string): string | undefined;
  only(kind: string): Open;
  /** The operator answers the actor of this type. */
  answer(type: string, event: { type: string; [key: string]: unknown }, from?: string): Promise<void>;
  actor(type: string): string;
  value(type?: string): unknown;
  reason(): string;
}

/** Starts a run and lets it go as far as it can. `outside` replaces activities. */
export async function runMail(mail: Mail, outside: Record<string, Activity> = {}, settingsOf: Partial<typeof company> = {}): Promise<Run> {
  const sent: Run['sent'] = [];
  const sim = createSim({
    machines: [mailMachine],
    activities: {
      'knowledge.search': async () => ({ hits: [] }),
      'reply.template': draftFromTemplates(async () => templates, settings, async () => []),
      ...operationActivities({ async commit({ input }) {
        sent.push(input);
        return performed();
      } }),
      ...outside,
    },
  });
  const address = `mail/${mail.id}`;
  const fold = () => {
    const items = new Map<string, Open>();
    for (const intent of sim.recorded.intents) {
      const before = items.get(intent.id);
      assert.ok(!before || before.state === 'input-required' || before.state === intent.state, `${intent.id} is ${before?.state} and cannot become ${intent.state}`);
      items.set(intent.id, { ...before, ...intent } as Open);
    }
    return items;
  };
  const actor = (type: string) => sim.addresses().find((one) => one.startsWith(`${type}/`)) ?? assert.fail(`there is no ${type}`);
  const run: Run = {
    sim, address, sent, actor,
    open: () => [...fold().values()].filter(({ state }) => state === 'input-required'),
    state: (id) => fold().get(id)?.state,
    only(kind) {
      const open = run.open();
      assert.deepEqual(open.map((item) => item.kind), [kind]);
      return open[0]!;
    },
    answer: (type, event, from) => sim.event(actor(type), event, from).idle(),
    value: (type = 'mail') => sim.value(actor(type)),
    reason: () => sim.context<{ reason: string }>(address).reason,
  };
  await sim.start(address, mailMachine, { mail, company: { ...company, ...settingsOf } }).idle();
  return run;
}

export const outcomes = ({ sim }: Run, what: string) => sim.recorded.decisions.filter((decision) => decision.what === what).map(({ outcome }) => outcome);
export const parked = ({ sim }: Run) => sim.notes().filter((note) => note.startsWith('parked'));

// Runs one scenario of a company: its folder as it is, the scenario's own on top, in memory, with what must come of it at the end. No
// server, key, network or file of the company's is touched; the same file gives the same result.
import { readFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { sha256 } from '#actors/hash.ts';
import type { Bus } from '#actors/bus.ts';
import { createDesk } from '#connectors/console/desk.ts';
import { receiveMail } from '#connectors/mail/intake.ts';
import { parsePolicies } from '#connectors/policy.ts';
import { actionsOf } from '#connectors/policy-schema.ts';
import { asPromptArtifacts } from '#connectors/prompt-set.ts';
import { modelsMachine } from '#machines/agents/models.ts';
import { supervisorMachine } from '#machines/agents/supervisor.ts';
import { parseTemplate } from '#machines/agents/templates.ts';
import { emptyCommit } from '#machines/commit.ts';
import { machineKey } from '#machines/define.ts';
import { KeelsonError, plainError } from '#machines/errors.ts';
import { lineOfFault, lineOfPath } from '#machines/json-place.ts';
import { mailMachine } from '#machines/pipelines/mail.ts';
import { parsePrompt } from '#machines/prompts.ts';
import { judgeScenario, scenarioSchema, type Expect, type Mismatch, type Outcome, type Scenario, type ScenarioMail, type ScenarioStep } from '#machines/scenario.ts';
import { createMachines, loadAgents, permissionsOf } from './agents.ts';
import { profileOf, toBudgets } from './budget-settings.ts';
import { readLibrary, readPolicyFiles, readTriggers } from './company.ts';
import { checkCompany, readConfig, type Config } from './config.ts';
import { mailSettings } from './mail-settings.ts';
import { openConnectors } from './main-connectors.ts';
import { createActivities } from './main-parts.ts';
import { readPromptFiles } from './main-prompts.ts';
import { scriptedModels, spanMs, tameConnectors } from './main-scenario-parts.ts';
import { openScenarioWorld, type ScenarioWorld } from './main-scenario-world.ts';
import { buildTriggers, startStanding } from './main-standing.ts';

export interface Fault { line: number; expected: string; found: string }
export interface ScenarioResult { file: string; title: string; ok: boolean; faults: Fault[]; ms: number; modelCalls: number; costMicros: number }

const rowsMax = 10_000;
const merged = (under: unknown, over: unknown): unknown => (isObject(under) && isObject(over) ? { ...under, ...Object.fromEntries(Object.entries(over).map(([key, value]) => [key, merged(under[key], value)])) } : over);
const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Reads a scenario. Throws BAD_CONFIG with file and line. */
export function readScenario(text: string, file: string): Scenario {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new KeelsonError('BAD_CONFIG', `${file}, line ${lineOfFault(text)}: it is not JSON: ${(cause as Error).message}`, { cause });
  }
  const parsed = scenarioSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new KeelsonError('BAD_CONFIG', parsed.error.issues.map((issue) => `${file}, line ${lineOfPath(text, issue.path as (string | number)[])}: ${issue.path.map(String).join('.')}: ${issue.message}`).join('; '), { hint: 'docs/scenarios.md has every field.' });
}

/** `nowMs` is only for how long it took. Throws BAD_CONFIG when the scenario, or the company's folder, cannot be read. */
export async function runScenario({ dataDir, file, nowMs }: { dataDir: string; file: string; nowMs(): number }): Promise<ScenarioResult> {
  const began = nowMs();
  const text = readFileSync(file, 'utf8');
  const scenario = readScenario(text, file);
  const asked = { calls: 0, costMicros: 0 };
  const faults: Fault[] = [];
  const note = (path: (string | number)[], { expected, found }: Pick<Mismatch, 'expected' | 'found'>) => void faults.push({ line: lineOfPath(text, path), expected, found });
  const { world, config } = await openCompany({ dataDir, scenario, asked });
  try {
    const seen = { failures: 0 };
    const look = (path: (string | number)[]) => {
      for (const failure of world.failures.slice(seen.failures)) note(path, { expected: 'everything that was asked for can be done', found: failure });
      seen.failures = world.failures.length;
    };
    const judge = async (expect: Expect, path: (string | number)[]) => {
      const there = await readOutcome(world, asked);
      for (const mismatch of judgeScenario(expect, there)) note([...path, ...mismatch.path], mismatch);
    };
    for (const [i, step] of scenario.steps.entries()) {
      try {
        if ('expect' in step) await judge(step.expect, ['steps', i, 'expect']);
        else await take(step, { world, config, useModel: scenario.tiers.length > 0, folder: dirname(file), number: i });
        await world.idle();
      } catch (error) {
        note(['steps', i], { expected: 'this can be done', found: plainError(error).message });
      }
      look(['steps', i]);
    }
    if (scenario.expect) await judge(scenario.expect, ['expect']);
  } finally {
    await world.close();
  }
  return { file, title: scenario.title, ok: faults.length === 0, faults, ms: nowMs() - began, modelCalls: asked.calls, costMicros: asked.costMicros };
}

async function openCompany({ dataDir, scenario, asked }: { dataDir: string; scenario: Scenario; asked: { calls: number; costMicros: number } }): Promise<{ world: ScenarioWorld; config: Config }> {
  const { given } = scenario;
  const real = readConfig(dataDir, { KEELSON_LOG_LEVEL: 'silent' });
  // No key is read and none is there: what a connector needs of secrets is a word.
  const config: Config = { ...real, company: checkCompany(merged(real.company, given.company), 'given.company'), smtpUrl: null, imapUrl: null, model: null, secretOf: () => 'scenario' };
  const agents = await loadAgents(dataDir);
  const registry = createMachines(agents.machines);
  const world = await openScenarioWorld({ registry, permissions: permissionsOf(registry), caps: config.company.caps, budgets: toBudgets(config.company.budgets), triggers: [...buildTriggers, ...readTriggers(dataDir)], startMs: Date.parse(scenario.at) });
  const { store, clock } = world;
  const connectors = tameConnectors(await openConnectors({ config, store }), scenario.world);
  const policies = await parsePolicies(readPolicyFiles(dataDir).map(({ id, text }) => ({ id, version: 1, hash: sha256(text), text })), actionsOf(connectors));
  const activities = createActivities({ config, store, registry, connectors, policies: () => Promise.resolve(policies), activities: agents.activities, clock });
  world.activities = { ...activities, ...scriptedModels({ scenario, store, clock, real: activities, profileOf: (workflow) => profileOf(config.company.budgets, workflow), failures: world.failures, asked }) };
  await keepGiven(world, dataDir, scenario);
  for (const machine of [supervisorMachine, modelsMachine]) await startStanding(store, machine, clock.now());
  await world.idle();
  return { world, config };
}

async function keepGiven({ store, clock }: ScenarioWorld, dataDir: string, { given }: Scenario): Promise<void> {
  const keep = async (what: string, parts: object) => {
    const answer = await store.commit({ ...emptyCommit(`given:${what}`, clock.now(), 'operator/scenario', { given: what }), ...parts });
    if (answer.outcome !== 'written') throw new KeelsonError('BAD_CONFIG', `given.${what}: ${answer.outcome === 'invalid' ? answer.reason : answer.outcome}`);
  };
  const asTexts = (kind: string, mediaType: string, texts: Record<string, string>) => {
    const all = Object.entries(texts).map(([name, text]) => ({ id: `${kind}/${name}`, kind, mediaType, text, hash: sha256(text), sizeBytes: Buffer.byteLength(text) }));
    return { artifacts: all.map(({ text, ...artifact }) => (kind === 'template' ? { ...artifact, text } : artifact)), blobs: all.map(({ hash, text }) => ({ hash, bytes: text })) };
  };
  const library = readLibrary(dataDir, new Map(), 'library', clock.now());
  if (library) await store.commit(library);
  const prompts = [...readPromptFiles(dataDir), ...Object.entries(given.prompts).map(([name, text]) => ({ name, text }))];
  for (const { name, text } of prompts) parsePrompt(text, name);
  if (prompts.length > 0) await keep('prompts', asPromptArtifacts([...new Map(prompts.map((one) => [one.name, one])).values()]));
  for (const text of Object.values(given.templates)) parseTemplate(text);
  if (Object.keys(given.templates).length > 0) await keep('templates', asTexts('template', 'text/markdown', given.templates));
  if (Object.keys(given.rules).length > 0) await keep('rules', asTexts('rule', 'application/json', Object.fromEntries(Object.entries(given.rules).map(([name, rule]) => [name, JSON.stringify(rule)]))));
  if (given.facts.length > 0) await keep('facts', { facts: given.facts });
}

interface Taking { world: ScenarioWorld; config: Config; useModel: boolean; folder: string; number: number }

/** One thing that happens. */
async function take(step: Exclude<ScenarioStep, { expect: unknown }>, { world, config, useModel, folder, number }: Taking): Promise<void> {
  const { store, clock } = world;
  if ('after' in step) return world.advance(spanMs(step.after));
  if ('mail' in step) {
    const received = await receiveMail(rawMail(step.mail, { folder, number, to: config.company.email, atMs: clock.now() }), { store, clock, machine: machineKey(mailMachine), company: mailSettings(config, { useModel }), source: 'scenario' });
    if (received.outcome === 'duplicate') throw new KeelsonError('BAD_ARGUMENT', 'this mail came before; the same mail twice is one mail');
    return;
  }
  const id = `scenario-${number}`;
  if ('start' in step) return applied(await world.submit({ id, to: step.start.address, from: 'operator/desk', body: { kind: 'start', machine: step.start.machine, input: step.start.input } }));
  if ('event' in step) return applied(await world.submit({ id, to: step.event.to, from: 'operator/desk', body: { kind: 'event', event: step.event.event } }));
  let made = 0;
  const bus = { submit: (message: never) => world.submit(message) } as unknown as Bus;
  const desk = createDesk({ store, bus, clock, makeId: () => `${id}-${++made}` });
  const open = (await store.query('inbox', {})) as { id: string }[];
  const wanted = 'approve' in step ? step.approve : 'reject' in step ? step.reject : step.respond;
  const item = wanted.item ?? open.at(-1)?.id;
  if (item === undefined) throw new KeelsonError('NOT_FOUND', 'nothing waits for the operator');
  if (!open.some((one) => one.id === item)) throw new KeelsonError('NOT_FOUND', `'${item}' does not wait; what waits: ${open.map((one) => one.id).join(', ') || 'nothing'}`);
  const because = wanted.reason === undefined ? {} : { reason: wanted.reason };
  if ('approve' in step) await desk.approve(item, { ...(step.approve.edit === undefined ? {} : { edit: step.approve.edit }), ...because });
  else if ('reject' in step) await desk.reject(item, { reason: step.reject.reason });
  else await desk.respond(item, { text: step.respond.text, ...because });
}

function applied({ outcome, note }: { outcome: string; note: string | null }): void {
  if (outcome !== 'applied') throw new KeelsonError('REFUSED', note ?? outcome);
}

function rawMail(mail: ScenarioMail, { folder, number, to, atMs }: { folder: string; number: number; to: string; atMs: number }): Uint8Array {
  if ('eml' in mail) return Buffer.from(mail.eml);
  if ('file' in mail) {
    const path = resolve(folder, mail.file);
    if (!path.startsWith(resolve(folder) + sep)) throw new KeelsonError('BAD_ARGUMENT', `${mail.file} is not beside the scenario`);
    return readFileSync(join(folder, mail.file));
  }
  const encode = (value: string) => (/^[\x20-\x7e]*$/.test(value) ? value : `=?utf-8?B?${Buffer.from(value).toString('base64')}?=`);
  const [, name, address] = /^(.*?)\s*<([^<>]+)>$/.exec(mail.from) ?? [null, '', mail.from];
  const headers = { From: name ? `${encode(name.replace(/^"|"$/g, ''))} <${address}>` : address, To: to, Subject: encode(mail.subject), Date: new Date(atMs).toUTCString(), 'Message-ID': `<scenario-${number}@scenario.example>`, 'Content-Type': 'text/plain; charset=utf-8', 'Content-Transfer-Encoding': 'base64', ...mail.headers };
  return Buffer.from(`${Object.entries(headers).map(([field, value]) => `${field}: ${value}`).join('\r\n')}\r\n\r\n${Buffer.from(mail.text).toString('base64').replace(/(.{76})/g, '$1\r\n')}\r\n`);
}

async function readOutcome({ store }: ScenarioWorld, asked: { calls: number; costMicros: number }): Promise<Outcome> {
  const [decisions, operations, inbox, facts, actors] = (await Promise.all([
    store.query('decisions', { limit: rowsMax }), store.query('operations', { limit: rowsMax }), store.query('inbox', {}), store.query('facts', { limit: rowsMax }), store.query('actors', { limit: rowsMax }),
  ])) as [Outcome['decisions'], { value: unknown; context: { action: string; payload: unknown; done: boolean | null } }[], { id: string; kind: string; summary: string; data: { category?: string | null } | null }[], Outcome['facts'], { address: string; value: unknown }[]];
  const stateOf = (value: unknown) => (isObject(value) ? Object.keys(value).join('+') : String(value));
  return {
    decisions: decisions.toReversed(),
    operations: operations.map(({ value, context: { action, payload, done } }) => ({ action, payload, state: stateOf(value), done: done === true })),
    asks: inbox.filter(({ kind }) => kind !== 'approval').map(({ id, kind, summary, data }) => ({ id, kind, summary, category: data?.category ?? null })),
    facts, actors: Object.fromEntries(actors.map(({ address, value }) => [address, typeof value === 'string' ? asJson(value) : value])),
    costMicros: asked.costMicros, modelCalls: asked.calls,
  };
}

function asJson(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

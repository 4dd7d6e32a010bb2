// What stands for the outside in a scenario: models that answer by a script, and connectors that plan as ever and do nothing. Money is
// reserved and settled as for real calls, so budgets hold as they would.
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import type { Clock } from '#actors/clock.ts';
import type { Action, Connector } from '#connectors/connector.ts';
import { latencyOf, runOf } from '#connectors/model/plan.ts';
import { readPrompts } from '#connectors/prompts.ts';
import { noAnswer, type Tried } from '#machines/agents/activities.ts';
import { sayShortage, type Profile } from '#machines/budget.ts';
import { emptyCommit } from '#machines/commit.ts';
import { firstIssue } from '#machines/errors.ts';
import { saysAll, type Scenario, type ScriptLine, type Span, type WorldLine } from '#machines/scenario.ts';
import { taskOf } from '#machines/task-list.ts';

const msPer = { days: 86_400_000, hours: 3_600_000, minutes: 60_000, seconds: 1_000 };
export const spanMs = (span: Span): number => Object.entries(span).reduce((ms, [unit, n]) => ms + msPer[unit as keyof typeof msPer] * n, 0);

interface Asked { calls: number; costMicros: number }
interface ModelParts { scenario: Scenario; store: StorePort; clock: Clock; real: Record<string, Activity>; profileOf(workflow: string): Profile; failures: string[]; asked: Asked }
type Ask = { task: string; tier: string; input: unknown };

/** `real`: the activities of the server; what was learnt answers as it does there. */
export function scriptedModels({ scenario: { tiers, models }, store, clock, real, profileOf, failures, asked }: ModelParts): Record<string, Activity> {
  const used = new Map<ScriptLine, number>();
  const resting = new Map<string, { untilMs: number; outcome: Tried['outcome']; reason: string }>();
  const prompts = readPrompts(store);
  const isScripted = (name: string) => tiers.some((tier) => tier.name === name);
  const nothing = noAnswer('unsure', '');

  const spend = async (operationId: string, { task, tier }: Ask, micros: number): Promise<string | { reason: string; againAtMs: number | null }> => {
    const { workflow, run } = await runOf(store, operationId);
    const id = `${operationId}:${tier}:${asked.calls}`;
    const reserved = { state: 'reserved' as const, id, micros, workflow, run, untilMs: clock.now() + 180_000, task, tier, provider: 'scenario', model: `scripted/${tier}`, price: 'settings' as const };
    const answer = await store.commit({ ...emptyCommit(`reserve:${id}`, clock.now(), 'connector/model', {}), spends: [reserved] });
    if (answer.outcome === 'unaffordable') return { reason: sayShortage(answer.shortage), againAtMs: answer.shortage.againAtMs };
    if (answer.outcome !== 'written') failures.push(`the reservation ${id} was ${answer.outcome}${answer.outcome === 'invalid' ? `: ${answer.reason}` : ''}`);
    return id;
  };
  const settle = (id: string, micros: number, outcome: string) => store.commit({ ...emptyCommit(`settle:${id}`, clock.now(), 'connector/model', {}), spends: [{ state: 'settled', id, micros, outcome, inputTokens: null, outputTokens: null, note: 'by the script' }] });

  const ask: Activity = async (call): Promise<unknown> => {
    const given = call.input as unknown as Ask;
    if (!isScripted(given.tier)) return real['model.ask'] ? real['model.ask'](call) : { ...nothing, reason: 'nothing was learnt' };
    const rests = resting.get(given.tier);
    if (rests && rests.untilMs > clock.now()) return { ...nothing, outcome: rests.outcome, reason: rests.reason, againAtMs: rests.untilMs };
    const question = JSON.stringify(given.input);
    const line = models.find((one) => one.task === given.task && one.tier === given.tier && saysAll(question, one.when) && (used.get(one) ?? 0) < (one.times ?? (one.again ? 1 : Infinity)));
    if (!line) {
      failures.push(`the script has no answer of ${given.tier} for ${given.task}: ${question.slice(0, 300)}`);
      return { ...nothing, outcome: 'down', reason: 'the script has no answer' };
    }
    used.set(line, (used.get(line) ?? 0) + 1);
    const { outcome = 'answered', answer = null, costMicros, reason = outcome === 'answered' ? 'by the script' : `the script says: ${outcome}`, again } = line;
    const againAtMs = again ? clock.now() + spanMs(again) : null;
    if (againAtMs !== null) resting.set(given.tier, { untilMs: againAtMs, outcome, reason });
    if (outcome === 'unaffordable' || outcome === 'unpriced' || outcome === 'unsupported') return { ...nothing, outcome, reason, againAtMs };
    const reserved = await spend(call.operationId, given, costMicros);
    if (typeof reserved !== 'string') return { ...nothing, outcome: 'unaffordable', ...reserved };
    asked.calls++;
    asked.costMicros += costMicros;
    await settle(reserved, costMicros, outcome);
    const parsed = outcome === 'answered' ? taskOf(given.task)?.answer.safeParse(answer) : undefined;
    if (parsed && !parsed.success) failures.push(`models[${models.indexOf(line)}] is no answer to ${given.task}: ${firstIssue(parsed.error)}`);
    const { id, version } = await prompts(given.task);
    const confidence = line.confidence ?? (answer as { confidence?: number } | null)?.confidence ?? null;
    return { ...nothing, outcome, answer: outcome === 'answered' ? answer : null, confidence: outcome === 'answered' ? confidence : null, model: `scripted/${given.tier}`, costMicros, reason, prompt: { id, version }, againAtMs };
  };

  return {
    'model.ask': ask,
    async 'model.plan'(call) {
      const { task } = call.input as unknown as Ask;
      const profile = profileOf((await runOf(store, call.operationId)).workflow);
      const scripted = tiers.filter(({ name }) => models.some((line) => line.task === task && line.tier === name) && (profile.tiers === null || profile.tiers.includes(name)));
      return { latency: latencyOf(task, profile), otherwise: profile.otherwise, skipped: [], tiers: scripted };
    },
    // A tier that is down is so until the time that its line names; without one until it is looked at.
    'model.ready': () => Promise.resolve({ down: [...resting].filter(([, { untilMs }]) => untilMs > clock.now()).map(([provider, { reason }]) => ({ provider, reason })), gone: [] }),
  };
}

/** Plans are pure and made as ever; what would leave is done at once, by the word of the script. */
export function tameConnectors(connectors: readonly Connector[], lines: readonly WorldLine[]): Connector[] {
  const answerTo = (action: string, payload: unknown) => lines.find((line) => line.action === action && saysAll(JSON.stringify(payload), line.when))?.result ?? null;
  const tame = (action: Action<never>): Action<never> => {
    const commit: Action<unknown>['commit'] = async (payload, { operationId }) => {
      const { to, subject } = payload as { to?: { address: string }; subject?: string };
      return {
        done: true, providerRef: `scenario:${operationId}`, note: 'done in a scenario; nothing has left', result: answerTo(action.name, payload),
        facts: action.name === 'mail.send' ? [{ entity: `person/${to!.address.toLowerCase()}`, predicate: 'mail.sent', value: { subject: subject!, operation: operationId }, label: 'system', confidence: 1 }] : [],
      };
    };
    // An action may be an object with methods, so it stays behind this one.
    return Object.assign(Object.create(action) as Action<never>, { idempotency: { kind: 'native', keyLifetimeMs: Number.MAX_SAFE_INTEGER }, prepare: undefined, abort: undefined, lookup: undefined, commit });
  };
  return connectors.map((connector) => Object.assign(Object.create(connector) as Connector, { actions: connector.actions.map(tame) }));
}

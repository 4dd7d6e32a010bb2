// One guard taken away at a time: the text as it stands in the tree, what takes its place, and the test that must then fail.
export interface Mutant {
  /** What the system would lack. */
  without: string;
  file: string;
  /** Occurs exactly once. */
  text: string;
  instead: string;
  test: string;
  /** The beginning of the title of the test that fails. */
  fails: string;
}

const step = 'actors/step.ts';
const effects = 'actors/effects.ts';
const judge = 'store/judge.ts';
const over = "if (next.status !== 'active') {\n    ";
const [boundary, children, jobs, states, timers] = ['boundary', 'children', 'jobs', 'states', 'timers'].map((name) => `test/actors/step-${name}.test.ts`) as [string, string, string, string, string];
const commits = 'test/store/commit.test.ts';
const live = 'test/actors/live-difference.test.ts';
const gate = 'connectors/gate.ts';
const gateJudge = 'connectors/gate-judge.ts';
const gates = 'test/connectors/gate.test.ts';
const permissions = 'machines/permissions.ts';
const budgets = 'test/store/budgets.test.ts';
const keptBudgets = 'test/supervisor/main-budgets.test.ts';

export const mutants: Mutant[] = [
  { without: 'the generation of timers', file: step, text: 'if (timer?.gen !== body.gen) return', instead: 'if (!timer) return', test: timers, fails: 'a timer of an earlier visit of the state is stale' },
  { without: 'the generation of child results', file: step, text: 'child?.gen !== body.gen || child.settled', instead: '!child || child.settled', test: jobs, fails: 'a late result of an earlier invocation is not taken by a newer one' },
  { without: 'the generation of a stop', file: step, text: 'if (record.parent && record.parent.gen !== body.gen) return', instead: 'if (false) return', test: children, fails: 'a stop for an earlier start of the child is stale' },
  { without: 'settled: a result is taken once', file: step, text: ' || child.settled)', instead: ')', test: jobs, fails: 'the same result under two message ids is taken once' },
  { without: 'taking a timer off the record', file: step, text: 'delete record.timers[body.timer];', instead: '', test: timers, fails: 'a timer fires once, also when it is delivered under two message ids' },
  { without: 'status: who has ended takes nothing', file: step, text: "if (previous && previous.status !== 'active') return", instead: 'if (false) return', test: states, fails: 'an event to an ended actor is kept as ignored' },
  { without: 'one start per actor', file: step, text: "body.kind === 'start' ? previous && !fresh : !previous", instead: "body.kind === 'start' ? false : !previous", test: states, fails: 'starting an actor twice is ignored' },
  { without: 'reserved event types', file: step, text: 'if (isReservedType(type)) return', instead: 'if (false) return', test: boundary, fails: "an event that calls itself 'xstate.done.actor.kid' is refused" },
  { without: 'events for the operator only', file: step, text: "&& typeOf(from) !== 'operator') return", instead: '&& false) return', test: boundary, fails: 'an event for the operator only is refused from mail/m-1' },
  { without: 'the sender of a timer', file: step, text: 'if (from !== record.address) return', instead: 'if (false) return', test: timers, fails: 'a timer that another actor forged is refused' },
  { without: 'the sender of a child result', file: step, text: 'if (from !== child.address) return', instead: 'if (false) return', test: jobs, fails: 'a result that another actor forged with the right generation is refused' },
  { without: 'the parent as sender of a start', file: step, text: 'if (body.parent && body.parent.address !== from) return', instead: 'if (false) return', test: children, fails: 'nobody can start an actor in the name of another parent' },
  { without: 'the parent as sender of a stop', file: step, text: "if (record.parent ? from !== record.parent.address : typeOf(from) !== 'operator') return", instead: 'if (false) return', test: children, fails: 'a stop that another actor forged is refused' },
  { without: 'telling the parent of a failure', file: effects, text: "if (parent && next.status === 'error') send(", instead: "if (parent && next.status === 'error' && !parent) send(", test: children, fails: 'a child that throws tells its parent' },
  { without: 'cancel-all: timers of who has ended', file: effects, text: `${over}for (const id of Object.keys(record.timers)) unschedule(id);`, instead: over, test: timers, fails: 'a final state withdraws every timer' },
  { without: 'cancel-all: children and jobs of who has failed', file: effects, text: `unschedule(id);\n    for (const id of Object.keys(record.children)) stop(id);\n    const { parent }`, instead: 'unschedule(id);\n    const { parent }', test: children, fails: 'an actor that fails takes what runs below it along' },
  { without: 'the end of a first schedule under a name', file: effects, text: 'unschedule(id); // the last', instead: '// the last', test: timers, fails: 'raising again under the same id replaces the earlier one' },
  { without: 'taking back what was made and left in one step', file: effects, text: 'effects.sends.some((message) => message.id === child.gen)', instead: 'false', test: live, fails: "'visiting' does what the live interpreter does" },
  { without: 'a start before what was said to the child', file: effects, text: 'effects.sends.push(...early);', instead: 'effects.sends.splice(effects.sends.length - 1, 0, ...early);', test: live, fails: "'visiting' does what the live interpreter does" },
  { without: 'plain JSON in the context', file: step, text: "assertPlainJson(next.context, 'context');", instead: ';', test: boundary, fails: 'a context that holds a map is refused' },

  { without: 'dedupe: one id, one commit', file: judge, text: 'if (before) return { answer: before(commit) };', instead: '', test: commits, fails: 'a second commit with an id writes nothing and answers with the first' },
  { without: 'the expected version', file: judge, text: 'if (basis !== undefined && (known.revs.get(commit.actor) ?? -1) !== basis) return', instead: 'if (false) return', test: commits, fails: 'a revision that does not follow the stored one is a conflict' },
  { without: 'the expected version within a group', file: judge, text: 'if (rev !== null) known.revs.set(commit.actor, rev);', instead: '', test: commits, fails: 'two steps to the same revision in one group' },
  { without: 'the revision that an outcome was judged on', file: judge, text: 'rev === null ? commit.basis : rev - 1', instead: 'rev === null ? undefined : rev - 1', test: commits, fails: 'an outcome without a step is a conflict too' },
  { without: 'requires', file: judge, text: '(commit.requires !== undefined && !known.open.has(commit.requires))', instead: 'false', test: commits, fails: 'a commit that requires a message is written while the message waits' },
  { without: 'requires within a group', file: judge, text: 'known.open.delete(id);', instead: ';', test: commits, fails: 'of two commits in one group that settle the message they require' },
  { without: 'silence about who was erased', file: judge, text: 'erased.has(commit.actor) ||', instead: '', test: 'test/store/judge.test.ts', fails: 'for an actor that was erased nothing is written any more' },
  { without: 'the epoch of the store', file: 'store/commit.ts', text: 'if (counted !== 1) throw', instead: 'if (false) throw', test: commits, fails: 'a store whose epoch is not the newest cannot commit' },

  { without: 'ids that only actors make', file: 'actors/host.ts', text: "if (message.id.includes('#') && !mayBePromised(message)) throw", instead: 'if (false) throw', test: 'test/actors/host.test.ts', fails: 'a stranger who guesses the id of a promised message takes nothing away' },
  { without: 'the doubt about ids of parked strangers', file: 'actors/park.ts', text: 'settles: promised ||', instead: 'settles: true ||', test: 'test/actors/host.test.ts', fails: 'a stranger who guesses the id of a promised message takes nothing away' },
  { without: 'the claim of a `once` job', file: 'actors/worker.ts', text: "if (claimed === 'taken') {", instead: 'if (false) {', test: 'test/actors/worker.test.ts', fails: 'an at-most-once job that was claimed by a worker that is gone' },
  { without: 'unknown, when nobody can tell', file: 'actors/worker.ts', text: 'spec.once && !(thrown instanceof KeelsonError)', instead: 'false', test: 'test/actors/worker.test.ts', fails: 'an at-most-once job that fails in a way nobody foresaw is unknown' },
  { without: 'the try that was decided on', file: 'actors/worker.ts', text: 'promised?.attempt !== job.attempt ||', instead: '!promised ||', test: 'test/actors/worker-jobs.test.ts', fails: 'a try that nobody decided on is not run' },
  { without: 'the activity that was committed', file: 'actors/worker.ts', text: '|| promised.activity !== spec.name) return', instead: ') return', test: 'test/actors/worker-jobs.test.ts', fails: 'a job of one activity is not run as another' },
  { without: 'those who may order an actor about', file: 'actors/hold.ts', text: 'return mayOrder(alive, message.from, order.data) ?', instead: 'return true ?', test: 'test/actors/hold.test.ts', fails: 'only those above an actor may order it about' },
  { without: 'the failure that an order is for', file: 'actors/hold.ts', text: 'order.rev !== undefined && held?.rev !== order.rev', instead: 'false', test: 'test/actors/hold.test.ts', fails: 'only those above an actor may order it about' },
  { without: 'the turn of what waited', file: 'actors/hold.ts', text: 'release(record, [failed, ...held!.waiting], held!)', instead: 'release(record, [...held!.waiting, failed], held!)', test: 'test/actors/hold.test.ts', fails: 'a step that fails changes nothing' },
  { without: 'the hash: what leaves is what was approved', file: gate, text: 'if (hashOf(bound, judged.payload) !== payloadHash) throw', instead: 'if (false) throw', test: gates, fails: 'nothing leaves with another text' },
  { without: 'what a yes is bound to, in the hash', file: gateJudge, text: 'hashJson({ ...bound, payload })', instead: 'hashJson({ payload })', test: gates, fails: 'what a yes is bound to cannot be changed afterwards: expiresAtMs' },
  { without: 'the end of a yes', file: gate, text: 'if (clock.now() > bound.expiresAtMs) throw', instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, the time of the yes is over' },
  { without: 'an hour for money', file: gate, text: 'judged?.action.money && judged.policy.expiresAfterMs === null ? moneyExpiresMs : Infinity', instead: 'Infinity', test: gates, fails: 'money has caps' },
  { without: 'the approval, asked of the store', file: gate, text: "if (judged.answer === 'ask') await assertApproved(", instead: "if (judged.answer === 'never') await assertApproved(", test: gates, fails: 'nothing leaves when, since the yes, there is no such question' },
  { without: 'the answer to the question', file: gate, text: "approval.state !== 'completed' || ", instead: '', test: gates, fails: 'nothing leaves when, since the yes, the question was not answered with yes' },
  { without: 'whose question it was', file: gate, text: ' || approval.actor !== operationId)', instead: ')', test: gates, fails: 'nothing leaves when, since the yes, the yes was to another operation' },
  { without: 'the version of the policy', file: gate, text: ' || policy.version !== bound.policy.version', instead: '', test: gates, fails: 'nothing leaves when, since the yes, the policy has another version' },
  { without: 'a denial since the yes', file: gate, text: "if (judged.answer === 'deny') throw", instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, the policy denies it now' },
  { without: 'the bytes that are enclosed', file: gate, text: "if (enclosures !== bound.enclosures.join(' ')) throw", instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, a document has other bytes' },
  { without: 'the version of the connector', file: gate, text: 'if (judged.connector.version !== bound.connectorVersion) throw', instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, the connector has another version' },
  { without: 'the kill switch', file: gate, text: "if (state === 'stopped') throw", instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, effects are stopped' },
  { without: 'the last look at the kill switch', file: gate, text: 'await assertMayLeave(held);\n    return work();', instead: 'return work();', test: gates, fails: 'effects that are stopped while the last questions are asked still hold the call back' },
  { without: 'the server that runs dry', file: gate, text: "if (dry !== null && bound.mode === 'live') throw", instead: 'if (false) throw', test: gates, fails: 'nothing leaves when, since the yes, the server runs dry now' },
  { without: 'dry for what is proposed to a dry server', file: gate, text: "isDry ? 'dry-run' : given.mode", instead: 'given.mode', test: gates, fails: 'a dry run asks everything and does nothing' },
  { without: 'the sandbox', file: gate, text: 'sandbox.some(({ connector }) => connector === name)', instead: 'sandbox.some(() => false)', test: gates, fails: 'nothing leaves when, since the yes, its connector is in the sandbox' },
  { without: 'dry for what is proposed in the sandbox', file: gate, text: "findAction(connectors, given.action)?.connector.name ?? ''", instead: "''", test: gates, fails: 'in the sandbox everything is asked and nothing done' },
  { without: 'nothing done in a dry run', file: gate, text: "if (held.bound.mode === 'dry-run') return {", instead: 'if (false) return {', test: gates, fails: 'a dry run asks everything and does nothing' },
  { without: 'the caps', file: gate, text: "if (held.bound.mode === 'live') await assertWithinCaps(", instead: 'if (false) await assertWithinCaps(', test: gates, fails: 'money has caps' },
  { without: 'the cap per payee', file: 'machines/caps.ts', text: 'return toPayee > cap.perPayeePerDayMinor ?', instead: 'return false ?', test: gates, fails: 'money has caps' },
  { without: 'the time in which a key is known', file: gate, text: 'if (clock.now() - held.sinceMs < lifetimeMs) {', instead: "if (action.idempotency.kind === 'native') {", test: gates, fails: 'a lost call is settled by the key while the provider knows it' },
  { without: 'a lost call is not made again without a key', file: gate, text: "action.idempotency.kind === 'native' ? action.idempotency.keyLifetimeMs : 0", instead: 'Infinity', test: gates, fails: 'a lost call is settled by the key while the provider knows it' },
  { without: 'whoever vouches for where it goes', file: gateJudge, text: "policy.answer === 'allow' && against.length > 0 ? 'ask'", instead: "policy.answer === 'allow' && false ? 'ask'", test: gates, fails: 'a standing yes does not hold when nobody vouches for the recipient' },
  { without: 'the question whether anybody vouches', file: gateJudge, text: 'return fact ? {', instead: 'return !fact ? {', test: gates, fails: 'a standing yes does not hold when nobody vouches for the recipient' },
  { without: 'supervision of who hears strangers', file: gateJudge, text: "...(action.effect === 'write' && agent !== 'operator' ?", instead: "...(action.effect === 'write' && false ?", test: gates, fails: 'a standing yes does not hold when the agent hears strangers' },
  { without: 'doubt after a backup was put back', file: gateJudge, text: '...(doubt === null ? [] : [doubt]),', instead: '', test: gates, fails: 'a standing yes does not hold when a backup was put back' },
  { without: 'the shape of a payload', file: gateJudge, text: 'if (!parsed.success) throw', instead: 'if (!parsed.success) return payload; if (!parsed.success) throw', test: gates, fails: 'a payload that cannot be read, or has a field that nobody knows, is refused' },
  { without: 'the caps in the store', file: judge, text: 'caps && whyOverCap(', instead: 'null && whyOverCap(', test: 'test/store/judge.test.ts', fails: 'is added up, also when it is all sent at once' },
  { without: 'money of the same group', file: judge, text: "if (kind === 'payment') trackPayment(", instead: 'if (false) trackPayment(', test: 'test/store/judge.test.ts', fails: 'is added up, also when it is all sent at once, in one group' },
  { without: 'a currency without a cap that may not move', file: 'machines/caps.ts', text: 'if (!cap) return `', instead: 'if (!cap) return null; if (!cap) return `', test: 'test/machines/caps.test.ts', fails: 'a currency without a cap may not move' },
  { without: "the gate's own jobs, which no agent may ask for", file: permissions, text: "if (body.activity.startsWith('operation.') && type !== 'operation') return", instead: 'if (false) return', test: 'test/machines/permissions.test.ts', fails: 'may not record or send a job of the gate, even when it declares it' },
  { without: 'the type of whoever speaks', file: permissions, text: 'if (typeOf(from) !== type || keyOf(from)', instead: 'if (keyOf(from)', test: 'test/machines/permissions.test.ts', fails: 'may not record or send a message as another type with its own key' },
  { without: 'the key of whoever speaks', file: permissions, text: ' || keyOf(from) !== keyOf(commit.actor)) return', instead: ') return', test: 'test/machines/permissions.test.ts', fails: 'may not record or send a message as another of its type' },
  { without: 'who states what the system knows', file: 'store/query-effects.ts', text: "(label = 'system' AND actor LIKE 'operation/%')", instead: "label = 'system'", test: 'test/store/queries.test.ts', fails: 'a value is vouched for by what the operator, a policy, a connector or an operation stated' },
  { without: 'the names of machines of the build', file: 'supervisor/agents.ts', text: 'if (stranger) throw', instead: 'if (false) throw', test: 'test/supervisor/agents.test.ts', fails: "cannot be called 'operation' like one of the build" },
  { without: 'the end of questions about a flood', file: 'store/parked-items.ts', text: 'if (before >= parkedItemsMax) return', instead: 'if (false) return', test: 'test/store/judge.test.ts', fails: 'are all kept and asked about ten times, of one sender at once' },
  { without: 'what is reserved counts against a limit', file: 'machines/budget.ts', text: 'const takenMicros = settledMicros + reservedMicros;', instead: 'const takenMicros = settledMicros;', test: budgets, fails: 'of a hundred reservations that come together as many go through as fit' },
  { without: 'what the call itself may cost', file: 'machines/budget.ts', text: 'takenMicros + wanted > limitMicros', instead: 'takenMicros > limitMicros', test: budgets, fails: 'the limit of the day of a workflow holds' },
  { without: 'the budget of the company', file: 'machines/budget.ts', text: "return [...timed('company'), ...timed(", instead: 'return [...timed(', test: budgets, fails: 'the limit of the month of the company holds' },
  { without: 'one settlement for a call', file: judge, text: "if (!known.reservations.has(spend.id)) return { outcome: 'closed' };", instead: '', test: budgets, fails: 'of two settlements in one group the first counts' },
  { without: 'a call named once in a commit', file: judge, text: 'if (new Set(spends.map(({ id }) => id)).size < spends.length) return', instead: 'if (false) return', test: budgets, fails: 'one call named twice in one commit is refused' },
  { without: 'several reservations of one commit together', file: judge, text: 'count(taken, spend, atMs, { settledMicros: 0, reservedMicros: spend.micros });', instead: '', test: budgets, fails: 'a commit with several reservations is written whole or not at all' },
  { without: 'reservations of the same group', file: judge, text: 'trackSpends(commit, known);', instead: '', test: budgets, fails: 'of a hundred reservations that come together as many go through as fit' },
  { without: 'the day in which a call began', file: 'store/part-rows.ts', text: 'held, countedMs, untilMs, JSON.stringify(detail)', instead: 'held, atMs, untilMs, JSON.stringify(detail)', test: budgets, fails: 'a settlement counts in the day and month in which its call began' },
  { without: 'who may spend for models', file: permissions, text: "(commit.answers?.length ?? 0) > 0 && type !== 'connector'", instead: '(commit.answers?.length ?? 0) > 1e9', test: budgets, fails: 'order/1 may neither reserve' },
  { without: 'the operator as the one who sets limits', file: 'store/known.ts', text: " AND label = \\'operator\\' GROUP", instead: ' GROUP', test: budgets, fails: "the operator's newest word about a limit counts" },
  { without: 'the time that a call has', file: 'store/query-budgets.ts', text: "['until_ms < ?',", instead: "['until_ms < 1e17 + ?',", test: keptBudgets, fails: 'a reservation whose time is over is settled in full' },
  { without: 'the full price of what nobody settled', file: 'supervisor/main-budgets.ts', text: "spends: [{ state: 'settled', id, micros,", instead: "spends: [{ state: 'settled', id, micros: 0,", test: keptBudgets, fails: 'a reservation whose time is over is settled in full' },
  { without: 'one item for a budget and a period', file: 'supervisor/main-budgets.ts', text: 'if (before !== id && before.startsWith(samePeriod(alert))) await close(before);', instead: 'if (before === alertId.name) await close(before);', test: keptBudgets, fails: 'each threshold is told once' },
  { without: 'balances in a verification', file: 'store/verify-contents.ts', text: ', await changedBalance(database)]', instead: ']', test: budgets, fails: 'verification finds a balance that was lowered' },
  { without: 'the name of a run in an erasure', file: 'store/erase-mentions.ts', text: "spend: ['run', 'detail'],", instead: "spend: ['detail'],", test: 'test/store/erase.test.ts', fails: 'money stays when a person goes' },
  { without: 'the minimum below which no tier is believed', file: 'machines/calibration.ts', text: 'Math.max(minimum, binOf(usual) === good.first ? usual : found)', instead: '(binOf(usual) === good.first ? usual : found)', test: 'test/machines/calibration.test.ts', fails: 'one who is better than he claims is believed earlier' },
  { without: 'that a fall must be certain', file: 'machines/calibration.ts', text: 'drifts: z > driftRules.z && matters', instead: 'drifts: matters', test: 'test/machines/calibration.test.ts', fails: 'a tier that stays as it is raises hardly any alarm' },
  { without: "the operator's word that a tier stays", file: 'machines/tier-quality.ts', text: "  if (kept) return {", instead: '  if (kept && before === null) return {', test: 'test/machines/agents/quality.test.ts', fails: 'the operator keeps it' },
  { without: 'who is believed about the quality of a tier', file: 'store/query-quality.ts', text: " AND (actor = 'quality/main' OR label = 'operator')", instead: '', test: 'test/store/query-quality.test.ts', fails: 'what was measured of a tier is believed only' },
];

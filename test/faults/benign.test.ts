// Goal: the gate is no wall. What a company does all day gets done, the operator is asked at most once for each effect, and never for
// reading. Method: a hundred tasks in a real server, with an operator who approves exactly what is shown.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { Api } from '#test/kit/api.ts';
import { benignTasks, type Benign } from '#test/kit/benign.ts';
import { startEffectsCompany } from '#test/kit/effects-company.ts';

interface Item { id: string; kind: string; actor: string; data: { payloadHash: string; payload: { mail?: string } } }
interface Row { address: string; status: string; value: unknown; context: { id: string; action: string; verdict: { effect: string; answer: string } | null } }

const agents = `export { helperMachine as default } from ${JSON.stringify(import.meta.resolve('#test/kit/benign-agent.ts'))};\n`;

/** Answers all that waits, until every operation has ended: one that is tried again in a moment is no message in flight. Answers how often each actor was approved. */
async function answerAll(api: Api): Promise<Map<string, number>> {
  const approvals = new Map<string, number>();
  for (;;) {
    await api.quiet();
    const runs = (await api.query<Row[]>('operations', { limit: 10_000 })).filter(({ status, value }) => status === 'active' && !JSON.stringify(value).includes('awaiting-approval') && value !== 'unknown');
    const open = (await api.query<Item[]>('inbox', { limit: 1_000 })).filter(({ kind }) => kind === 'approval' || kind === 'question');
    if (open.length === 0 && runs.length === 0) return approvals;
    for (const { id, kind, actor, data } of open) {
      if (kind === 'question') await api.post(`/api/inbox/${encodeURIComponent(id)}/respond`, { text: actor.startsWith('triage/') ? 'inquiry' : 'Thank you for your mail. I will call you tomorrow.' });
      else {
        await api.post(`/api/inbox/${encodeURIComponent(id)}/approve`, { hash: data.payloadHash });
        approvals.set(actor, (approvals.get(actor) ?? 0) + 1);
      }
    }
  }
}

test('a hundred everyday tasks get done with at most one approval for each effect and none for reading', { timeout: 170_000 }, async (t) => {
  const at = await startEffectsCompany({ agents });
  t.after(() => at.stop());
  const api = await at.up();
  const tasks = benignTasks(at.pagesHost, at.calendar !== null);
  // The world is not always there at once.
  for (const page of ['/page-3', '/page-6']) at.pagesFailing.add(page);
  assert.equal(tasks.length, 100);
  for (const task of tasks) {
    if (task.kind === 'inquiry') await api.mail(task.raw, task.id);
    else await api.post('/api/runs', { machine: 'helper', input: { action: task.action, payload: task.payload }, key: task.id });
  }
  const approvals = await answerAll(api);

  const operations = await api.query<Row[]>('operations', { limit: 10_000 });
  const outputs = new Map(await Promise.all(tasks.map(async ({ id }) => {
    const found = await api.query<{ record: { snapshot: { output?: { outcome: string; result: unknown } } } } | null>('actor', { address: `helper/${id}` });
    return [id, found?.record.snapshot.output] as const;
  })));
  const arrived = at.smtp.mails.flatMap(({ to }) => to.map((address) => address.toLowerCase()));
  const isDone = (task: Benign): boolean => {
    if (task.kind === 'inquiry') return arrived.includes(task.to);
    const output = outputs.get(task.id);
    if (task.kind === 'read') return output?.outcome === 'done' && output.result !== null;
    return output?.outcome === 'done' && (task.action !== 'files.write' || existsSync(join(at.work, (task.payload as { path: string }).path)));
  };
  const undone = tasks.filter((task) => !isDone(task));
  t.diagnostic(`${tasks.length - undone.length} of ${tasks.length} done; ${[...approvals.values()].reduce((a, b) => a + b, 0)} approvals for ${operations.filter(({ context }) => context.verdict?.effect === 'write').length} effects; not done: ${undone.map(({ id }) => id).join(', ') || 'none'}`);
  assert.ok(undone.length <= 5, undone.map((task) => `${task.id}: ${JSON.stringify(outputs.get(task.id) ?? null)}`).join('\n'));

  for (const { address, context: { id, action, verdict } } of operations) {
    const asked = approvals.get(address) ?? 0;
    assert.ok(asked <= 1, `${action} ${id} was approved ${asked} times`);
    if (verdict?.effect === 'read') assert.deepEqual([asked, verdict.answer], [0, 'allow'], `${action} ${id} only reads`);
    else assert.equal(asked, 1, `${action} ${id} changes something outside and was not approved`);
  }
  assert.equal(new Set(arrived).size, arrived.length, 'nobody got two answers');
  assert.deepEqual([at.sink.connections, at.strangers()], [0, []]);
});

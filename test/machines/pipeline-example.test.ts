// Goal: the example of docs/pipelines.md compiles, runs and is what the page shows. Method: it stands here, runs with the real agents
// in the simulator, and its text is compared with the page.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { z } from 'zod';
import { copyMachine } from '#machines/agents/copy.ts';
import { retrievalMachine } from '#machines/agents/retrieval.ts';
import { triageMachine } from '#machines/agents/triage.ts';
import { mailSchema } from '#machines/mail.ts';
import { pipeline } from '#machines/pipeline.ts';
import { createSim } from '#test/kit/sim.ts';
import { inquiry } from './pipelines/mail-kit.ts';

// begin
export const draftMachine = pipeline({ id: 'draft', version: '1', input: z.object({ mail: mailSchema }), title: ({ mail }) => mail.subject })
  .step('sort', { agent: triageMachine, input: ({ input }) => ({ mail: input.mail, threshold: 0.7 }) })
  .step('look-up', { agent: retrievalMachine, input: ({ input }) => ({ mail: input.mail }), timeoutMs: 60_000 })
  .step('write', {
    agent: copyMachine,
    input: ({ input: { mail }, results }) => ({ mail, language: results.sort?.language ?? 'en', hits: results['look-up'].hits, threshold: 0.6 }),
    confidence: { atLeast: 0.6, otherwise: 'ask' },
    budget: { costMicros: 50_000 },
  })
  .machine();
// end

const templates = { subject: 'Re: Website', text: 'Hello', templateId: 'quote', confidence: 0.5, reasons: [], evidence: [], model: null, costMicros: 0 };

test('the example of the page runs and asks about a draft that is not sure enough', async () => {
  const sim = createSim({ machines: [draftMachine], activities: { 'knowledge.search': async () => ({ hits: [] }), 'reply.template': async () => templates }, permissions: true });
  await sim.start('draft/1', draftMachine, { mail: inquiry }).idle();
  const question = sim.recorded.intents.at(-1)!;
  assert.deepEqual([question.id, question.summary], ['p-draft.1.write.1', 'Website: is this right? write: confidence 0.5 is below 0.6']);
  await sim.event('draft/1', { type: 'APPROVE', payloadHash: question.id }, 'operator/desk').idle();
  assert.equal(sim.value('draft/1'), 'completed');
});

test('the page shows this very example', () => {
  const [, example = ''] = /\/\/ begin\n(.*)\/\/ end\n/s.exec(readFileSync(import.meta.filename, 'utf8'))!;
  assert.ok(readFileSync(new URL('../../docs/pipelines.md', import.meta.url), 'utf8').includes(example));
});

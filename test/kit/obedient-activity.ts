// How the obedient agent asks its model: over HTTP, as any agent of a company would.
import type { Activity } from '#actors/worker.ts';

export const obedientActivities: Record<string, Activity> = {
  async 'obedient.plan'({ input, signal }) {
    const response = await fetch(`${process.env['KEELSON_TEST_OBEDIENT']}/chat/completions`, {
      method: 'POST', signal, headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content: JSON.stringify(input) }], response_format: { type: 'json_schema', json_schema: { name: 'plan' } } }),
    });
    const { choices: [choice] } = (await response.json()) as { choices: [{ message: { content: string } }] };
    return JSON.parse(choice.message.content) as unknown;
  },
};

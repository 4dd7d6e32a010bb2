// The one item that says why work waits for a model: what waits, what it needs, what the operator can do.
import { toItemData } from '../inbox.ts';
import type { Need } from '../ladder.ts';
import type { Intent } from '../records.ts';
import type { WaitingList } from '../waiting-list.ts';

export const noticeId = (time: number) => `models-${time}`;

const needText: Record<Need, string> = { provider: 'a provider that answers', money: 'money', operator: 'a higher limit' };

const countBy = <N extends string>(names: N[]) => [...Map.groupBy(names, (name) => name)].map(([name, all]) => [name, all.length] as const);

export function sayWaiting(time: number, { waiters, unlisted, down, gone, reasons, looks, pauseMs }: WaitingList): Intent {
  const all = Object.values(waiters);
  const tasks = countBy(all.map(({ task }) => task));
  const needs = countBy(all.flatMap((waiter) => waiter.needs));
  const seen = [...down.map(({ name, reason }) => `${name}: ${reason}`), ...gone.map(({ reason }) => reason)];
  const told = needs.flatMap(([need]) => (reasons[need] === undefined ? [] : [reasons[need]]));
  const why = seen[0] ?? told[0] ?? 'nobody could be asked';
  const count = all.length + unlisted;
  const id = noticeId(time);
  return {
    id, kind: 'task', state: 'input-required',
    summary: `${count} ${count === 1 ? 'piece of work waits' : 'pieces of work wait'} for a model: ${why}`.slice(0, 500),
    data: toItemData({
      category: 'models', confidence: null, risk: 'low', payloadHash: id, evidence: [], policy: null, expiresAfterMs: null,
      reasons: [
        `waiting: ${tasks.map(([task, n]) => `${n} × ${task}`).join(', ')}${unlisted > 0 ? `, and ${unlisted} more` : ''}`,
        `needed: ${needs.map(([need, n]) => `${needText[need]} (${n})`).join(', ')}`,
        ...seen, ...told.filter((reason) => !seen.includes(reason)),
        `looked ${looks === 1 ? 'once' : `${looks} times`}, which costs nothing; the next look is in ${Math.round(pauseMs / 60_000)} min; all goes on by itself`,
      ],
      payload: { waiting: Object.fromEntries(tasks), needs: Object.fromEntries(needs), down, gone },
      answers: 'approve = look now; reject = those who wait go on without a model, with what there is; `keelson budget set` raises a limit, and they go on at once',
    }),
  };
}

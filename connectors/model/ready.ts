// Whether what stood in the way of models is gone. Nobody is asked for an answer, so it costs nothing.
import type { Clock } from '#actors/clock.ts';
import type { StorePort } from '#actors/store-port.ts';
import type { Activity } from '#actors/worker.ts';
import { accountKey, accountsOf, dollars, limitOf, overlayLimits, sayShortage, type Account, type Balance, type Budgets, type Limits } from '#machines/budget.ts';
import type { Gateway } from './gateway.ts';

export interface ReadyParts { gateway: Pick<Gateway, 'down' | 'shortages'>; store: Pick<StorePort, 'query'>; clock: Clock; budgets: Budgets }
interface Gone { scope: string; period: string; againAtMs: number | null; reason: string }

export function lookAtModels({ gateway, store, clock, budgets: settings }: ReadyParts): Activity {
  return async ({ signal }) => {
    const nowMs = clock.now();
    const [down, rows, said] = await Promise.all([gateway.down(signal), store.query('balances', { nowMs }), store.query('budgetLimits', {})]);
    const taken = new Map((rows as (Balance & { scope: string; period: string })[]).map((row) => [accountKey(row), row.settledMicros + row.reservedMicros]));
    const budgets = overlayLimits(settings, said as Record<string, Limits>);
    const gone = new Map<string, Gone>();
    const add = (account: Account, workflow: string, wantedMicros: number, takenMicros: number) => {
      const limitMicros = limitOf(budgets, account, workflow);
      if (limitMicros === null || takenMicros + wantedMicros <= limitMicros) return;
      const { scope, period, againAtMs } = account;
      const reason = wantedMicros > 1 ? sayShortage({ scope, period, limitMicros, takenMicros, wantedMicros, againAtMs }) : `all ${dollars(limitMicros)} of it are taken`;
      gone.set(accountKey(account), { scope, period, againAtMs, reason });
    };
    // Not a single millionth is left.
    for (const workflow of new Set(['', ...Object.keys(budgets.workflows), ...(rows as { scope: string }[]).flatMap(({ scope }) => (scope.startsWith('workflow/') ? [scope.slice('workflow/'.length)] : []))])) {
      for (const account of accountsOf(workflow, '', nowMs)) if (account.period !== 'run' && (workflow !== '' || account.scope === 'company')) add(account, workflow, 1, taken.get(accountKey(account)) ?? 0);
    }
    // Something is left, but less than the last call wanted. A run that has used up its own stands in nobody else's way.
    for (const { workflow, ...shortage } of gateway.shortages()) {
      const account = accountsOf(workflow, '', nowMs).find((one) => one.period !== 'run' && one.scope === shortage.scope && one.period === shortage.period);
      if (account) add(account, workflow, shortage.wantedMicros, taken.get(accountKey(account)) ?? 0);
    }
    return { down, gone: [...gone.values()], atMs: nowMs };
  };
}

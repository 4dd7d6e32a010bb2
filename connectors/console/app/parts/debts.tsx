// Debts as a list: the number, how it was a week ago, and the command that leads out of it.
import type { DebtView } from '../../quality-routes.ts';
import { Copyable } from './frame.tsx';
import { Revealed } from './text.tsx';

const sayTrend = (trend: number | null) => (trend === null ? '' : trend === 0 ? ', as a week ago' : `, ${Math.abs(trend)} ${trend > 0 ? 'more' : 'less'} than a week ago`);

export function Debts({ debts }: { debts: readonly DebtView[] }) {
  return (
    <ul class="plain-list" aria-label="Debts">
      {debts.map(({ kind, what, number, unit, trend, fix }) => <li key={what}><strong>{kind}: {number} {unit}</strong>{sayTrend(trend)}. <Revealed text={what} /> <Copyable text={fix} /></li>)}
    </ul>
  );
}

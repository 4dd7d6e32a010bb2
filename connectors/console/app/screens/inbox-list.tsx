// The lines of the inbox: what it is, how much, how risky, until when. A long list is shown in pieces.
import { useState } from 'preact/hooks';
import type { InboxLine } from '../../inbox-routes.ts';
import { at } from '../state/router.ts';
import { Badge, Empty } from '../parts/frame.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { Risk } from './inbox-risk.tsx';

type Chosen = ReadonlyMap<string, InboxLine>;
const piece = 200;

export function Lines({ items, more, shown, filter, chosen, onChoose }: { items: readonly InboxLine[]; more: number; shown: string | undefined; filter: string; chosen: Chosen | null; onChoose(chosen: Chosen): void }) {
  const [count, setCount] = useState(piece);
  const open = items.filter(({ snoozedUntil }) => snoozedUntil === null);
  const later = items.filter(({ snoozedUntil }) => snoozedUntil !== null);
  const line = (item: InboxLine) => <Line key={item.id} item={item} isShown={item.id === shown} chosen={chosen} onChoose={onChoose} />;
  return (
    <>
      {open.length === 0 ? <Empty>{filter === '' ? 'Nothing waits now.' : 'Nothing that waits has these words.'}</Empty> : <ul>{open.slice(0, count).map(line)}</ul>}
      {open.length > count ? <p class="note"><button type="button" onClick={() => setCount(count + piece)}>Show more ({(open.length - count).toLocaleString()} left)</button></p> : null}
      {more > 0 ? <p class="note">{more.toLocaleString()} more wait. Filter to find them.</p> : null}
      {later.length > 0 ? <details open={later.some(({ id }) => id === shown)}><summary>Put off until later ({later.length})</summary><ul>{later.map(line)}</ul></details> : null}
    </>
  );
}

function Line({ item, isShown, chosen, onChoose }: { item: InboxLine; isShown: boolean; chosen: Chosen | null; onChoose(chosen: Chosen): void }) {
  const { id, kind, summary, does, amount, risk, reversible, expiresAt, createdAt, snoozedUntil } = item;
  const toggle = (isOn: boolean) => {
    const next = new Map(chosen);
    if (isOn) next.set(id, item);
    else next.delete(id);
    onChoose(next);
  };
  return (
    <li>
      {chosen === null ? null : <input type="checkbox" aria-label={`Choose: ${summary}`} checked={chosen.has(id)} disabled={!mayJoin(item, chosen)} onChange={(event) => toggle(event.currentTarget.checked)} />}
      <a class="inbox-line" href={at.item(id)} aria-current={isShown ? 'true' : undefined}>
        <span class="what"><Revealed text={does ?? summary} /></span>
        <span class="about">
          {amount === null ? null : <span class="amount">{amount}</span>}
          {kind === 'approval' ? null : <span>{kind}</span>}
          {risk === 'medium' ? null : <Risk risk={risk} />}
          {reversible === false ? <span>cannot be undone</span> : null}
          {snoozedUntil === null ? expiresAt === null ? <span><Time at={createdAt} /></span> : <span>lapses <Time at={expiresAt} /></span> : <Badge>until <Time at={snoozedUntil} /></Badge>}
        </span>
      </a>
    </li>
  );
}

/** As the server judges it: one kind, one risk, no money, no high risk. */
export function mayJoin(item: InboxLine, chosen: Chosen): boolean {
  const first = chosen.values().next().value;
  const isAlike = !first || (first.kind === item.kind && first.risk === item.risk && (first.action ?? first.category) === (item.action ?? item.category));
  return !item.isMoney && item.risk !== 'high' && isAlike;
}

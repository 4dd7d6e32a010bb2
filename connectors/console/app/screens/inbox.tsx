// The inbox: what waits at the left, in the order of consequence, and one card to decide at the right. On a phone each is a page of its own.
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import type { InboxLine, InboxList } from '../../inbox-routes.ts';
import { get } from '../state/api.ts';
import { useKeys } from '../state/keys.ts';
import { useLive } from '../state/live.ts';
import { at, go, match, path } from '../state/router.ts';
import { Copyable, Empty, Loaded, Screen } from '../parts/frame.tsx';
import { InboxCard } from './inbox-card.tsx';
import { Lines } from './inbox-list.tsx';
import { Pace } from './inbox-pace.tsx';
import { Several } from './inbox-several.tsx';
import './inbox.css';

const narrow = matchMedia('(max-width: 700px)');
const isNarrow = signal(narrow.matches);
narrow.addEventListener('change', () => (isNarrow.value = narrow.matches));

/** What was decided last. */
const said = signal('');

export function Inbox({ params }: { params: Record<string, string> }) {
  const [filter, setFilter] = useState('');
  const [chosen, setChosen] = useState<ReadonlyMap<string, InboxLine> | null>(null);
  const [done, setDone] = useState<ReadonlySet<string>>(new Set());
  const search = useRef<HTMLInputElement>(null);
  const source = `/api/inbox${filter === '' ? '' : `?text=${encodeURIComponent(filter)}`}`;
  const list = useLive(() => get<InboxList>(source), [source], ({ actor, records }) => records.some(({ kind }) => kind === 'intent' || (kind === 'decision' && actor === 'operator/desk')));
  const items = (list.data?.items ?? []).filter(({ id }) => !done.has(id));
  const open = items.filter(({ snoozedUntil }) => snoozedUntil === null);
  const shown = params['id'] ?? (isNarrow.value ? undefined : open[0]?.id);

  // The address names what is shown, so that a reload, or a decision made elsewhere, does not change it under the reader.
  useEffect(() => {
    if (params['id'] === undefined && shown !== undefined) go(at.item(shown), { replace: true });
  }, [shown]);
  const move = (step: number) => {
    // Keys may come faster than the page is drawn: the address knows where we are.
    const from = items.findIndex(({ id }) => id === (match('/inbox/:id', path.value)?.['id'] ?? shown));
    const next = items[from === -1 ? 0 : from + step];
    if (next) go(at.item(next.id), { replace: true });
  };
  const onDecided = (text: string, { stays } = { stays: false }) => {
    said.value = text;
    const rest = open.filter(({ id }) => id !== shown);
    const next = rest[Math.min(Math.max(0, open.findIndex(({ id }) => id === shown)), rest.length - 1)];
    if (shown !== undefined && !stays) setDone(new Set([...done, shown]));
    go(next ? at.item(next.id) : '/inbox', { replace: true });
    scrollTo(0, 0);
    list.reload();
  };
  useKeys([
    { keys: 'j', does: 'the next item', run: () => move(1) },
    { keys: 'k', does: 'the item before', run: () => move(-1) },
    { keys: '/', does: 'look for words in the list', run: () => search.current?.focus() },
  ], [shown, items.map(({ id }) => id).join(' ')]);
  useEffect(() => () => void (said.value = ''), []);
  useEffect(() => {
    document.querySelector('.inbox-line[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [shown]);

  // A phone has no command line, and little room.
  const isCardPage = isNarrow.value && params['id'] !== undefined;
  return (
    <Screen title="Inbox" cli={isCardPage ? undefined : shown === undefined ? 'keelson inbox' : `keelson inbox ${shown}`} raw={isCardPage ? undefined : shown === undefined ? '/api/inbox' : `/api/inbox/${encodeURIComponent(shown)}`} actions={isCardPage ? undefined : <Pace />}>
      {isCardPage ? <p><a href="/inbox">Back to the list</a></p> : (
        <div class="inbox-bar">
          <input ref={search} type="search" aria-label="Look for words in the list" placeholder="Filter" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()} />
          <button type="button" aria-pressed={chosen !== null} onClick={() => setChosen(chosen === null ? new Map() : null)}>{chosen === null ? 'Choose several' : 'Choose none'}</button>
          {chosen === null ? null : <Several chosen={chosen} onSaid={(text) => (said.value = text)} onDone={() => {
            setChosen(null);
            list.reload();
          }} />}
        </div>
      )}
      <div class="inbox-status" role="status">{said.value}</div>
      <Loaded live={list}>{(data) => (data.waiting === 0 && params['id'] === undefined ? <Nothing /> : (
        <div class="inbox">
          {isCardPage ? null : <nav class="inbox-list" aria-label="What waits for you" tabIndex={-1}><Lines items={items} more={data.more} shown={shown} filter={filter} chosen={chosen} onChoose={setChosen} /></nav>}
          {shown === undefined || (isNarrow.value && !isCardPage) ? null : <InboxCard key={shown} id={shown} onDecided={onDecided} onNext={() => onDecided('')} />}
        </div>
      ))}</Loaded>
    </Screen>
  );
}

function Nothing() {
  return (
    <>
      <Empty>Nothing waits for you. What agents may not do alone comes here: a mail before it leaves, money before it moves, a question they cannot answer, an operation nobody knows the end of.</Empty>
      <p>Hand in a mail and watch: <Copyable text="keelson mail import FILE.eml" /></p>
    </>
  );
}

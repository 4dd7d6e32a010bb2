// All agents and runs: where each stands, what it waits for, since when. What needs you comes first.
import { useMemo, useRef } from 'preact/hooks';
import { typeOf } from '#machines/address.ts';
import type { ActorRow } from '../../actor-routes.ts';
import { outerState } from '../parts/actor-state.ts';
import { Badge, Empty, Failed, Screen, StatusBadge } from '../parts/frame.tsx';
import { Rows } from '../parts/rows.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { useActorList } from '../state/actor-list.ts';
import { useKeys } from '../state/keys.ts';
import { at, goWith, search } from '../state/router.ts';
import './actors.css';

const statuses = ['active', 'done', 'error', 'stopped'] as const;
const rowHeight = 62;

/** `waiting`, a status, or `in:` and the name of a state. */
function isIn(row: ActorRow, wanted: string): boolean {
  if (wanted === '') return true;
  if (wanted === 'waiting') return row.forYou;
  return wanted.startsWith('in:') ? row.status === 'active' && outerState(row.value) === wanted.slice(3) : row.status === wanted;
}

const byTime = (a: ActorRow, b: ActorRow) => (a.since < b.since ? 1 : a.since > b.since ? -1 : a.address < b.address ? -1 : 1);
const byNeed = (a: ActorRow, b: ActorRow) => Number(b.forYou) - Number(a.forYou) || Number(b.status === 'active') - Number(a.status === 'active') || byTime(a, b);

export function Actors(_: { params: Record<string, string> }) {
  const { rows, isComplete, isCut, failure } = useActorList();
  const words = useRef<HTMLInputElement>(null);
  const params = search.value;
  const [type, state, text, order] = ['type', 'state', 'text', 'order'].map((name) => params.get(name) ?? '') as [string, string, string, string];

  const types = useMemo(() => [...new Set(rows.map(({ address }) => typeOf(address)))].toSorted(), [rows]);
  const fitting = useMemo(() => {
    const low = text.toLowerCase();
    return rows.filter((row) => (type === '' || row.address.startsWith(`${type}/`)) && (low === '' || `${row.address} ${row.waitingFor} ${outerState(row.value)}`.toLowerCase().includes(low)));
  }, [rows, type, text]);
  const counts = useMemo(() => count(fitting), [fitting]);
  const shown = useMemo(() => fitting.filter((row) => isIn(row, state)).toSorted(order === 'recent' ? byTime : byNeed), [fitting, state, order]);

  const move = (by: number) => {
    const links = [...document.querySelectorAll<HTMLAnchorElement>('.actor-row a.address')];
    const here = links.indexOf(document.activeElement as HTMLAnchorElement);
    links[here === -1 ? 0 : Math.max(0, Math.min(links.length - 1, here + by))]?.focus();
  };
  useKeys([
    { keys: '/', does: 'search', run: () => words.current?.focus() },
    { keys: 'j', does: 'next actor', run: () => move(1) },
    { keys: 'k', does: 'actor before', run: () => move(-1) },
  ], []);
  const states = [...counts.states].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return (
    <Screen title="Agents" cli={`keelson ps${type === '' ? '' : ` --type ${type}`}`} raw={`/api/actors${type === '' ? '' : `?type=${type}`}`}>
      <form class="filters" role="search" aria-label="Agents" onSubmit={(event) => event.preventDefault()}>
        <label>Search<input ref={words} type="search" value={text} placeholder="address or state" onInput={(event) => goWith({ text: event.currentTarget.value })} /></label>
        <label>Type<select value={type} onChange={(event) => goWith({ type: event.currentTarget.value })}>
          <option value="">all</option>
          {[...new Set([...types, ...(type === '' ? [] : [type])])].map((name) => <option key={name} value={name}>{name}</option>)}
        </select></label>
        <label>State<select value={state} onChange={(event) => goWith({ state: event.currentTarget.value })}>
          <option value="">any ({fitting.length})</option>
          <option value="waiting">needs you ({counts.forYou})</option>
          {statuses.map((status) => <option key={status} value={status}>{status} ({counts.status.get(status) ?? 0})</option>)}
          <optgroup label="active, in">
            {state.startsWith('in:') && !counts.states.has(state.slice(3)) ? <option value={state}>{state.slice(3)} (0)</option> : null}
            {states.map(([name, n]) => <option key={name} value={`in:${name}`}>{name} ({n})</option>)}
          </optgroup>
        </select></label>
        <label>Order<select value={order} onChange={(event) => goWith({ order: event.currentTarget.value })}><option value="">needs you first</option><option value="recent">moved last first</option></select></label>
      </form>
      <p class="toolbar counts">
        <Count label="need you" n={counts.forYou} value="waiting" state={state} />
        {statuses.map((status) => <Count key={status} label={status} n={counts.status.get(status) ?? 0} value={status} state={state} />)}
        {isComplete ? null : <span class="faint" role="status">Loading …</span>}
      </p>
      {failure ? <Failed failure={failure} /> : null}
      {isCut ? <p class="faint">Only the first {rows.length} are listed here. For the rest: <code>keelson ps --type TYPE</code>.</p> : null}
      {isComplete && rows.length === 0 ? <Empty>Nothing runs yet. Hand in a mail: <code>keelson mail import FILE</code>. Or start a machine: see <a href="/machines">Machines</a>.</Empty> : null}
      {isComplete && rows.length > 0 && shown.length === 0 ? <Empty>None of {rows.length} fits. <button type="button" onClick={() => goWith({ type: null, state: null, text: null })}>Show all</button></Empty> : null}
      <Rows rows={shown} height={rowHeight} keyOf={({ address }) => address} label="Agents and runs">{(row) => <Row row={row} />}</Rows>
    </Screen>
  );
}

function Count({ label, n, value, state }: { label: string; n: number; value: string; state: string }) {
  return <button type="button" aria-pressed={state === value} onClick={() => goWith({ state: state === value ? null : value })}><strong>{n}</strong> {label}</button>;
}

function Row({ row: { address, status, value, forYou, waitingFor, since, until } }: { row: ActorRow }) {
  return (
    <div class="actor-row">
      <a class="address" href={at.actor(address)}><Revealed text={address} /></a>
      <span class="state">{status === 'active' && outerState(value) !== '' ? <Badge tone={forYou ? 'waiting' : 'plain'}>{outerState(value)}</Badge> : <StatusBadge status={status} waitsForYou={forYou} />}</span>
      <span class="waits faint">{waitingFor === '' ? null : <Revealed text={`waits for ${waitingFor}`} />}</span>
      <span class="when faint"><Time at={since} />{until ? <span class="until"> · due <Time at={until} /></span> : null}</span>
    </div>
  );
}

function count(rows: readonly ActorRow[]): { forYou: number; status: Map<string, number>; states: Map<string, number> } {
  const found = { forYou: 0, status: new Map<string, number>(), states: new Map<string, number>() };
  for (const { forYou, status, value } of rows) {
    if (forYou) found.forYou++;
    found.status.set(status, (found.status.get(status) ?? 0) + 1);
    const state = outerState(value);
    if (status === 'active' && state !== '') found.states.set(state, (found.states.get(state) ?? 0) + 1);
  }
  return found;
}

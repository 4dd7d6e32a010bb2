// Runs: what was begun, newest first, and how far each is.
import { useRef, useState } from 'preact/hooks';
import type { RunPage, RunRow } from '../../trace-routes.ts';
import { Empty, Failed, Loaded, Screen, StatusBadge } from '../parts/frame.tsx';
import { lengthOf } from '../parts/length.ts';
import { Revealed } from '../parts/text.tsx';
import { now, Time } from '../parts/time.tsx';
import { get, type Failure } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, goWith, search } from '../state/router.ts';

const statuses = [['', 'all'], ['waiting', 'waits for you'], ['active', 'under way'], ['done', 'done'], ['error', 'failed'], ['stopped', 'stopped']] as const;

export function Runs(_: { params: Record<string, string> }) {
  const [machine, status] = [search.value.get('machine') ?? '', search.value.get('status') ?? ''];
  const address = `/api/traces?${new URLSearchParams({ ...(machine ? { machine } : {}), ...(status ? { status } : {}) }).toString()}`;
  const [older, setOlder] = useState<{ of: string; runs: RunRow[]; next: number | null; failure: Failure | null } | null>(null);
  const shownNow = useRef<ReadonlySet<string>>(new Set());
  const live = useLive<RunPage>(() => get(address), [address], ({ rev, actor, records }) => rev === 0 || shownNow.current.has(actor) || records.some(({ kind }) => kind === 'intent'));
  if (live.data) shownNow.current = new Set(live.data.runs.map((run) => run.address));
  const before = older?.of === address ? older : null;
  const next = before ? before.next : live.data?.next ?? null;
  const load = async () => {
    try {
      const page = await get<RunPage>(`${address}&cursor=${next}`);
      setOlder({ of: address, runs: [...(before?.runs ?? []), ...page.runs], next: page.next, failure: null });
    } catch (error) {
      setOlder({ of: address, runs: before?.runs ?? [], next, failure: error as Failure });
    }
  };
  return (
    <Screen title="Runs" cli={`keelson ps${machine ? ` --type ${machine}` : ''} --all`} raw={address}>
      <div class="toolbar">
        <label>State<select value={status} onChange={(event) => goWith({ status: event.currentTarget.value })}>{statuses.map(([value, says]) => <option key={value} value={value}>{says}</option>)}</select></label>
        <label>Machine<input value={machine} placeholder="all" spellcheck={false} onChange={(event) => goWith({ machine: event.currentTarget.value.trim() })} /></label>
      </div>
      <Loaded live={live}>{({ runs }) => {
        const shown = [...runs, ...(before?.runs ?? []).filter((run) => !runs.some((newer) => newer.address === run.address))];
        if (shown.length === 0 && next === null) return <Empty>{machine || status ? <>No run is like this. <a href="/runs">Show all</a></> : <>Nothing has run yet. Hand in a mail with <code>keelson mail import FILE</code>, or start a machine with <code>keelson run NAME</code>.</>}</Empty>;
        return (
          <>
            <div class="scroll" tabIndex={0}>
              <table>
                <caption class="visually-hidden">Runs, newest first</caption>
                <thead><tr><th scope="col">About</th><th scope="col">Machine</th><th scope="col">State</th><th scope="col">Began</th><th scope="col">Took</th></tr></thead>
                <tbody>{shown.map((run) => <RunLine key={run.address} run={run} />)}</tbody>
              </table>
            </div>
            {before?.failure ? <Failed failure={before.failure} /> : null}
            {next === null ? null : <p><button type="button" onClick={() => void load()}>Older ones</button></p>}
          </>
        );
      }}</Loaded>
    </Screen>
  );
}

function RunLine({ run: { address, machine, status, value, title, startedMs, updatedMs, held, waitsForYou } }: { run: RunRow }) {
  return (
    <tr>
      <td><a href={at.run(address)}><Revealed text={title || address} /></a></td>
      <td>{machine.split('@')[0]}</td>
      <td><StatusBadge status={status} waitsForYou={waitsForYou} />{held ? ' held' : ''} <span class="faint"><Revealed text={typeof value === 'string' ? value : Object.keys(value ?? {}).join(' + ')} /></span></td>
      <td><Time at={startedMs} /></td>
      <td>{status === 'active' ? `${lengthOf(Math.max(0, now.value - startedMs))} so far` : lengthOf(updatedMs - startedMs)}</td>
    </tr>
  );
}

// Schedules: what comes when, how it went before, what else is due by itself; and holding one back.
import { useState } from 'preact/hooks';
import type { ScheduleRow } from '../../schedule-list.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Empty, Failed, Loaded, Screen, type Tone } from '../parts/frame.tsx';
import { ActorLink } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { get, newCommandId, post, query, type Failure } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import './govern.css';

interface Due { id: string; actor: string; dueMs: number; kind: string; name: string | null }
interface Decided { id: string; at_ms: number; outcome: string; reasons: string[] }

const tones: Record<string, Tone> = { waiting: 'good', held: 'waiting', stuck: 'bad' };
/** `xstate.after.reminder.operation.awaiting-approval.asked` is the delay `reminder` of the state `awaiting-approval.asked`. */
const wordsOf = (name: string) => name.replace(/^xstate\.after\.([^.]+)\.[^.]+\.(.+)$/, '$1, in $2');
const dueMax = 200;
const historyMax = 5;

export function Schedules(_: { params: Record<string, string> }) {
  const live = useLive(() => get<ScheduleRow[]>('/api/schedules'), [], ({ actor }) => actor.startsWith('schedule/'));
  const due = useLive(() => query<Due[]>('due', { limit: dueMax }), [], () => true);
  return (
    <Screen title="Schedules" cli="keelson schedules" raw="/api/schedules">
      <Loaded live={live}>
        {(all) => (all.length === 0 ? <Empty>Nothing comes by the calendar. Put a file into <code>schedules/</code> of the company folder and start the server again.</Empty> : all.map((row) => <Schedule key={row.name} row={row} onChange={live.reload} />))}
      </Loaded>
      <h2>Due by itself</h2>
      <p class="faint">Reminders, lapses and second tries that agents wait for, soonest first. The same as <code>keelson due</code>.</p>
      <Loaded live={due}>
        {(rows) => (rows.length === 0 ? <Empty>Nothing is due. Deadlines appear here as agents begin to wait.</Empty> : (
          <>
            <div class="scroll roomy" tabIndex={0} role="region" aria-label="Due by itself">
              <table>
                <thead><tr><th scope="col">When</th><th scope="col">Agent</th><th scope="col">What</th></tr></thead>
                <tbody>{rows.map(({ id, actor, dueMs, kind, name }) => <tr key={id}><td><Time at={dueMs} /></td><td><ActorLink address={actor} /></td><td>{kind === 'job' ? 'once more: ' : ''}<Revealed text={wordsOf(name ?? kind)} /></td></tr>)}</tbody>
              </table>
            </div>
            {rows.length === dueMax ? <p class="faint">The first {dueMax}.</p> : null}
          </>
        ))}
      </Loaded>
    </Screen>
  );
}

function Schedule({ row: { name, cron, timeZone, next, last, missed, state, target, problem }, onChange }: { row: ScheduleRow; onChange(): void }) {
  const address = `schedule/${name}`;
  const [isPausing, setPausing] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const history = useLive(() => query<Decided[]>('decisions', { actor: address, limit: historyMax }), [name], ({ actor }) => actor === address);
  const order = (what: object) => post(`/api/actors/${encodeURIComponent(address)}/order`, { order: what, commandId: newCommandId() }).then(onChange);
  return (
    <section class="card panel" aria-label={name}>
      <div class="head-line">
        <h2><a href={at.actor(address)}>{name}</a></h2>
        <Badge tone={tones[state] ?? 'busy'}>{state}</Badge>
        {state === 'held' ? <button type="button" onClick={() => void order({ do: 'resume' }).catch(setFailure)}>Resume {name}</button> : <button type="button" onClick={() => setPausing(true)}>Pause {name}</button>}
      </div>
      {failure ? <Failed failure={failure} /> : null}
      {problem === '' ? null : <p><Revealed text={problem} /></p>}
      <dl class="pairs">
        <dt>Times</dt><dd><code>{cron}</code>, {timeZone}</dd>
        <dt>Next</dt><dd>{next === null ? 'not while it stands still' : <Time at={next} />}</dd>
        <dt>Last</dt><dd>{last === null ? 'not yet' : <Time at={last} />}</dd>
        <dt>Starts</dt><dd>{target.includes('@') ? <a href={at.machine(target)}><Revealed text={target} /></a> : <Revealed text={target} />}</dd>
        <dt>Missed times</dt><dd>{missed}</dd>
      </dl>
      {history.data && history.data.length > 0 ? (
        <>
          <h3>Lately</h3>
          <ul>{history.data.map(({ id, at_ms: atMs, outcome, reasons }) => <li key={id}><Time at={atMs} />: {outcome} <Revealed text={reasons.join('; ')} /> <a href={at.why('decision', id)} aria-label={`Why: ${name} ${outcome}`}>why</a></li>)}</ul>
        </>
      ) : null}
      {isPausing ? <Pause name={name} onPause={(reason) => order({ do: 'pause', reason })} onClose={() => setPausing(false)} /> : null}
    </section>
  );
}

function Pause({ name, onPause, onClose }: { name: string; onPause(reason: string): Promise<unknown>; onClose(): void }) {
  const [reason, setReason] = useState('');
  return (
    <Dialog title={`Pause ${name}?`} act="Pause" onDone={() => onPause(reason)} onClose={onClose}>
      <p>It starts nothing until you let it go on, also after a restart. Times that pass meanwhile are missed times.</p>
      <label>Reason<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

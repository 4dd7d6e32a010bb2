// Connectors: every way out, what it lacks, what it can do, how its last calls went, and the switch between sandbox and live.
import { useState } from 'preact/hooks';
import type { ConnectorView } from '../../desk-connectors.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Loaded, Screen, type Tone } from '../parts/frame.tsx';
import { ActorLink } from '../parts/link.tsx';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { get, newCommandId, post } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import './govern.css';

export function Connectors(_: { params: Record<string, string> }) {
  const live = useLive(() => get<ConnectorView[]>('/api/connectors'), [], ({ actor, records }) => records.some(({ kind, predicate }) => predicate === 'connector.mode' || (kind === 'decision' && actor.startsWith('operation/'))));
  const [asked, setAsked] = useState<ConnectorView | null>(null);
  return (
    <Screen title="Connectors" cli="keelson connectors list" raw="/api/connectors">
      <p class="faint">In the sandbox every operation of a connector is made as a dry run: it is checked, asked about and approved as always, and nothing leaves.</p>
      <Loaded live={live}>
        {(all) => {
          const [ready, others] = [all.filter(({ isSetUp }) => isSetUp), all.filter(({ isSetUp }) => !isSetUp)];
          return (
            <>
              {ready.map((connector) => <Way key={connector.name} connector={connector} onSwitch={() => setAsked(connector)} />)}
              <h2>Not set up</h2>
              <ul class="plain-list">{others.map(({ name, note, secrets }) => (
                <li key={name}><strong>{name}</strong>: {note}{secrets.length > 0 ? <> Needs <Secrets secrets={secrets} /></> : null}</li>
              ))}</ul>
            </>
          );
        }}
      </Loaded>
      {asked ? <Switch key={asked.name} connector={asked} onDone={live.reload} onClose={() => setAsked(null)} /> : null}
    </Screen>
  );
}

const Secrets = ({ secrets }: { secrets: ConnectorView['secrets'] }) => <>{secrets.map(({ name, isSet }, i) => <span key={name}>{i > 0 ? ', ' : ''}<code>{name}</code> ({isSet ? 'set' : 'not set'})</span>)}</>;

const risks: Record<string, Tone> = { low: 'plain', medium: 'waiting', high: 'bad' };
const settled: Record<string, string> = { native: 'by a key', lookup: 'by looking', none: 'only by you' };
const circuits = { closed: 'answers', resting: 'rests after failures', trying: 'is tried again' } as const;

function Way({ connector: { name, mode, reason, sinceMs, settings, secrets, note, version, hosts, perMinute, actions, lastDone, lastFailed, ended, circuit }, onSwitch }: { connector: ConnectorView; onSwitch(): void }) {
  return (
    <section class="card panel" aria-label={name}>
      <div class="head-line">
        <h2><Revealed text={name} /></h2>
        {mode === 'live' ? <Badge tone="good">live</Badge> : <Badge tone="waiting">sandbox</Badge>}
        {circuit === null || circuit === 'closed' ? null : <Badge tone="bad">{circuits[circuit]}</Badge>}
        <button type="button" onClick={onSwitch}>{mode === 'live' ? `Put ${name} into the sandbox` : `Let ${name} go live`}</button>
      </div>
      {mode === 'sandbox' ? <p>Since <Time at={sinceMs ?? 0} />{reason === '' ? '' : <>: <Revealed text={reason} /></>}</p> : null}
      {note === '' ? null : <p><Revealed text={note} /></p>}
      <dl class="pairs">
        <dt>Set up by</dt><dd>{settings === null ? 'the environment' : <code>{settings}</code>}, version {version}</dd>
        {secrets.length > 0 ? <><dt>Secrets</dt><dd><Secrets secrets={secrets} /></dd></> : null}
        <dt>Reaches</dt><dd>{hosts.length === 0 ? 'no host of its own' : hosts.map((host, i) => <span key={host}>{i > 0 ? ', ' : ''}{host === '*' ? 'what is approved each time' : <Revealed text={host} />}</span>)}{perMinute === null ? '' : `, at most ${perMinute} calls a minute`}</dd>
        <dt>Provider</dt><dd>{circuit === null ? 'was not called since the server started' : circuits[circuit]}</dd>
        <dt>Last done</dt><dd>{lastDone ? <><Time at={lastDone.atMs} />: <ActorLink address={lastDone.actor} /></> : 'nothing lately'}</dd>
        <dt>Last failure</dt><dd>{lastFailed ? <><Time at={lastFailed.atMs} />: <ActorLink address={lastFailed.actor} /> <Revealed text={lastFailed.reason ?? ''} /></> : 'none lately'}</dd>
        {Object.keys(ended).length > 0 ? <><dt>Ended lately</dt><dd>{Object.entries(ended).map(([outcome, times]) => `${times} ${outcome}`).join(', ')}</dd></> : null}
      </dl>
      <details>
        <summary>{actions.length} {actions.length === 1 ? 'action' : 'actions'} of {name}</summary>
        <div class="scroll roomy" tabIndex={0} role="region" aria-label={`Actions of ${name}`}>
          <table>
            <thead><tr><th scope="col">Action</th><th scope="col">What it does</th><th scope="col">Risk</th><th scope="col">Undo</th><th scope="col">Money</th><th scope="col">A lost call is settled</th></tr></thead>
            <tbody>{actions.map((action) => (
              <tr key={action.name}>
                <td><code>{action.name}</code></td><td><Revealed text={action.title} /></td><td><Badge tone={risks[action.risk] ?? 'plain'}>{action.effect === 'read' ? `reads, ${action.risk}` : action.risk}</Badge></td>
                <td>{action.reversible ? 'possible' : 'not possible'}</td><td>{action.money ? 'yes' : 'no'}</td><td>{action.effect === 'read' ? 'by asking again' : settled[action.idempotency]}</td>
              </tr>
            ))}</tbody>
          </table>
        </div>
      </details>
    </section>
  );
}

function Switch({ connector: { name, mode }, onDone, onClose }: { connector: ConnectorView; onDone(): void; onClose(): void }) {
  const [reason, setReason] = useState('');
  const [confirm, setConfirm] = useState('');
  const [commandId] = useState(newCommandId);
  const goesLive = mode === 'sandbox';
  const send = async () => {
    await post(`/api/connectors/${encodeURIComponent(name)}/mode`, { mode: goesLive ? 'live' : 'sandbox', reason, commandId, ...(goesLive ? { confirm: confirm.trim() } : {}) });
    onDone();
  };
  return (
    <Dialog title={goesLive ? `Let ${name} go live?` : `Put ${name} into the sandbox?`} act={goesLive ? 'Go live' : 'Put it into the sandbox'} isDangerous={goesLive} isReady={!goesLive || confirm.trim() === name} onDone={send} onClose={onClose}>
      <p>{goesLive ? `What is approved from now on reaches the world. What was meant in earnest and waits leaves now. What was proposed in the sandbox stays dry.` : `From the next call on nothing of ${name} leaves, in every process, until you let it go live. What is proposed meanwhile is a dry run for good; what was approved in earnest waits.`}</p>
      <label>Reason<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
      {goesLive ? <label>Type {name} to confirm<input value={confirm} autocomplete="off" onInput={(event) => setConfirm(event.currentTarget.value)} /></label> : null}
    </Dialog>
  );
}

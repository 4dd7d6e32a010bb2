// Policies: what is in force and how often each rule spoke, the money caps, and a draft that is tested against the past before it is
// published.
import { useState } from 'preact/hooks';
import type { PolicyView } from '../../policy-view.ts';
import { money } from '../parts/length.ts';
import { Badge, Empty, Loaded, Screen, type Tone } from '../parts/frame.tsx';
import { Lines } from '../parts/lines.tsx';
import { Revealed } from '../parts/text.tsx';
import { span, Time } from '../parts/time.tsx';
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { Draft, type Files } from './policies-draft.tsx';
import './govern.css';

const tones: Record<string, Tone> = { permit: 'good', forbid: 'bad' };
export const toFiles = (files: PolicyView['files']): Files => Object.fromEntries(files.map(({ id, text }) => [id, text]));

export function Policies(_: { params: Record<string, string> }) {
  const live = useLive(() => get<PolicyView>('/api/policies'), [], ({ records }) => records.some(({ kind, id }) => (kind === 'artifact' && id.startsWith('policy/')) || (kind === 'intent' && id.startsWith('pay-'))));
  const [start, setStart] = useState<Files | null>(null);
  return (
    <Screen title="Policies" cli="keelson policy list" raw="/api/policies">
      <Loaded live={live}>
        {(view) => (
          <>
            {view.problem === null ? <p>In force: version <code>{view.version}</code>. <a href="/store/artifact/policy%2Fset">Its text and earlier versions</a></p> : <p class="failure" role="alert"><strong>Everything is denied.</strong> <Revealed text={view.problem} /></p>}
            {start ? (
              <Draft key={JSON.stringify(start)} inForce={toFiles(view.files)} start={start} onPublished={live.reload} onClose={() => setStart(null)} />
            ) : (
              <p class="toolbar">
                <button type="button" class="primary" onClick={() => setStart(toFiles(view.files))}>Write a draft</button>
                {view.folder ? <button type="button" onClick={() => setStart(toFiles(view.folder!.files))}>Take policies/ as the draft</button> : null}
              </p>
            )}
            {view.folder ? <p class="faint">The folder <code>policies/</code> is not what is in force: <Revealed text={view.folder.differs} />. <code>keelson policy publish</code> would put the folder in force.</p> : null}
            {view.warnings.length > 0 ? <details><summary>{view.warnings.length} oddities that are no mistakes</summary><ul>{view.warnings.map((warning) => <li key={warning}><Revealed text={warning} /></li>)}</ul></details> : null}
            <h2>Rules</h2>
            <p class="faint">A forbid beats every permit, and what no rule permits is denied. Counted among the newest {view.counted.toLocaleString()} decisions of policy; the first rule that spoke counts.</p>
            {view.rules.length === 0 ? <Empty>No rule is in force, so everything is denied. Write a draft and publish it.</Empty> : <ul class="plain-list" aria-label="Rules">{view.rules.map((rule) => <Rule key={rule.id} rule={rule} />)}</ul>}
            <h2>Money caps</h2>
            <Caps caps={view.caps} />
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Rule({ rule: { id, file, effect, why, expiresAfterMs, text, fired, lastMs } }: { rule: PolicyView['rules'][number] }) {
  return (
    <li>
      <div class="head-line">
        <Badge tone={tones[effect] ?? 'plain'}>{effect}</Badge>
        <strong><Revealed text={id} /></strong>
        <span class="faint">{file}.cedar</span>
        {fired > 0 ? <a href={`/audit?rule=${encodeURIComponent(id)}`}>spoke {fired.toLocaleString()} {fired === 1 ? 'time' : 'times'}</a> : <span class="faint">has not spoken</span>}
        {lastMs === null ? null : <span class="faint">last <Time at={lastMs} /></span>}
        {expiresAfterMs === null ? null : <span class="faint">a yes holds {span(expiresAfterMs)}</span>}
      </div>
      <p><Revealed text={why} /></p>
      <details><summary>Text of {id}</summary><Lines text={text} label={`Text of ${id}`} /></details>
    </li>
  );
}


function Caps({ caps }: { caps: PolicyView['caps'] }) {
  if (caps.length === 0) return <Empty>No cap is set, so no money may move. Set <code>caps</code> in company.json and start the server again.</Empty>;
  return (
    <>
      <div class="cards">
        {caps.map(({ currency, perDayMinor, perPayeePerDayMinor, usedMinor, payees }) => (
          <section key={currency} class="card panel" aria-label={`Cap for ${currency}`}>
            <h3>{currency}</h3>
            <p>{money(usedMinor, currency)} of {money(perDayMinor, currency)} in the last 24 hours</p>
            <progress class="used" aria-label={`Used of the cap for ${currency}`} max={Math.max(perDayMinor, 1)} value={usedMinor} />
            <p class="faint">At most {money(perPayeePerDayMinor, currency)} to one payee.</p>
            {payees.length > 0 ? <ul>{payees.map(({ payee, usedMinor: used }) => <li key={payee}><Revealed text={payee} />: {money(used, currency)}</li>)}</ul> : null}
          </section>
        ))}
      </div>
      <p class="faint">Set in company.json as <code>caps</code>; the server reads them at its start.</p>
    </>
  );
}

// Settings: what the company is, what its folder weighs, its copies, pausing it, signing others in, and erasing a person.
import { useState } from 'preact/hooks';
import type { CompanyView } from '../../govern-routes.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Badge, Copyable, Empty, Failed, Loaded, Screen } from '../parts/frame.tsx';
import { Moment, Pairs, size } from '../parts/facts.tsx';
import { Task } from '../parts/task.tsx';
import { Revealed } from '../parts/text.tsx';
import { get, post, signOut, type Failure } from '../state/api.ts';
import { useLive, type Live } from '../state/live.ts';
import { Erase } from './settings-erase.tsx';
import './govern.css';

export function Settings(_: { params: Record<string, string> }) {
  const live = useLive(() => get<CompanyView>('/api/settings'), [], ({ records }) => records.some(({ kind }) => kind === 'decision'));
  return (
    <Screen title="Settings" cli="keelson doctor" raw="/api/settings">
      <Loaded live={live}>
        {(view) => (
          <>
            <div class="cards"><Work paused={view.paused} live={live} /><SignIn /></div>
            <Company view={view} />
            <Folder view={view} onChange={live.reload} />
            <Erase erasing={view.erasing} onErased={live.reload} />
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Work({ paused, live }: { paused: string | null; live: Live<CompanyView> }) {
  const [isAsked, setAsked] = useState(false);
  const [reason, setReason] = useState('');
  const isPaused = paused !== null;
  const send = async () => {
    await post(isPaused ? '/api/resume' : '/api/pause', isPaused ? {} : { reason });
    live.reload();
  };
  return (
    <section class="card panel" aria-label="Work">
      <div class="head-line"><h2>Work</h2>{isPaused ? <Badge tone="waiting">paused</Badge> : <Badge tone="good">runs</Badge>}</div>
      <p>{isPaused ? <>Nothing is done{paused === '' ? '' : <>: <Revealed text={paused} /></>}. What comes waits.</> : 'Agents work. To stop only what leaves, use “Stop effects” above.'}</p>
      <p><button type="button" onClick={() => setAsked(true)}>{isPaused ? 'Let the company go on' : 'Pause the company'}</button></p>
      {isAsked ? (
        <Dialog title={isPaused ? 'Let the company go on?' : 'Pause the company?'} act={isPaused ? 'Go on' : 'Pause'} onDone={send} onClose={() => setAsked(false)}>
          <p>{isPaused ? 'What waited is done now, in order.' : 'No agent works, no job runs, no deadline passes, also after a restart. Reading, erasing and backups go on.'}</p>
          {isPaused ? null : <label>Reason<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>}
        </Dialog>
      ) : null}
    </section>
  );
}

function SignIn() {
  const [url, setUrl] = useState<string | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  return (
    <section class="card panel" aria-label="Signing in">
      <h2>Signing in</h2>
      <p>A link signs one browser in, once, within ten minutes. Whoever has it is you.</p>
      <p class="toolbar"><button type="button" onClick={() => void post<{ url: string }>('/api/session/link').then((made) => setUrl(made.url), setFailure)}>Make a link</button><button type="button" onClick={() => void signOut()}>Sign out here</button></p>
      <div role="status">{url === null ? null : <Copyable text={url} />}</div>
      {failure ? <Failed failure={failure} /> : null}
    </section>
  );
}

const percent = (share: number) => `${Math.round(share * 100)} %`;

function Company({ view: { company, version, node, dryRun, model } }: { view: CompanyView }) {
  return (
    <section aria-label="The company">
      <h2>The company</h2>
      <p class="faint">Set in company.json of the company folder; the server reads it at its start.</p>
      <Pairs pairs={[
        ['Name', <Revealed text={company.name} />], ['Operator', <Revealed text={company.operator} />], ['Mail', <Revealed text={company.email} />], ['Domain', <Revealed text={company.domain} />],
        ['You are asked', `when triage is less than ${percent(company.thresholds.triage)} sure, a draft less than ${percent(company.thresholds.draft)}`],
        ['Approvals', `reminded after ${company.approvals.reminderAfterHours} h, lapsed after ${company.approvals.expiresAfterHours} h: then nothing is done`],
        ['Money caps', <a href="/policies">with the policies</a>],
        ['Address', company.publicUrl ?? 'this computer only'],
        ['Kept', `steps of finished work ${company.retentionDays} days; facts, documents and decisions until they are erased`],
        ['Head of the chain', <code>{company.auditHeads}</code>],
        ['Model', model ?? 'none; templates write the drafts'],
        ['Version', `Keelson ${version}, Node ${node}${dryRun ? ', dry run' : ''}`],
      ]} />
    </section>
  );
}

function Folder({ view: { dataDir, sizes, copies }, onChange }: { view: CompanyView; onChange(): void }) {
  const total = sizes.reduce((sum, { bytes }) => sum + bytes, 0);
  const backup = async () => {
    const made = await post<{ backup: string; bytes: number }>('/api/backup');
    onChange();
    return made;
  };
  return (
    <>
      <h2>The folder</h2>
      <p><code>{dataDir}</code> holds {size(total)}.</p>
      <details>
        <summary>What takes the room</summary>
        <Pairs pairs={sizes.slice(0, 12).map(({ name, bytes }) => [name, size(bytes)] as const)} />
      </details>
      <Task title="Backup" act="Make a backup" running="Copying and checking" work={backup} says={<>The database as one checked file in <code>backups/</code>. Copy it to another disk; company.json, templates/, policies/ and connectors/ are files of yours. The same as <code>keelson backup FILE</code>.</>}>
        {({ backup: file, bytes }) => <p><Badge tone="good">checked</Badge> {size(bytes)}: <code>{file}</code></p>}
      </Task>
      <h3>Copies of the database</h3>
      {copies.length === 0 ? <Empty>No copy was made yet. Make a backup.</Empty> : (
        <ul class="plain-list">{copies.map(({ kind, path, at: made, isThere, bytes }) => <li key={path}>{kind}, <Moment ms={Date.parse(made)} />{bytes === null ? '' : `, ${size(bytes)}`}: <code>{path}</code>{isThere ? '' : ' (not there any more)'}</li>)}</ul>
      )}
      <p class="faint"><a href="/audit">Audit</a> makes an export in an open format.</p>
    </>
  );
}


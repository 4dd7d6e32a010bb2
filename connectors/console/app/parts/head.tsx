// On every screen: the menu, whether changes arrive, what stands still, and the kill switch.
import { useState } from 'preact/hooks';
import { newCommandId, post, query, signOut } from '../state/api.ts';
import { activeKeys, useKeys } from '../state/keys.ts';
import { useLive } from '../state/live.ts';
import { go, path } from '../state/router.ts';
import { connection } from '../state/stream.ts';
import { screens } from '../screens.tsx';
import { Dialog } from './dialog.tsx';
import { Badge } from './frame.tsx';

interface Effects { state: string; reason: string | null; dryRun: boolean }
interface Status { waiting: number; effects: string }

export function Head() {
  const [asked, setAsked] = useState<'stop' | 'resume' | 'keys' | null>(null);
  const [isOpen, setOpen] = useState(false);
  const status = useLive(() => query<Status>('status'), [], ({ records }) => records.some(({ kind }) => kind === 'intent'));
  const effects = useLive(() => query<Effects>('effects'), [], ({ records }) => records.some(({ predicate }) => predicate === 'company.effects'));
  const menu = screens.filter(({ menu: entry }) => entry !== undefined);
  useKeys([...menu.map(({ path: to, menu: entry }) => ({ keys: `g ${entry!.key}`, does: entry!.title, run: () => go(to) })), { keys: '?', does: 'these keys', run: () => setAsked('keys') }], []);
  const isStopped = effects.data?.state === 'stopped';
  const waiting = status.data?.waiting ?? 0;
  return (
    <header>
      <a class="brand" href="/">Keelson</a>
      <button type="button" class="menu-button quiet" aria-expanded={isOpen} aria-controls="menu" onClick={() => setOpen(!isOpen)}>Menu</button>
      <nav id="menu" class={isOpen ? 'open' : ''} aria-label="Screens" onClick={() => setOpen(false)}>
        {menu.map(({ path: to, menu: entry }) => (
          <a key={to} href={to} aria-current={(to === '/' ? path.value === '/' : path.value === to || path.value.startsWith(`${to}/`)) ? 'page' : undefined}>
            {entry!.title}{to === '/inbox' && waiting > 0 ? <span class="count" aria-label={`${waiting} wait for you`}>{waiting}</span> : null}
          </a>
        ))}
        <button type="button" class="quiet" onClick={() => void signOut()}>Sign out</button>
      </nav>
      <span class="toolbar">
        <span role="status">{connection.value === 'lost' ? <Badge tone="bad">no connection; it is tried again</Badge> : null}</span>
        {effects.data?.dryRun ? <Badge tone="waiting">dry run: nothing leaves</Badge> : null}
        {isStopped ? <Badge tone="bad">nothing leaves</Badge> : null}
        <button type="button" class={isStopped ? '' : 'danger'} onClick={() => setAsked(isStopped ? 'resume' : 'stop')}>{isStopped ? 'Let effects go on' : 'Stop effects'}</button>
      </span>
      {asked === 'keys' ? <Keys onClose={() => setAsked(null)} /> : asked ? <Switch what={asked} onClose={() => setAsked(null)} onDone={effects.reload} /> : null}
    </header>
  );
}

function Switch({ what, onClose, onDone }: { what: 'stop' | 'resume'; onClose(): void; onDone(): void }) {
  const [reason, setReason] = useState('');
  const [commandId] = useState(newCommandId);
  const send = async () => {
    await post(`/api/effects/${what}`, { reason, commandId });
    onDone();
  };
  return (
    <Dialog title={what === 'stop' ? 'Stop everything that leaves?' : 'Let effects go on?'} act={what === 'stop' ? 'Stop effects' : 'Let them go on'} isDangerous={what === 'stop'} onDone={send} onClose={onClose}>
      <p>{what === 'stop' ? 'No mail, payment, post or call leaves until you lift it, also after a restart. Agents go on thinking.' : 'What waits and is approved leaves now.'}</p>
      <label>Reason<input value={reason} onInput={(event) => setReason(event.currentTarget.value)} /></label>
    </Dialog>
  );
}

function Keys({ onClose }: { onClose(): void }) {
  return (
    <Dialog title="Keys" act="Close" onDone={() => Promise.resolve()} onClose={onClose}>
      <dl class="keys">{activeKeys.value.map(({ keys, does }) => <div key={keys}><dt><kbd>{keys}</kbd></dt><dd>{does}</dd></div>)}</dl>
    </Dialog>
  );
}

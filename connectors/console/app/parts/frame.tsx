// What every screen is made of: its title with the same thing as a command line and as raw JSON, states, failures, empty places.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Failure } from '../state/api.ts';
import type { Live } from '../state/live.ts';
import { Revealed } from './text.tsx';

/** `cli`: the command that shows the same. `raw`: where the same is as JSON. */
export function Screen({ title, cli, raw, actions, children }: { title: string; cli?: string | undefined; raw?: string | undefined; actions?: ComponentChildren; children: ComponentChildren }) {
  useEffect(() => {
    document.title = `${title} · Keelson`;
    document.querySelector<HTMLElement>('main h1')?.focus();
  }, [title]);
  return (
    <>
      <div class="screen-head">
        <h1 tabIndex={-1}><Revealed text={title} /></h1>
        <div class="toolbar">{actions}</div>
      </div>
      {cli || raw ? <p class="same-as">{cli ? <Copyable text={cli} /> : null}{raw ? <a href={raw} target="_blank" rel="noreferrer">JSON</a> : null}</p> : null}
      {children}
    </>
  );
}

const copiedMs = 1_500;

export function Copyable({ text }: { text: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard.writeText(text).then(() => {
      setCopied(true);
      setTimeout(() => setCopied(false), copiedMs);
    });
  };
  return <span class="copyable"><code>{text}</code><button type="button" class="quiet" onClick={copy} aria-label={`Copy: ${text}`}>{isCopied ? 'copied' : 'copy'}</button></span>;
}

/** Shows `children` when there is data; else what is going on. */
export function Loaded<T>({ live: { data, failure }, children }: { live: Live<T>; children: (data: T) => ComponentChildren }) {
  return (
    <>
      {failure ? <Failed failure={failure} /> : null}
      {data === undefined ? (failure ? null : <p class="faint">Loading …</p>) : children(data)}
    </>
  );
}

export function Failed({ failure: { message, hint } }: { failure: Pick<Failure, 'message' | 'hint'> }) {
  return <p class="failure" role="alert"><strong><Revealed text={sentence(message)} /></strong> <Revealed text={hint} /></p>;
}

const sentence = (text: string) => (text === '' ? text : text[0]!.toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.'));

/** What to do when there is nothing to see. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export type Tone = 'good' | 'busy' | 'waiting' | 'bad' | 'plain';
const signs: Record<Tone, string> = { good: '✓', busy: '●', waiting: '◔', bad: '✕', plain: '·' };

/** A state: sign, word and colour, so that none of them is needed alone. */
export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge ${tone}`}><span aria-hidden="true">{signs[tone]}</span> {children}</span>;
}

/** How an actor stands, by its status and what it waits for. */
export function StatusBadge({ status, waitsForYou = false }: { status: string; waitsForYou?: boolean }) {
  const tone: Tone = status === 'done' ? 'good' : status === 'error' ? 'bad' : status === 'active' ? (waitsForYou ? 'waiting' : 'busy') : 'plain';
  return <Badge tone={tone}>{waitsForYou && status === 'active' ? 'waits for you' : status}</Badge>;
}

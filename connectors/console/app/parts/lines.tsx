// A text with its lines numbered, so that a fact can name the line it was read from.
import { useEffect, useRef } from 'preact/hooks';
import { Revealed } from './text.tsx';

/** More would make the page slow; then the text is shown as one piece. */
const linesMax = 3_000;

/** `line` is shown and marked. */
export function Lines({ text, line = null, label }: { text: string; line?: number | null; label: string }) {
  const ref = useRef<HTMLLIElement>(null);
  useEffect(() => ref.current?.scrollIntoView({ block: 'nearest' }), [line, text]);
  const lines = text.replace(/\r?\n$/, '').split(/\r?\n/);
  if (lines.length > linesMax) return <Revealed block text={text} />;
  return <ol class="lines" tabIndex={0} aria-label={label}>{lines.map((words, i) => <li key={i} ref={i + 1 === line ? ref : undefined} aria-current={i + 1 === line ? 'location' : undefined}><Revealed text={words} /></li>)}</ol>;
}

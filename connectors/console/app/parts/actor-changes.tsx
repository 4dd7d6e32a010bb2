// What changed in the data of an actor, place by place.
import { changedMax, type Changed } from '#machines/json-diff.ts';
import { Revealed } from './text.tsx';

const charsMax = 600;

export function Changes({ changes }: { changes: readonly Changed[] }) {
  if (changes.length === 0) return <p class="faint">Its data stayed as it was.</p>;
  return (
    <>
      <ul class="changes">
        {changes.map(({ path, ...change }) => (
          <li key={path}>
            <code><Revealed text={path === '' ? 'everything' : path} /></code>
            {'before' in change ? <del aria-label="before"><Revealed text={short(change.before)} /></del> : null}
            {'after' in change ? <ins aria-label="after"><Revealed text={short(change.after)} /></ins> : <span class="faint">gone</span>}
          </li>
        ))}
      </ul>
      {changes.length >= changedMax ? <p class="faint">Only the first {changedMax} are listed.</p> : null}
    </>
  );
}

function short(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > charsMax ? `${text.slice(0, charsMax)}… (${text.length} characters)` : text;
}

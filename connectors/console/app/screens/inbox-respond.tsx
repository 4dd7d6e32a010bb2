// An answer in words, where an item takes one: free text, or one of a few.
import type { Ref } from 'preact';
import { useState } from 'preact/hooks';
import { Revealed } from '../parts/text.tsx';

export function Respond({ meaning, choices, suggestion, field, onSend }: { meaning: string; choices: readonly string[]; suggestion: string; field: Ref<HTMLTextAreaElement>; onSend(text: string): void }) {
  const [text, setText] = useState(suggestion);
  const submit = (event: Event) => {
    event.preventDefault();
    if (text.trim() !== '') onSend(text);
  };
  if (choices.length > 0) {
    return (
      <section aria-label="Answer">
        <h3>Or it is</h3>
        <p class="toolbar">{choices.map((choice) => <button type="button" key={choice} onClick={() => onSend(choice)}>{choice}</button>)}</p>
      </section>
    );
  }
  return (
    <section aria-label="Answer">
      <h3>Answer in words</h3>
      <form onSubmit={submit}>
        <label><Revealed text={meaning === '' ? 'Your answer' : `Your answer: ${meaning}`} /><textarea ref={field} rows={Math.min(14, Math.max(3, suggestion.split('\n').length + 1))} value={text} onInput={(event) => setText(event.currentTarget.value)} /></label>
        <button type="submit" disabled={text.trim() === ''}>Send this answer</button>
      </form>
    </section>
  );
}

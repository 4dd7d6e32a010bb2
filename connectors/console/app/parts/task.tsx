// Work that takes a while: what it does, the button that begins it, that it runs, and what came of it.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { Failure } from '../state/api.ts';
import { Failed } from './frame.tsx';

/** `says`: what will happen. `children` shows the answer. */
export function Task<T>({ title, act, running, says, work, children }: { title: string; act: string; running: string; says: ComponentChildren; work(): Promise<T>; children: (answer: T) => ComponentChildren }) {
  const [state, setState] = useState<{ isRunning: boolean; answer?: T; failure?: Failure }>({ isRunning: false });
  const begin = () => {
    setState({ isRunning: true });
    work().then((answer) => setState({ isRunning: false, answer }), (failure: Failure) => setState({ isRunning: false, failure }));
  };
  return (
    <section class="card panel" aria-label={title}>
      <div class="head-line"><h2>{title}</h2><button type="button" disabled={state.isRunning} onClick={begin}>{act}</button></div>
      <p class="faint">{says}</p>
      <div role="status">{state.isRunning ? <p><progress aria-label={running} /> {running} …</p> : state.answer === undefined ? null : children(state.answer)}</div>
      {state.failure ? <Failed failure={state.failure} /> : null}
    </section>
  );
}

// What a dry run would have done and did not.
import type { Would } from '../../trace-rows.ts';
import { Revealed } from './text.tsx';

export function WouldHave({ would }: { would: Would }) {
  const lines = [
    ...would.sends.map(({ to, body }) => (to.startsWith('job/') ? `run the job ${to.slice(4)}` : body?.kind === 'start' ? `start ${to}` : `tell ${to}`)),
    ...would.decisions.map(({ what, outcome }) => `decide ${what}: ${outcome}`),
    ...would.intents.map(({ kind, state, summary, id }) => (state === 'input-required' ? `ask you (${kind}): ${summary}` : `make ${kind} ${id} ${state}`)),
    ...would.facts.map(({ entity, predicate }) => `record ${predicate} of ${entity}`),
    ...would.artifacts.map(({ id, kind }) => `write the ${kind} ${id}`),
  ];
  return <div class="would"><p>It would have done this, and did not:</p><ul>{lines.map((line, i) => <li key={`${i}`}><Revealed text={line} /></li>)}</ul></div>;
}

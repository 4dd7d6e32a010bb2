// How long you look before you decide: whoever always says yes within two seconds has not read.
import { get } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { Badge } from '../parts/frame.tsx';
import { span } from '../parts/time.tsx';
import type { Pace as Measured } from '../../desk-inbox.ts';

const fewest = 4;

export function Pace() {
  const { data } = useLive(() => get<Measured>('/api/inbox/pace'), [], ({ actor, records }) => actor === 'operator/desk' && records.some(({ kind }) => kind === 'decision'));
  if (!data || data.medianMs === null) return null;
  const share = `${Math.round((data.fastShare ?? 0) * 100)} %`;
  return (
    <p class="inbox-pace" title="Measured by this page over the last 100 decisions: from when a card is shown until it is decided.">
      You look <strong>{span(data.medianMs)}</strong> (median); under 2 s: <strong>{share}</strong> of {data.decisions}
      {data.alarm && data.decisions >= fewest ? <> <Badge tone="bad">more than a quarter were decided faster than they can be read</Badge></> : null}
    </p>
  );
}

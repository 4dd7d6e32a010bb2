// What a model is about to answer here, while it comes. It is a stranger's text like any other.
import { useEffect, useState } from 'preact/hooks';
import { onEvent } from '../state/stream.ts';
import { Revealed } from './text.tsx';

interface Growing { actor: string; run: string; task: string; tier: string; text: string; ended: boolean }

/** Of an actor, or of all of a run. */
export function Answering({ address }: { address: string }) {
  const [growing, setGrowing] = useState<Growing | null>(null);
  useEffect(() => {
    setGrowing(null);
    return onEvent<Growing>('answer', (said) => {
      if (said.actor === address || said.run === address) setGrowing(said.ended ? null : said);
    });
  }, [address]);
  return growing === null ? null : <p class="faint" data-answering><strong>{growing.tier}</strong> is answering {growing.task}: <Revealed text={growing.text} /></p>;
}

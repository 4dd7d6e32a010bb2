// How much is at stake, in a word.
import { Badge } from '../parts/frame.tsx';

export function Risk({ risk }: { risk: string }) {
  return <Badge tone={risk === 'high' ? 'bad' : risk === 'medium' ? 'waiting' : 'plain'}>{risk} risk</Badge>;
}

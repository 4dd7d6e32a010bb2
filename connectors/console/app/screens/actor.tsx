// Actor.
import { Screen } from '../parts/frame.tsx';

export function Actor(_: { params: Record<string, string> }) {
  return <Screen title="Actor">{null}</Screen>;
}

// Actors.
import { Screen } from '../parts/frame.tsx';

export function Actors(_: { params: Record<string, string> }) {
  return <Screen title="Actors">{null}</Screen>;
}

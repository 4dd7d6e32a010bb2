// Runs.
import { Screen } from '../parts/frame.tsx';

export function Runs(_: { params: Record<string, string> }) {
  return <Screen title="Runs">{null}</Screen>;
}

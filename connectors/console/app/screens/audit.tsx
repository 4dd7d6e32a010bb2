// Audit.
import { Screen } from '../parts/frame.tsx';

export function Audit(_: { params: Record<string, string> }) {
  return <Screen title="Audit">{null}</Screen>;
}

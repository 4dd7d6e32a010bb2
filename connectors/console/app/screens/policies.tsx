// Policies.
import { Screen } from '../parts/frame.tsx';

export function Policies(_: { params: Record<string, string> }) {
  return <Screen title="Policies">{null}</Screen>;
}

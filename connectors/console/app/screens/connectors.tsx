// Connectors.
import { Screen } from '../parts/frame.tsx';

export function Connectors(_: { params: Record<string, string> }) {
  return <Screen title="Connectors">{null}</Screen>;
}

// Record.
import { Screen } from '../parts/frame.tsx';

export function Record(_: { params: Record<string, string> }) {
  return <Screen title="Record">{null}</Screen>;
}

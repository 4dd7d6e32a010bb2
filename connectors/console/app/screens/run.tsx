// Run.
import { Screen } from '../parts/frame.tsx';

export function Run(_: { params: Record<string, string> }) {
  return <Screen title="Run">{null}</Screen>;
}

// Today.
import { Screen } from '../parts/frame.tsx';

export function Today(_: { params: Record<string, string> }) {
  return <Screen title="Today">{null}</Screen>;
}

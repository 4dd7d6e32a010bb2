// Why.
import { Screen } from '../parts/frame.tsx';

export function Why(_: { params: Record<string, string> }) {
  return <Screen title="Why">{null}</Screen>;
}

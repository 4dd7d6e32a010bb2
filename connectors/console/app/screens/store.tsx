// Store.
import { Screen } from '../parts/frame.tsx';

export function Store(_: { params: Record<string, string> }) {
  return <Screen title="Store">{null}</Screen>;
}

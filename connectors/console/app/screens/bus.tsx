// BusScreen.
import { Screen } from '../parts/frame.tsx';

export function BusScreen(_: { params: Record<string, string> }) {
  return <Screen title="BusScreen">{null}</Screen>;
}

// Settings.
import { Screen } from '../parts/frame.tsx';

export function Settings(_: { params: Record<string, string> }) {
  return <Screen title="Settings">{null}</Screen>;
}

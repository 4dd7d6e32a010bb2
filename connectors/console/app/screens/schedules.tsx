// Schedules.
import { Screen } from '../parts/frame.tsx';

export function Schedules(_: { params: Record<string, string> }) {
  return <Screen title="Schedules">{null}</Screen>;
}

// Machines.
import { Screen } from '../parts/frame.tsx';

export function Machines(_: { params: Record<string, string> }) {
  return <Screen title="Machines">{null}</Screen>;
}

export function Machine(_: { params: Record<string, string> }) {
  return <Screen title="Machine">{null}</Screen>;
}

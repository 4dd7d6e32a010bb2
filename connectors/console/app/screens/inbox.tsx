// Inbox.
import { Screen } from '../parts/frame.tsx';

export function Inbox(_: { params: Record<string, string> }) {
  return <Screen title="Inbox">{null}</Screen>;
}

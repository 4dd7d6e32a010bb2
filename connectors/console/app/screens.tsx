// The table of screens: where each is, what it is called in the menu, and which key leads there.
import type { ComponentType } from 'preact';
import { Actor } from './screens/actor.tsx';
import { Actors } from './screens/actors.tsx';
import { Audit } from './screens/audit.tsx';
import { Budgets } from './screens/budgets.tsx';
import { BusScreen } from './screens/bus.tsx';
import { Connectors } from './screens/connectors.tsx';
import { Inbox } from './screens/inbox.tsx';
import { Machines, Machine } from './screens/machines.tsx';
import { Policies } from './screens/policies.tsx';
import { Quality } from './screens/quality.tsx';
import { Record } from './screens/record.tsx';
import { Run } from './screens/run.tsx';
import { Runs } from './screens/runs.tsx';
import { Schedules } from './screens/schedules.tsx';
import { Settings } from './screens/settings.tsx';
import { Store } from './screens/store.tsx';
import { Today } from './screens/today.tsx';
import { Why } from './screens/why.tsx';

export interface ScreenEntry {
  path: string;
  /** In the menu; the others are reached from these. */
  menu?: { title: string; key: string };
  Component: ComponentType<{ params: Record<string, string> }>;
}

export const screens: readonly ScreenEntry[] = [
  { path: '/', menu: { title: 'Today', key: 't' }, Component: Today },
  { path: '/inbox', menu: { title: 'Inbox', key: 'i' }, Component: Inbox },
  { path: '/inbox/:id', Component: Inbox },
  { path: '/actors', menu: { title: 'Agents', key: 'a' }, Component: Actors },
  { path: '/actors/:address', Component: Actor },
  { path: '/machines', menu: { title: 'Machines', key: 'm' }, Component: Machines },
  { path: '/machines/:key', Component: Machine },
  { path: '/runs', menu: { title: 'Runs', key: 'r' }, Component: Runs },
  { path: '/runs/:address', Component: Run },
  { path: '/store', menu: { title: 'Store', key: 's' }, Component: Store },
  { path: '/store/:kind', Component: Store },
  { path: '/store/:kind/:id', Component: Record },
  { path: '/why/:kind/:id', Component: Why },
  { path: '/audit', menu: { title: 'Audit', key: 'u' }, Component: Audit },
  { path: '/policies', menu: { title: 'Policies', key: 'p' }, Component: Policies },
  { path: '/budgets', menu: { title: 'Budgets', key: 'g' }, Component: Budgets },
  { path: '/quality', menu: { title: 'Quality', key: 'q' }, Component: Quality },
  { path: '/connectors', menu: { title: 'Connectors', key: 'c' }, Component: Connectors },
  { path: '/schedules', menu: { title: 'Schedules', key: 'd' }, Component: Schedules },
  { path: '/bus', menu: { title: 'Bus', key: 'b' }, Component: BusScreen },
  { path: '/settings', menu: { title: 'Settings', key: 'e' }, Component: Settings },
];

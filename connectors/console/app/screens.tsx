// The table of screens: where each is, what it is called in the menu, and which key leads there.
import type { ComponentType } from 'preact';

export interface ScreenEntry {
  path: string;
  /** In the menu; the others are reached from these. */
  menu?: { title: string; key: string };
  load(): Promise<ComponentType<{ params: Record<string, string> }>>;
}

export const screens: readonly ScreenEntry[] = [
  { path: '/', menu: { title: 'Today', key: 't' }, load: async () => (await import('./screens/today.tsx')).Today },
  { path: '/inbox', menu: { title: 'Inbox', key: 'i' }, load: async () => (await import('./screens/inbox.tsx')).Inbox },
  { path: '/inbox/:id', load: async () => (await import('./screens/inbox.tsx')).Inbox },
  { path: '/actors', menu: { title: 'Agents', key: 'a' }, load: async () => (await import('./screens/actors.tsx')).Actors },
  { path: '/actors/:address', load: async () => (await import('./screens/actor.tsx')).Actor },
  { path: '/machines', menu: { title: 'Machines', key: 'm' }, load: async () => (await import('./screens/machines.tsx')).Machines },
  { path: '/machines/:key', load: async () => (await import('./screens/machines.tsx')).Machine },
  { path: '/runs', menu: { title: 'Runs', key: 'r' }, load: async () => (await import('./screens/runs.tsx')).Runs },
  { path: '/runs/:address', load: async () => (await import('./screens/run.tsx')).Run },
  { path: '/store', menu: { title: 'Store', key: 's' }, load: async () => (await import('./screens/store.tsx')).Store },
  { path: '/store/:kind', load: async () => (await import('./screens/store.tsx')).Store },
  { path: '/store/:kind/:id', load: async () => (await import('./screens/record.tsx')).Record },
  { path: '/why/:kind/:id', load: async () => (await import('./screens/why.tsx')).Why },
  { path: '/audit', menu: { title: 'Audit', key: 'u' }, load: async () => (await import('./screens/audit.tsx')).Audit },
  { path: '/policies', menu: { title: 'Policies', key: 'p' }, load: async () => (await import('./screens/policies.tsx')).Policies },
  { path: '/connectors', menu: { title: 'Connectors', key: 'c' }, load: async () => (await import('./screens/connectors.tsx')).Connectors },
  { path: '/schedules', menu: { title: 'Schedules', key: 'd' }, load: async () => (await import('./screens/schedules.tsx')).Schedules },
  { path: '/bus', menu: { title: 'Bus', key: 'b' }, load: async () => (await import('./screens/bus.tsx')).BusScreen },
  { path: '/settings', menu: { title: 'Settings', key: 'e' }, load: async () => (await import('./screens/settings.tsx')).Settings },
];

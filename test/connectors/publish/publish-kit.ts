// Sites in temporary folders and calls as the gate makes them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublishConnector, settingsSchema } from '#connectors/publish/connector.ts';
import type { Action, Call, Connector } from '#connectors/connector.ts';
import type { Reservation } from '#machines/effects.ts';

export const nowMs = Date.UTC(2026, 2, 1, 9);
export const page = { slug: 'spring-hours', title: 'Spring opening hours', summary: 'Open longer', text: 'We open at **8**.\n\nSee you!', visibility: 'public' } as const;

export function callOf(operationId: string, { signal = new AbortController().signal, now = nowMs }: { signal?: AbortSignal; now?: number } = {}): Call {
  return { operationId, signal, nowMs: () => now, documents: { read: () => Promise.reject(new Error('no documents here')), keep: () => Promise.reject(new Error('no documents here')) } };
}

export function actionOf(connector: Connector, name: string): Action<unknown> {
  const found = (connector.actions as unknown as Action<unknown>[]).find((one) => one.name === name);
  if (!found) throw new Error(`no action ${name}`);
  return found;
}

/** The two phases of one operation, and what may come between them. */
export function phasesOf(connector: Connector, name: string, payload: unknown, operationId: string, options: { signal?: AbortSignal; now?: number } = {}) {
  const action = actionOf(connector, name);
  const parsed = action.input.parse(payload);
  const call = callOf(operationId, options);
  return {
    prepare: () => action.prepare!(parsed, call),
    commit: (reservation: Reservation | null) => action.commit(parsed, { ...call, reservation }),
    abort: (reservation: Reservation) => action.abort!(parsed, { ...call, reservation }),
    lookup: (reservation: Reservation | null) => action.lookup!(parsed, { ...call, reservation }),
    plan: () => action.plan(parsed, call),
    async publish() {
      return action.commit(parsed, { ...call, reservation: await action.prepare!(parsed, call) });
    },
  };
}

export const siteOf = (folder: string, baseUrl = 'https://holt.example') => settingsSchema.parse({ site: { folder, baseUrl, title: 'Holt & Co', author: 'Anna Holt' } });

export function startSite(t: { after(run: () => unknown): void }, baseUrl?: string): { folder: string; connector: Connector } {
  const folder = mkdtempSync(join(tmpdir(), 'keelson-site-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, connector: createPublishConnector(siteOf(folder, baseUrl), {}) };
}

// What actors do, as the events that the inspection tools for XState read (the protocol of @statelyai/inspect): made from commits, so no
// actor has to be live. An actor is told with its definition when it is met first, then each event it took and the state that followed.
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Bus } from '#actors/bus.ts';
import type { Clock } from '#actors/clock.ts';
import { followChanges } from '#actors/feed.ts';
import type { Log } from '#actors/log.ts';
import type { ActorRecord } from '#actors/record.ts';
import type { Registry } from '#actors/registry.ts';
import type { AnnouncedCommit } from '#machines/changes.ts';
import { KeelsonError } from '#machines/errors.ts';
import type { Body } from '#machines/message.ts';
import type { RawRoute } from './route.ts';

const protocolVersion = '0.7.2';
const readersMax = 4;
/** Commits that wait for one tool; what comes beyond is left out. */
const waitingMax = 1_000;
const heartbeatMs = 15_000;

interface Snapshot { status: string; value?: unknown; context?: unknown; output?: unknown; error?: unknown; children?: Record<string, object> }
interface Common { sessionId: string; rootId: string; createdAt: string; id: string; _version: string }
export type InspectionEvent = Common & (
  | { type: '@xstate.actor'; name: string; parentId: string | undefined; definition: string; snapshot: Snapshot }
  | { type: '@xstate.event'; event: { type: string }; sourceId: string | undefined }
  | { type: '@xstate.snapshot'; event: { type: string }; snapshot: Snapshot });

/** One commit of an actor, with what its row of the journal says; null when that is gone. */
export interface InspectedStep { id: string; at: number; actor: string; body: { from?: string; message?: Body; value?: unknown; status?: string } | null }

/** `record`: the actor as it is; when it has gone on since (`isOld`), only state and status are of that step. `isNew`: the tool has not met it. */
export function toInspection({ id, at, actor, body }: InspectedStep, record: ActorRecord, { rootId, definition, isNew, isOld }: { rootId: string; definition: string; isNew: boolean; isOld: boolean }): InspectionEvent[] {
  const common: Common = { sessionId: actor, rootId, createdAt: String(at), id, _version: protocolVersion };
  const { message, from, value = record.snapshot.value, status = record.status } = body ?? {};
  const event = message?.kind === 'event' ? message.event : { type: message?.kind === 'start' ? 'xstate.init' : `xstate.${message?.kind ?? 'unknown'}` };
  const { context, output, error } = record.snapshot;
  const snapshot: Snapshot = { status, value, ...(isOld ? {} : { context, output, error }), children: Object.fromEntries(Object.keys(record.children).map((child) => [child, { id: child }])) };
  return [
    ...(isNew ? [{ ...common, type: '@xstate.actor' as const, name: actor, parentId: record.parent?.address, definition, snapshot }] : []),
    { ...common, type: '@xstate.event', event, sourceId: from },
    { ...common, type: '@xstate.snapshot', event, snapshot },
  ];
}

export interface InspectPorts {
  bus: Pick<Bus, 'onChanges' | 'onReconnect'>;
  query(name: string, args: Record<string, unknown>): Promise<unknown>;
  head: number;
  registry: Registry;
  clock: Clock;
  log: Log;
}

interface Reader { waiting: AnnouncedCommit[]; wake(): void }
interface HistoryRow { seq: number; id: string; at_ms: number; body: InspectedStep['body'] }

/** Follows the changes from `head` on, for whoever asks the route. */
export function openInspection({ bus, query, head, registry, clock, log }: InspectPorts): { route: RawRoute; stop(): Promise<void> } {
  const readers = new Set<Reader>();
  const stopping = new AbortController();
  const following = followChanges({
    bus, query, after: head, clock, log,
    onChange(commit) {
      if (commit.outcome !== 'applied' || commit.rev === null) return;
      for (const reader of readers) {
        if (reader.waiting.length < waitingMax) reader.waiting.push(commit);
        reader.wake();
      }
    },
  });
  const definitionOf = (key: string) => JSON.stringify(registry.get(key)?.machine.config ?? { id: key }, (_, value: unknown) => (typeof value === 'function' ? { type: value.name } : value));

  /** What these commits of one actor did. `roots`: of every actor that the tool has met. */
  async function inspect(actor: string, commits: AnnouncedCommit[], roots: Map<string, string>): Promise<InspectionEvent[]> {
    const rows = (await query('history', { address: actor, after: commits[0]!.seq - 1, limit: commits.length })) as HistoryRow[];
    const text = (await query('record', { address: actor })) as string | null;
    if (text === null) return [];
    const record = JSON.parse(text) as ActorRecord;
    const isNew = !roots.has(actor);
    const parent = record.parent?.address;
    const rootId = roots.get(actor) ?? (parent === undefined ? actor : (roots.get(parent) ?? parent));
    roots.set(actor, rootId);
    const definition = isNew ? definitionOf(record.machine) : '';
    return rows.flatMap(({ id, at_ms: at, body }, i) => toInspection({ id, at, actor, body }, record, { rootId, definition, isNew: isNew && i === 0, isOld: i < rows.length - 1 }));
  }

  const answer = (c: Context) => {
    if (readers.size >= readersMax) throw new KeelsonError('REFUSED', `${readersMax} tools are attached already`, { hint: 'Close one.' });
    return streamSSE(c, async (stream) => {
      let wake = () => {};
      const reader: Reader = { waiting: [], wake: () => wake() };
      readers.add(reader);
      const roots = new Map<string, string>();
      stream.onAbort(() => wake());
      stopping.signal.addEventListener('abort', () => wake());
      try {
        await stream.write(': attached\n\n');
        while (!stream.aborted && !stopping.signal.aborted) {
          for (const [actor, commits] of Map.groupBy(reader.waiting.splice(0), (commit) => commit.actor)) {
            for (const event of await inspect(actor, commits, roots)) await stream.write(`data: ${JSON.stringify(event)}\n\n`);
          }
          if (reader.waiting.length > 0) continue;
          await new Promise<void>((resolve) => {
            const cancel = clock.after(heartbeatMs, () => void stream.write(': here\n\n').then(() => resolve()));
            wake = () => {
              cancel();
              resolve();
            };
          });
        }
      } finally {
        readers.delete(reader);
      }
    });
  };

  return {
    route: { method: 'get', path: '/inspect', who: 'operator', summary: 'What actors do, as server-sent events that inspection tools for XState read; only with --inspect.', answer },
    async stop() {
      stopping.abort();
      await following.stop();
    },
  };
}

// What a notification says. It lies on a lock screen and passes through somebody's server: the summary, and nothing else of what strangers wrote.
import type { StoredIntent } from '#machines/inbox.ts';
import type { Notification } from './ntfy.ts';

const titles: Record<string, string> = { approval: 'Approval needed', question: 'A question', task: 'Something to do', escalation: 'Needs you' };
const priorities = { low: 2, medium: 3, high: 4 } as const;
const summaryChars = 200;
/** ntfy makes a file of what is longer than 4,096 bytes. */
const messageBytes = 3_500;
const listedMax = 8;

export function notificationOf(item: StoredIntent, link: string | null): Notification {
  const { risk = 'medium' } = item.data ?? {};
  return {
    title: titles[item.kind] ?? 'Needs you',
    message: plain(item.summary),
    // Nobody can go on without the operator.
    priority: item.kind === 'escalation' ? 4 : priorities[risk],
    tags: [item.kind, `risk-${risk}`],
    ...(link === null ? {} : { click: link }),
  };
}

/** Many at once are one notification; each keeps its link. */
export function digestOf(items: readonly StoredIntent[], linkOf: (item: StoredIntent) => string | null): Notification {
  const lines: string[] = [];
  for (const item of items.slice(0, listedMax)) {
    const link = linkOf(item);
    const line = `• ${titles[item.kind] ?? 'Needs you'}: ${plain(item.summary)}${link === null ? '' : `\n${link}`}`;
    if (Buffer.byteLength([...lines, line].join('\n')) > messageBytes) break;
    lines.push(line);
  }
  const more = items.length - lines.length;
  return { title: `${items.length} things wait for you`, message: [...lines, ...(more > 0 ? [`and ${more} more`] : [])].join('\n'), priority: Math.max(...items.map((item) => notificationOf(item, null).priority)), tags: ['inbox'] };
}

export interface Day { waiting: readonly StoredIntent[]; outcomes: Readonly<Record<string, number>>; nowMs: number }

export function reportOf({ waiting, outcomes, nowMs }: Day): Notification {
  const oldest = Math.min(...waiting.map(({ created_ms: createdMs }) => createdMs));
  const risky = waiting.filter(({ data }) => data?.risk === 'high').length;
  const came = Object.entries(outcomes).filter(([, count]) => count > 0).map(([outcome, count]) => `${count} ${outcome}`);
  return {
    title: 'Daily report',
    message: [
      waiting.length === 0 ? 'Nothing waits for you.' : `${waiting.length} ${waiting.length === 1 ? 'waits' : 'wait'} for you${risky > 0 ? `, ${risky} of high risk` : ''}; the oldest for ${Math.floor((nowMs - oldest) / 3_600_000)} h.`,
      came.length === 0 ? 'No operation ended in the last 24 hours.' : `Operations of the last 24 hours: ${came.join(', ')}.`,
    ].join('\n'),
    priority: 2, tags: ['report'],
  };
}

function plain(text: string): string {
  const line = text.toWellFormed().replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, ' ').trim();
  return line.length > summaryChars ? `${line.slice(0, summaryChars - 1).toWellFormed()}…` : line;
}

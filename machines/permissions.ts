// What an agent type may record, ask for and spend. A machine declares it beside its schemas; the store checks every commit
// against it by the address of the actor. What is not declared is refused. Anybody may escalate: asking for help needs no permission.
import { keyOf, typeOf } from './address.ts';
import type { Commit } from './commit.ts';
import type { Artifact, Intent, Label } from './records.ts';

export interface Permissions {
  /** Predicates it may state. */
  facts?: readonly string[];
  /** Kinds of documents it may write. */
  artifacts?: readonly Artifact['kind'][];
  /** Kinds of things it may ask of the operator. */
  intents?: readonly Intent['kind'][];
  /** Activities it may ask for, and actions it may propose as operations: `knowledge.search`, `mail.send`. */
  act?: readonly string[];
  /** `trusted`: nothing that it hears comes from outside the company. Else it is taken for granted that strangers speak to it. */
  hears?: 'trusted' | 'anyone';
  /** Kinds it may search, for activities whose input names `kinds`. */
  read?: readonly string[];
  /** The most that one decision may cost, in millionths of the company's currency. */
  spendMicros?: number;
  /** May state the operator's corrections. */
  corrections?: boolean;
}

/** What any of them allows: versions of one machine run beside each other, and their actors have one type. */
export function unitePermissions(all: readonly Permissions[]): Permissions {
  const union = <T>(lists: (readonly T[] | undefined)[]) => [...new Set(lists.flatMap((list) => list ?? []))];
  return {
    facts: union(all.map((may) => may.facts)), artifacts: union(all.map((may) => may.artifacts)), intents: union(all.map((may) => may.intents)),
    act: union(all.map((may) => may.act)), read: union(all.map((may) => may.read)),
    spendMicros: Math.max(0, ...all.map((may) => may.spendMicros ?? 0)), corrections: all.some((may) => may.corrections === true),
  };
}

const agentLabels: readonly Label[] = ['system', 'untrusted'];
const connectorLabels: readonly Label[] = [...agentLabels, 'verified-connector'];
const forOperatorOnly: readonly Artifact['kind'][] = ['policy', 'template', 'trigger', 'prompt', 'rule'];

/** The parts of the system that are not machines. The operator and the store itself may do everything. */
const partPermissions: Record<string, Permissions> = {
  connector: { facts: ['imap.cursor', 'mail.authenticated', 'mail.not-authenticated', 'organisation.mail-authenticated', 'invoice.series', 'invoice.number', 'payment.received', 'payment.refunded', 'payment.failed', 'model.capabilities'], artifacts: ['mail', 'attachment', 'document'] },
  host: {},
};

/** Why this commit goes beyond what its actor may, or null. `byType` holds what the machines declare. */
export function whyNotPermitted(commit: Commit, byType: Readonly<Record<string, Permissions>>): string | null {
  const type = typeOf(commit.actor);
  if (type === 'operator' || type === 'store') return null;
  const may = Object.hasOwn(byType, type) ? byType[type]! : (partPermissions[type] ?? {});
  const labels = type === 'connector' ? connectorLabels : agentLabels;
  const no = (what: string) => `${commit.actor} may not ${what}`;

  for (const { predicate, label } of commit.facts) {
    if (!may.facts?.includes(predicate)) return no(`state ${predicate}`);
    if (!labels.includes(label)) return no(`state facts as '${label}'`);
  }
  for (const { kind } of commit.artifacts) if (forOperatorOnly.includes(kind) || !may.artifacts?.includes(kind)) return no(`write a ${kind}`);
  for (const { kind } of commit.intents) if (kind !== 'escalation' && !may.intents?.includes(kind)) return no(`ask for a ${kind}`);
  if (commit.annotations.length > 0 && !may.corrections) return no('annotate');
  if ((commit.spends?.length ?? 0) + (commit.answers?.length ?? 0) > 0 && type !== 'connector') return no('spend money for models');
  for (const { costMicros } of commit.decisions) if ((costMicros ?? 0) > (may.spendMicros ?? 0)) return no(`spend ${costMicros} on one decision`);
  if (commit.outcome !== 'parked') {
    const foreign = type === 'host' ? undefined : commit.settles.find((id) => !id.startsWith(`${commit.actor}#`));
    if (foreign !== undefined) return no(`settle ${foreign}`);
  }
  if (type === 'host') return null; // the worker speaks for the jobs it ran
  for (const { from, to, body } of commit.sends) {
    if (typeOf(from) !== type || keyOf(from) !== keyOf(commit.actor)) return no(`send as ${from}`);
    if (body.kind !== 'job') {
      const proposed = body.kind === 'start' && typeOf(to) === 'operation' ? String((body.input as { action?: unknown } | null)?.action) : null;
      if (proposed !== null && !may.act?.includes(proposed)) return no(`propose ${proposed}`);
      if (typeOf(to) === 'job') return no(`send ${body.kind} to ${to}`);
      continue;
    }
    if (body.activity.startsWith('operation.') && type !== 'operation') return no(`ask for ${body.activity}; only an operation may`);
    if (!may.act?.includes(body.activity)) return no(`ask for ${body.activity}`);
    const kinds = (body.input as { kinds?: unknown } | null)?.kinds;
    const unread = Array.isArray(kinds) ? kinds.find((kind) => !may.read?.includes(String(kind))) : undefined;
    if (unread !== undefined) return no(`read ${String(unread)}`);
  }
  return null;
}

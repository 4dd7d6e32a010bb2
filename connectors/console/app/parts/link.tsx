// From any reference to the place where that thing is shown.
import type { ComponentChildren } from 'preact';
import { at } from '../state/router.ts';
import { Revealed } from './text.tsx';

const annotationKinds = ['annotation', 'remark', 'correction'];
const partKinds = ['fact', 'decision', 'intent', 'entity'];

/** `kind` as links, hits of a search and the why-chain name it; an artifact may end in `#L12`, line 12 of it. */
export function pathOf(kind: string, id: string): string {
  if (annotationKinds.includes(kind)) return `/store/annotation/${encodeURIComponent(id)}`;
  if (partKinds.includes(kind)) return `/store/${kind}/${encodeURIComponent(id)}`;
  if (kind === 'actor' || (kind === 'operation' && id.startsWith('operation/'))) return at.actor(id);
  if (kind === 'operation') return at.why(kind, id);
  const { artifact, line } = readSource(id);
  return `${at.artifact(artifact)}${line === null ? '' : `?line=${line}`}`;
}

export function readSource(id: string): { artifact: string; line: number | null } {
  const [, artifact = id, line] = /^(.+)#L(\d{1,9})$/s.exec(id) ?? [];
  return { artifact, line: line === undefined ? null : Number(line) };
}

export function LinkTo({ kind, id, children }: { kind: string; id: string; children?: ComponentChildren }) {
  return <a href={pathOf(kind, id)}>{children ?? <Revealed text={id} />}</a>;
}

/** The document that something was read from. */
export function SourceLink({ source }: { source: string }) {
  const { artifact, line } = readSource(source);
  return <LinkTo kind="artifact" id={source}><Revealed text={line === null ? artifact : `${artifact}, line ${line}`} /></LinkTo>;
}

/** An actor has its page; the operator, the store and connectors are no actors. */
export function ActorLink({ address }: { address: string }) {
  return /^(operator|store|connector|host)\//.test(address) ? <Revealed text={address} /> : <a href={at.actor(address)}><Revealed text={address} /></a>;
}

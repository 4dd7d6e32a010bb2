// What the store holds, kind by kind: how it is listed, by what it is filtered, how one row looks, and the command that lists the same.
import type { ComponentChildren } from 'preact';
import type { Json } from '#machines/predicates.ts';
import type { Words } from '../../store-routes.ts';
import { LabelBadge, Moment, quote, size, StateBadge, Value } from '../parts/facts.tsx';
import { LinkTo } from '../parts/link.tsx';
import { percent } from '../parts/percent.ts';
import { Revealed } from '../parts/text.tsx';
import { Time } from '../parts/time.tsx';
import { readPlace } from '../parts/place.ts';

export type Row = Record<string, unknown> & { id: string; cursor: string };
type Field = { name: string; title: string; type: 'text' | 'date' } | { name: string; title: string; type: 'choice'; of(words: Words): string[] };

export interface Kind {
  path: string;
  title: string;
  query: string;
  fixed: Record<string, unknown>;
  fields: readonly Field[];
  /** Commits that change the list. */
  touches: readonly string[];
  /** What `keelson find` calls it, and its name for each field. */
  find: string;
  options: Readonly<Record<string, string>>;
  row(row: Row): ComponentChildren;
}

const time: Field[] = [{ name: 'since', title: 'Since', type: 'date' }, { name: 'until', title: 'Before', type: 'date' }];
const actor: Field = { name: 'actor', title: 'Recorded by', type: 'text' };
const timed = { since: '--since', until: '--until', actor: '--actor' };

const entities = (path: string, title: string, kind: string): Kind => ({
  path, title, query: 'browse', fixed: { entityKind: kind }, touches: ['fact'], find: kind, options: {},
  fields: [{ name: 'startsWith', title: `Beginning of ${kind}/`, type: 'text' }],
  row: (row) => (
    <>
      <div><LinkTo kind="entity" id={row.id}><Revealed text={typeof row['name'] === 'string' && row['name'] !== '' ? row['name'] : row.id.slice(kind.length + 1)} /></LinkTo></div>
      <div class="faint"><Revealed text={row.id} /> · {Number(row['facts'])} {row['facts'] === 1 ? 'fact' : 'facts'}{row['last_ms'] === null ? '' : <>, the last <Time at={Number(row['last_ms'])} /></>}</div>
    </>
  ),
});

export const kinds: readonly Kind[] = [
  entities('people', 'People', 'person'), entities('organisations', 'Organisations', 'organisation'), entities('projects', 'Projects', 'project'),
  entities('products', 'Products', 'product'), entities('accounts', 'Accounts', 'account'), entities('assets', 'Assets', 'asset'),
  {
    path: 'facts', title: 'Facts', query: 'facts', fixed: { newest: true }, touches: ['fact'], find: 'fact', options: { ...timed, entityKind: '--kind', predicate: '--predicate', label: '--label' },
    fields: [{ name: 'entityKind', title: 'About', type: 'choice', of: (words) => words.entityKinds }, { name: 'predicate', title: 'Predicate', type: 'text' }, { name: 'label', title: 'Vouched for by', type: 'choice', of: (words) => words.labels }, actor, ...time],
    row: (row) => (
      <>
        <div class="toolbar"><LabelBadge label={String(row['label'])} /> <span><LinkTo kind="fact" id={row.id}>{String(row['predicate'])}</LinkTo>: <Value value={row['value'] as Json} /></span></div>
        <div class="faint"><LinkTo kind="entity" id={String(row['entity'])} /> · {percent(Number(row['confidence']))} · <Time at={Number(row['recorded_ms'])} /> · {row.id}</div>
      </>
    ),
  },
  {
    path: 'artifacts', title: 'Documents', query: 'artifacts', fixed: {}, touches: ['artifact'], find: 'artifact', options: { ...timed, artifactKind: '--kind' },
    fields: [{ name: 'artifactKind', title: 'Kind', type: 'choice', of: (words) => words.artifactKinds }, actor, ...time],
    row: (row) => (
      <>
        <div><a href={`/store/artifact/${encodeURIComponent(row.id)}?version=${Number(row['version'])}`}><Revealed text={row.id} /></a> version {Number(row['version'])}</div>
        <div class="faint">{String(row['kind'])} · {String(row['mediaType'])} · {size(Number(row['sizeBytes']))} · <Time at={Number(row['atMs'])} />{typeof row['name'] === 'string' ? <> · <Revealed text={row['name']} /></> : ''}</div>
      </>
    ),
  },
  {
    path: 'intents', title: 'Intents', query: 'intents', fixed: {}, touches: ['intent'], find: 'intent', options: { ...timed, intentKind: '--kind', state: '--state' },
    fields: [{ name: 'state', title: 'State', type: 'choice', of: (words) => words.intentStates }, { name: 'intentKind', title: 'Kind', type: 'choice', of: (words) => words.intentKinds }, { ...actor, title: 'Asked by' }, ...time],
    row: (row) => (
      <>
        <div class="toolbar"><StateBadge state={String(row['state'])} /> <LinkTo kind="intent" id={row.id}><Revealed text={String(row['summary']) || row.id} /></LinkTo></div>
        <div class="faint">{String(row['kind'])} · asked <Time at={Number(row['created_ms'])} /> by <Revealed text={String(row['actor'])} /></div>
      </>
    ),
  },
  {
    path: 'decisions', title: 'Decisions', query: 'decisions', fixed: {}, touches: ['decision'], find: 'decision', options: { ...timed, what: '--kind' },
    fields: [{ name: 'what', title: 'What was decided', type: 'text' }, { ...actor, title: 'Decided by' }, ...time],
    row: (row) => (
      <>
        <div><LinkTo kind="decision" id={row.id}><Revealed text={`${String(row['what'])}: ${String(row['outcome'])}`} /></LinkTo>{row['confidence'] === null ? '' : ` · ${percent(Number(row['confidence']))}`}</div>
        <div class="faint"><Revealed text={String(row['actor'])} /> · <Moment ms={Number(row['at_ms'])} /></div>
      </>
    ),
  },
  {
    path: 'annotations', title: 'Remarks', query: 'annotations', fixed: {}, touches: ['annotation'], find: 'annotation', options: { ...timed, annotationKind: '--kind' },
    fields: [{ name: 'annotationKind', title: 'Kind', type: 'choice', of: () => ['remark', 'correction'] }, { ...actor, title: 'Written by' }, ...time],
    row: (row) => (
      <>
        <div><LinkTo kind="annotation" id={row.id}><Revealed text={String(row['text']).slice(0, 300)} /></LinkTo></div>
        <div class="faint">{String(row['kind'])} on {String(row['target_kind'])} <Revealed text={String(row['target'])} /> · <Moment ms={Number(row['at_ms'])} /></div>
      </>
    ),
  },
];

/** The filters as arguments of the named read. Days begin at midnight UTC, as on the command line. */
export function argsOf({ fixed, fields }: Kind, params: URLSearchParams): Record<string, unknown> {
  const given = fields.flatMap(({ name, type }): [string, unknown][] => {
    const value = params.get(name);
    if (value === null) return [];
    const ms = type === 'date' ? readPlace(value) : null;
    return type === 'date' && ms === null ? [] : [[name, type === 'date' ? ms : value]];
  });
  return { ...fixed, ...Object.fromEntries(given) };
}

/** The same list on the command line. */
export function commandOf({ find, options }: Kind, params: URLSearchParams): string {
  return ['keelson find', find, ...Object.entries(options).flatMap(([name, option]) => (params.has(name) ? [option, quote(params.get(name)!)] : []))].join(' ');
}

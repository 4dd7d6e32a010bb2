// The store, browsed by kind and searched as a whole. The address keeps what is filtered, so that a list can be kept and shared.
import { useEffect, useRef } from 'preact/hooks';
import type { Words } from '../../store-routes.ts';
import { Empty, Failed, Loaded, Screen } from '../parts/frame.tsx';
import { quote } from '../parts/facts.tsx';
import { LinkTo } from '../parts/link.tsx';
import { Marked, wordsOf } from '../parts/marked.tsx';
import { Rows } from '../parts/rows.tsx';
import { get, query, queryPath } from '../state/api.ts';
import { useKeys } from '../state/keys.ts';
import { useLive } from '../state/live.ts';
import { pageRows, usePages } from '../state/pages.ts';
import { go, goWith, search } from '../state/router.ts';
import { argsOf, commandOf, kinds, type Kind, type Row } from './store-kinds.tsx';
import './store.css';

const hitsMax = 50;
const rowHeight = 62;
/** What the index calls its rows, beside the kinds of documents. */
const otherHits = ['fact', 'correction', 'remark'];

export function Store({ params: { kind: path } }: { params: Record<string, string> }) {
  const asked = search.value.get('q') ?? '';
  const within = search.value.get('in') ?? '';
  const kind = kinds.find((one) => one.path === (path ?? 'people'));
  const words = useLive(() => get<Words>('/api/words'), []);
  const hits = { text: asked, limit: hitsMax, ...(within === '' ? {} : { kinds: [within] }) };
  const input = useRef<HTMLInputElement>(null);
  useKeys([{ keys: '/', does: 'search the store', run: () => input.current?.focus() }], []);
  const find = (text: string, kindOfHit: string) => go(text.trim() === '' ? '/store' : `/store?${new URLSearchParams({ q: text, ...(kindOfHit === '' ? {} : { in: kindOfHit }) }).toString()}`);
  return (
    <Screen title={asked !== '' ? 'Search' : path === undefined ? 'Store' : kind?.title ?? 'Store'} cli={asked !== '' ? `keelson search ${quote(asked)}${within === '' ? '' : ` --kind ${within}`}` : kind && commandOf(kind, search.value)} raw={asked !== '' ? queryPath('search', hits) : kind && queryPath(kind.query, argsOf(kind, search.value))}>
      <form class="search-box" role="search" onSubmit={(event) => {
        event.preventDefault();
        find(input.current?.value ?? '', within);
      }}>
        <label>Search everything<input ref={input} type="search" key={asked} defaultValue={asked} placeholder="words in mails, documents, facts, remarks" /></label>
        <label>In<select value={within} onChange={(event) => find(input.current?.value ?? '', event.currentTarget.value)}><option value="">everything</option>{[...(words.data?.artifactKinds ?? []), ...otherHits].map((one) => <option key={one}>{one}</option>)}</select></label>
        <button type="submit">Search</button>
      </form>
      <nav aria-label="Kinds">
        <ul class="kinds">{kinds.map((one) => <li key={one.path}><a href={`/store/${one.path}`} aria-current={asked === '' && one === kind ? 'page' : undefined}>{one.title}</a></li>)}</ul>
      </nav>
      {asked !== '' ? <Hits args={hits} /> : kind ? <List key={kind.path} kind={kind} words={words.data} /> : <Empty>There is no such kind. Choose one above.</Empty>}
    </Screen>
  );
}

function Hits({ args }: { args: { text: string; limit: number; kinds?: string[] } }) {
  const live = useLive(() => query<{ kind: string; id: string; text: string }[]>('search', args), [JSON.stringify(args)]);
  const words = wordsOf(args.text);
  return (
    <Loaded live={live}>
      {(hits) => (
        <>
          <p role="status" class="faint">{hits.length === 0 ? '' : hits.length === args.limit ? `The best ${hits.length}, best first.` : `${hits.length} found, best first.`}</p>
          {hits.length === 0 ? <Empty>Nothing has these words. Whole words are looked for, at least two letters long.</Empty> : (
            <ul class="hits">{hits.map(({ kind, id, text }) => (
              <li key={`${kind} ${id}`}><span class="faint">{kind}</span> <LinkTo kind={kind} id={id} /><p><Marked text={text} words={words} /></p></li>
            ))}</ul>
          )}
        </>
      )}
    </Loaded>
  );
}

function List({ kind, words }: { kind: Kind; words: Words | undefined }) {
  const args = argsOf(kind, search.value);
  const { rows, failure, isEnd, isOld, more, reload } = usePages((cursor) => query<Row[]>(kind.query, { ...args, limit: pageRows, ...(cursor === undefined ? {} : { cursor }) }), [kind.path, args], ({ records }) => records.some((record) => kind.touches.includes(record.kind)));
  const isFiltered = kind.fields.some(({ name }) => search.value.has(name));
  return (
    <>
      <Filters kind={kind} words={words} />
      {failure ? <Failed failure={failure} /> : null}
      {isOld ? <p role="status"><button type="button" onClick={reload}>Something new was recorded: show it</button></p> : null}
      {rows === undefined ? (failure ? null : <p class="faint">Loading …</p>) : rows.length === 0 ? (
        <Empty>{isFiltered ? 'Nothing fits. Take a filter away.' : kind.path === 'people' ? 'Nobody yet. Whoever writes a mail appears here: hand one in with `keelson mail import FILE`.' : `No ${kind.title.toLowerCase()} yet. They appear as agents read and write, and as you state facts.`}</Empty>
      ) : (
        <>
          <Rows rows={rows} height={rowHeight} keyOf={(row) => row.cursor} label={kind.title}>{(row) => <div class="two-lines">{kind.row(row)}</div>}</Rows>
          {isEnd ? <p class="faint" role="status">That is all: {rows.length}.</p> : <More onSeen={more} count={rows.length} />}
        </>
      )}
    </>
  );
}

/** Loads on when it comes into sight; the button is for keys and for whoever was faster. */
function More({ onSeen, count }: { onSeen(): void; count: number }) {
  const ref = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onSeen());
    if (ref.current) watcher.observe(ref.current);
    return () => watcher.disconnect();
  }, [count]);
  return <p><button ref={ref} type="button" onClick={onSeen}>Show more</button></p>;
}

function Filters({ kind, words }: { kind: Kind; words: Words | undefined }) {
  const listId = `predicates-of-${kind.path}`;
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {kind.fields.map((field) => {
        const value = search.value.get(field.name) ?? '';
        const set = (event: { currentTarget: HTMLInputElement | HTMLSelectElement }) => goWith({ [field.name]: event.currentTarget.value.trim() });
        return (
          <label key={field.name}>{field.title}
            {field.type === 'choice'
              ? <select value={value} onChange={set}><option value="">any</option>{words === undefined ? (value ? <option>{value}</option> : null) : field.of(words).map((one) => <option key={one}>{one}</option>)}</select>
              : <input type={field.type} value={value} onChange={set} list={field.name === 'predicate' ? listId : undefined} />}
          </label>
        );
      })}
      <datalist id={listId}>{words?.predicates.map(({ name }) => <option key={name} value={name} />)}</datalist>
    </form>
  );
}

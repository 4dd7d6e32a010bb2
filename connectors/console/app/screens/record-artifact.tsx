// A document: its versions, the words of one of them, and what changed between two. Whatever it says it is, it is shown as text or kept as
// a file; nothing of it is ever rendered.
import { Diff } from '../parts/diff.tsx';
import { Moment, Pairs, quote, size } from '../parts/facts.tsx';
import { Empty, Loaded, Screen } from '../parts/frame.tsx';
import { ActorLink, LinkTo } from '../parts/link.tsx';
import { Lines } from '../parts/lines.tsx';
import { Revealed } from '../parts/text.tsx';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at, goWith, search } from '../state/router.ts';
import { entityThen } from './record-around.tsx';
import { Remarks } from './record-remarks.tsx';

interface Version { version: number; kind: string; mediaType: string; name: string | null; hash: string; sizeBytes: number; actor: string; atMs: number }

const versionsMax = 1_000;
const textLike = /^(?:text\/|message\/rfc822$|application\/(?:json|xml)$)/;
const textBytesMax = 1_000_000;
const isText = ({ mediaType, sizeBytes }: Version) => textLike.test(mediaType) && sizeBytes <= textBytesMax;
const blobPath = ({ hash }: Version) => `/api/blobs/${hash}`;
const numberOf = (name: string) => (/^[1-9]\d{0,8}$/.test(search.value.get(name) ?? '') ? Number(search.value.get(name)) : null);

/** null when it is gone. */
async function textOf(version: Version): Promise<string | null> {
  const response = await fetch(blobPath(version));
  return response.ok ? response.text() : null;
}

export function ArtifactRecord({ id }: { id: string }) {
  const live = useLive(() => query<Version[]>('artifacts', { id, limit: versionsMax }), [id], ({ records }) => records.some((record) => record.kind === 'artifact' && record.id.startsWith(id)));
  const [wanted, from] = [numberOf('version'), numberOf('from')];
  const newest = live.data?.[0]?.version;
  const cli = from !== null ? `keelson diff ${quote(id)} --from ${from}${wanted === null ? '' : ` --to ${wanted}`}` : `keelson get artifact ${quote(id)}${wanted === null ? '' : ` --version ${wanted}`}`;
  return (
    <Screen title={id} cli={cli} raw={queryPath('artifacts', { id })} actions={<><a href={at.why('artifact', id)}>Why is it here?</a>{live.data?.[0]?.kind === 'mail' ? <a href={at.run(`mail/${id}`)}>Its run</a> : null}</>}>
      <Loaded live={live}>
        {(versions) => {
          const shown = versions.find(({ version }) => version === (wanted ?? newest));
          if (!shown) return <Empty>{versions.length === 0 ? 'There is no such document. It was erased, or never here.' : `There is no version ${wanted}. It has 1 to ${newest}.`}</Empty>;
          const before = versions.find(({ version }) => version === from);
          return (
            <>
              <Pairs pairs={[
                ['Kind', `${shown.kind}, ${shown.mediaType}`], ['Name', shown.name === null ? null : <Revealed text={shown.name} />], ['Version', `${shown.version} of ${versions.length === versionsMax ? 'many' : newest}`],
                ['Recorded', <><Moment ms={shown.atMs} /> by <ActorLink address={shown.actor} /></>], ['Size', size(shown.sizeBytes)], ['sha256', <span class="hash">{shown.hash}</span>],
                ['Content', <a href={blobPath(shown)} download={fileName(shown, id)}>Download</a>],
              ]} />
              <About id={id} ms={shown.atMs} />
              {versions.length > 1 ? <Versions versions={versions} shown={shown} before={before} /> : null}
              {before ? <Difference before={before} after={shown} /> : <Content id={id} version={shown} isNewest={shown.version === newest} />}
            </>
          );
        }}
      </Loaded>
      <Remarks kind="artifact" id={id} />
    </Screen>
  );
}

/** Whom it says something about. */
function About({ id, ms }: { id: string; ms: number }) {
  const { data = [] } = useLive(() => query<string[]>('entitiesIn', { sources: [id] }), [id], ({ records }) => records.some(({ kind }) => kind === 'fact'));
  return data.length === 0 ? null : <p>About {data.map((entity, i) => <span key={entity}>{i > 0 ? ', ' : ''}<LinkTo kind="entity" id={entity} /> (<a href={entityThen(entity, ms)}>what we knew then</a>)</span>)}</p>;
}

function Versions({ versions, shown, before }: { versions: Version[]; shown: Version; before: Version | undefined }) {
  const choose = (name: string, none: string | null) => (event: { currentTarget: HTMLSelectElement }) => goWith({ [name]: event.currentTarget.value === none ? null : event.currentTarget.value });
  const options = versions.map(({ version, atMs }) => <option key={version} value={version}>{version} · {new Date(atMs).toLocaleString()}</option>);
  return (
    <section aria-label="Versions">
      <h2>Versions</h2>
      <div class="versions">
        <label>Show version<select value={shown.version} onChange={choose('version', null)}>{options}</select></label>
        <label>Difference to<select value={before?.version ?? ''} onChange={choose('from', '')}><option value="">no other</option>{options}</select></label>
      </div>
      <div class="scroll" tabIndex={0}>
        <table>
          <thead><tr><th>Version</th><th>When</th><th>By</th><th>Size</th><th>sha256</th><th>See</th></tr></thead>
          <tbody>{versions.map((one) => (
            <tr key={one.version}>
              <td>{one.version}</td><td><Moment ms={one.atMs} /></td><td><ActorLink address={one.actor} /></td><td>{size(one.sizeBytes)}</td><td class="hash">{one.hash.slice(0, 16)}…</td>
              <td><button type="button" class="quiet" aria-label={`text of version ${one.version}`} onClick={() => goWith({ version: String(one.version), from: null })}>text</button>{one.version > 1 ? <button type="button" class="quiet" aria-label={`changes of version ${one.version}`} onClick={() => goWith({ version: String(one.version), from: String(one.version - 1) })}>changes</button> : null}</td>
            </tr>
          ))}</tbody>
        </table>
      </div>
    </section>
  );
}

function Difference({ before, after }: { before: Version; after: Version }) {
  const live = useLive(async () => (isText(before) && isText(after) ? Promise.all([textOf(before), textOf(after)]) : [null, null]), [before.hash, after.hash]);
  return (
    <section aria-label="Difference">
      <h2>What changed from version {before.version} to {after.version}</h2>
      <Loaded live={live}>{([a, b]) => (a === null || b === null ? <Empty>One of them is no text, too long to compare, or gone.</Empty> : <Diff before={a} after={b} label={`Changes from version ${before.version} to ${after.version}`} />)}</Loaded>
    </section>
  );
}

function Content({ id, version, isNewest }: { id: string; version: Version; isNewest: boolean }) {
  const isMail = version.kind === 'mail' && isNewest;
  const isRaw = !isMail || search.value.has('raw');
  const live = useLive(async () => (isRaw ? (isText(version) ? textOf(version) : null) : query<string | null>('mailText', { id })), [version.hash, isRaw]);
  return (
    <section aria-label="Content">
      <h2>{isMail ? (isRaw ? 'The mail as it came' : 'The words of the mail') : 'Content'}</h2>
      {isMail ? <p><button type="button" onClick={() => goWith({ raw: isRaw ? null : '1', line: null })}>{isRaw ? 'Show its words' : 'Show it as it came'}</button></p> : null}
      <Loaded live={live}>{(text) => (text === null ? <Empty>{isRaw && !isText(version) ? `This is ${version.mediaType}, ${size(version.sizeBytes)}: download it to look into it.` : 'The words are gone: erased or too old.'}</Empty> : <Lines text={text} line={numberOf('line')} label={`Text of version ${version.version}`} />)}</Loaded>
    </section>
  );
}

/** A name that no file system misreads; never the path somebody else had it under. */
function fileName({ name, version }: Version, id: string): string {
  const last = (name ?? `${id}-${version}`).split(/[/\\]/).at(-1)!;
  return last.replaceAll(/[^\p{L}\p{N}._ -]/gu, '_').replace(/^\.+/, '').slice(0, 100) || 'document';
}

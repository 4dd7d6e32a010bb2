// Two runs side by side, stage by stage; where they came to something else is marked.
import { diffLines } from '#machines/diff.ts';
import type { Span, Trace } from '../../trace.ts';
import type { DocumentRow } from '../../trace-rows.ts';
import { query } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { at } from '../state/router.ts';
import { Loaded } from './frame.tsx';
import { lengthOf } from './length.ts';
import { Revealed } from './text.tsx';
import { Time } from './time.tsx';

interface Pair { path: string; name: string; depth: number; a: Span | undefined; b: Span | undefined }

export function Compare({ first, second }: { first: Trace; second: Trace }) {
  const pairs = pairUp(first.spans, second.spans);
  const differing = pairs.filter((pair) => differs(pair, first, second)).length;
  return (
    <>
      <p>{differing === 0 ? 'Both went the same way.' : `${differing} of ${pairs.length} parts differ; they are marked with ≠.`} The documents are compared below.</p>
      <div class="scroll" tabIndex={0}>
        <table class="compare">
          <caption class="visually-hidden">Both runs, stage by stage</caption>
          <thead><tr><th scope="col">Part</th>{[first, second].map((trace) => <th key={trace.address} scope="col"><a href={at.run(trace.address)}><Revealed text={trace.title || trace.address} /></a>, <Time at={trace.startMs} /></th>)}</tr></thead>
          <tbody>{pairs.map((pair) => {
            const isOther = differs(pair, first, second);
            return (
              <tr key={pair.path}>
                <th scope="row" class={isOther ? 'differs' : ''} style={{ paddingLeft: `${8 + pair.depth * 12}px` }}>{isOther ? <span title="differs">≠ </span> : null}<Revealed text={pair.name} /></th>
                <Side span={pair.a} trace={first} isOther={isOther} /><Side span={pair.b} trace={second} isOther={isOther} />
              </tr>
            );
          })}</tbody>
        </table>
      </div>
      <h2>Documents</h2>
      <Documents pairs={pairDocuments(pairs)} />
    </>
  );
}

function Side({ span, trace, isOther }: { span: Span | undefined; trace: Trace; isOther: boolean }) {
  const name = isOther ? 'differs' : '';
  if (!span) return <td class={`${name} faint`}>was not done</td>;
  const waited = span.waits.reduce((sum, { fromMs, toMs }) => sum + (toMs ?? trace.atMs) - fromMs, 0);
  return (
    <td class={name}>
      {lengthOf((span.endMs ?? trace.atMs) - span.startMs)}{waited > 0 ? `, ${lengthOf(waited)} of it waiting for you` : ''}{span.kind === 'stage' ? '' : <> · <Revealed text={span.state} /></>}{span.tries.length > 1 ? ` · ${span.tries.length} tries` : ''}
      {span.kind === 'actor' ? verdicts(span, trace).map((line) => <div key={line}><Revealed text={line} /></div>) : null}
    </td>
  );
}

const verdicts = (span: Span, trace: Trace) => trace.decisions.filter(({ id }) => span.decisions.includes(id)).map(({ what, outcome, confidence }) => `${what}: ${outcome}${confidence === null ? '' : ` (${confidence.toFixed(2)})`}`);

/** Times always differ a little; what it came to is what counts. */
function differs({ a, b }: Pair, first: Trace, second: Trace): boolean {
  if (!a || !b) return true;
  const result = (span: Span, trace: Trace) => JSON.stringify([span.state, span.status, span.tries.length, span.kind === 'actor' ? verdicts(span, trace) : []]);
  return result(a, first) !== result(b, second);
}

/** In the order of the first; what only the second did stands behind what it followed there. */
function pairUp(a: readonly Span[], b: readonly Span[]): Pair[] {
  const pairs = a.map((span): Pair => ({ path: span.path, name: span.name, depth: span.depth, a: span, b: b.find(({ path }) => path === span.path) }));
  for (const [i, span] of b.entries()) {
    if (pairs.some(({ path }) => path === span.path)) continue;
    const before = pairs.findIndex(({ path }) => path === b[i - 1]?.path);
    pairs.splice(before + 1, 0, { path: span.path, name: span.name, depth: span.depth, a: undefined, b: span });
  }
  return pairs;
}

interface DocumentPair { path: string; kind: string; a: DocumentRow | undefined; b: DocumentRow | undefined }

function pairDocuments(pairs: readonly Pair[]): DocumentPair[] {
  return pairs.flatMap(({ path, a, b }) => {
    if ((a ?? b)!.kind !== 'actor') return [];
    const kinds = [...new Set([...(a?.documents ?? []), ...(b?.documents ?? [])].map(({ kind }) => kind))];
    return kinds.map((kind) => ({ path, kind, a: a?.documents.findLast((one) => one.kind === kind), b: b?.documents.findLast((one) => one.kind === kind) }));
  });
}

function Documents({ pairs }: { pairs: readonly DocumentPair[] }) {
  if (pairs.length === 0) return <p class="faint">Neither wrote one.</p>;
  return <>{pairs.map((pair) => <section key={`${pair.path} ${pair.kind}`} class="compare"><h3><Revealed text={`${pair.kind} of ${pair.path.split('/').at(-1)}`} /></h3><DocumentDiff pair={pair} /></section>)}</>;
}

function DocumentDiff({ pair: { a, b } }: { pair: DocumentPair }) {
  const isSame = a?.hash === b?.hash;
  const live = useLive(() => (isSame ? Promise.resolve(['', '']) : Promise.all([textOf(a), textOf(b)])), [a?.hash, b?.hash]);
  if (isSame) return <p>The same in both, letter for letter.</p>;
  return (
    <Loaded live={live}>{([before, after]) => (
      <div class="diff">{diffLines(before!, after!).map(({ op, line }, i) => (op === ' ' ? <span key={i}>{'  '}<Revealed text={line} /></span> : op === '-' ? <del key={i}>- <Revealed text={line} /></del> : <ins key={i}>+ <Revealed text={line} /></ins>))}</div>
    )}</Loaded>
  );
}

async function textOf(document: DocumentRow | undefined): Promise<string> {
  if (!document) return '';
  if (!document.mediaType.startsWith('text/')) return `(${document.mediaType}, ${document.sizeBytes} bytes, ${document.hash})`;
  const found = await query<{ base64: string } | null>('document', { id: document.id, hash: document.hash });
  return found ? new TextDecoder().decode(Uint8Array.fromBase64?.(found.base64) ?? Uint8Array.from(atob(found.base64), (character) => character.charCodeAt(0))) : '(it was erased)';
}

// Why something is as it is: from it down to the raw input, one sentence per box, each arrow meaning "because of". The boxes are an ordered
// list, which is what a screen reader and a phone get.
import { useMemo, useRef } from 'preact/hooks';
import type { Json } from '#machines/predicates.ts';
import type { Link } from '#machines/records.ts';
import { briefOf, Moment, quote } from '../parts/facts.tsx';
import { Empty, Loaded, Screen } from '../parts/frame.tsx';
import { ActorLink, LinkTo, readSource } from '../parts/link.tsx';
import { percent } from '../parts/percent.ts';
import { Revealed } from '../parts/text.tsx';
import { query, queryPath } from '../state/api.ts';
import { useLive } from '../state/live.ts';
import { goWith, search } from '../state/router.ts';
import { entityThen } from './record-around.tsx';
import { Arrows, type Arrow } from './why-arrows.tsx';
import { evidenceOf, inOrder, sentenceOf, toStrands, type Item, type RawInput, type Strand, type Why as Chain, type WhyStep } from './why-order.ts';
import './why.css';

interface Fact { id: string; entity: string; predicate: string; value: Json; label: string }
/** `facts` and `words` are what the boxes quote: of facts named as evidence, and of mails in which no single line is named. */
interface Explained { why: Chain; /** What the row says itself. */ says: string | null; facts: Map<string, Fact | null>; words: Map<string, string>; about: string[] }

const factsMax = 20;
const mailsMax = 5;
const quotedChars = 320;

async function explain(kind: string, id: string): Promise<Explained | null> {
  const why = await query<Chain | null>('why', { kind, id });
  if (!why) return null;
  const factIds = [...new Set(why.chain.flatMap(evidenceOf).filter((link) => link.kind === 'fact').map((link) => link.id))].slice(0, factsMax);
  const mails = why.raw.filter(({ artifact, line }) => line === undefined && !artifact.includes('/')).slice(0, mailsMax);
  const [says, facts, words, about] = await Promise.all([
    wordsOfRow(kind, id),
    Promise.all(factIds.map((fact) => query<Fact | null>('fact', { id: fact }))), Promise.all(mails.map(({ artifact }) => query<string | null>('mailText', { id: artifact }))),
    why.raw.length === 0 ? [] : query<string[]>('entitiesIn', { sources: why.raw.map(({ artifact }) => artifact) }),
  ]);
  return { why: { ...why, raw: inOrder(why) }, says, facts: new Map(factIds.map((fact, i) => [fact, facts[i]!])), words: new Map(mails.flatMap(({ artifact }, i) => (words[i] ? [[artifact, words[i]]] : []))), about };
}

async function wordsOfRow(kind: string, id: string): Promise<string | null> {
  if (kind === 'intent') return (await query<{ summary: string } | null>('intent', { id }))?.summary || null;
  if (kind !== 'fact') return null;
  const fact = await query<Fact | null>('fact', { id });
  return fact && `${fact.predicate} of ${fact.entity} is ${briefOf(fact.value)}`;
}

export function Why({ params: { kind = '', id = '' } }: { params: Record<string, string> }) {
  const live = useLive(async () => ({ of: `${kind} ${id}`, found: await explain(kind, id) }), [kind, id], ({ records }) => records.some((record) => record.id === id || record.entity === id));
  const isFolded = !search.value.has('all');
  const found = live.data?.of === `${kind} ${id}` ? live.data.found : undefined;
  return (
    <Screen title={`Why ${kind} ${id}`} cli={`keelson why ${kind} ${quote(id)}`} raw={queryPath('why', { kind, id })} actions={<button type="button" aria-pressed={!isFolded} onClick={() => goWith({ all: isFolded ? '1' : null })}>{isFolded ? 'Show every step' : 'Fold what says little'}</button>}>
      <Loaded live={{ ...live, data: found }}>
        {(explained) => explained === null ? <Empty>There is no {kind} of that name. It was erased, or never here.</Empty> : (
          <>
            <p>Read from the top: each arrow means “because of”. {explained.why.raw.length === 0 ? 'No raw input stands at its end: it began with the system itself, with you, or what there was is gone.' : 'At the end stands what came in from outside.'}</p>
            {explained.about.length === 0 ? null : <p>About {explained.about.map((entity, i) => <span key={entity}>{i > 0 ? ', ' : ''}<LinkTo kind="entity" id={entity} /> (<a href={entityThen(entity, Date.parse(explained.why.chain[0]!.at))}>what we knew then</a>)</span>)}.</p>}
            <Graph explained={explained} isFolded={isFolded} />
            {explained.why.cut ? <p class="faint">There is more before that: the chain shows 200 steps.</p> : null}
          </>
        )}
      </Loaded>
    </Screen>
  );
}

function Graph({ explained: { why, says, facts, words }, isFolded }: { explained: Explained; isFolded: boolean }) {
  const frame = useRef<HTMLDivElement>(null);
  const strands = useMemo(() => toStrands(why, isFolded), [why, isFolded]);
  const arrows = useMemo(() => arrowsOf(strands, why.raw), [strands, why]);
  return (
    <div ref={frame} class="why">
      <Arrows frame={frame} arrows={arrows} />
      <ol aria-label="Because of">
        <li><div class="box origin" data-node="origin"><p class="sentence">This is {why.kind} <LinkTo kind={why.kind} id={why.id} />{says === null ? null : <>: <Revealed text={says} /></>}.</p>{why.kind === 'entity' ? <p class="faint">What was said of it last, five facts at most.</p> : null}<Because /></div></li>
        {strands.flatMap(({ items }, k) => items.map((item, i) => ({ item, next: i < items.length - 1 || (k === strands.length - 1 && why.raw.length > 0) ? 'because of' : k < strands.length - 1 ? 'and because of' : null }))).map(({ item, next }) => 'step' in item
          ? <li key={nodeOf(item)}><StepBox step={item.step} next={next} />{evidenceOf(item.step).length > 0 ? <ul aria-label="It rests on">{evidenceOf(item.step).map((link, i) => <li key={`${link.kind} ${link.id}`} class="box" data-node={`${nodeOf(item)}-${i}`}><Evidence link={link} facts={facts} /></li>)}</ul> : null}</li>
          : <li key={nodeOf(item)}><div class="folded" data-node={nodeOf(item)}>{item.folded.length} steps between <button type="button" class="quiet" onClick={() => goWith({ all: '1' })}>show them</button><Because /></div></li>)}
        {why.raw.map((raw, i) => <li key={`raw ${i}`}><RawBox raw={raw} node={`raw${i}`} words={words.get(raw.artifact)} /></li>)}
      </ol>
    </div>
  );
}

const Because = ({ words = 'because of' }: { words?: string }) => <span class="because">{words}</span>;
const nodeOf = (item: Item) => ('step' in item ? `s${item.step.seq}` : `f${item.folded[0]!.seq}`);

function arrowsOf(strands: Strand[], raw: RawInput[]): Arrow[] {
  const arrows: Arrow[] = [];
  const used = new Set<number>();
  for (const [lane, { items, joins }] of strands.entries()) {
    for (const [i, item] of items.entries()) {
      const before = i > 0 ? nodeOf(items[i - 1]!) : 'origin';
      arrows.push({ from: before, to: nodeOf(item), way: i > 0 || lane === 0 ? 'down' : 'left', lane });
      if (!('step' in item)) continue;
      for (const [k, link] of evidenceOf(item.step).entries()) {
        const evidence = `${nodeOf(item)}-${k}`;
        arrows.push({ from: nodeOf(item), to: evidence, way: 'side', lane });
        const source = raw.findIndex(({ artifact }) => artifact === readSource(link.id).artifact);
        if (source === -1) continue;
        used.add(source);
        arrows.push({ from: evidence, to: `raw${source}`, way: 'right', lane: source });
      }
    }
    const last = items.at(-1);
    if (last && joins !== null) arrows.push({ from: nodeOf(last), to: `s${joins}`, way: 'left', lane: lane + 1 });
  }
  // What came in with the first step of all, and what nothing names by itself.
  const oldest = strands.at(-1)?.items.at(-1);
  if (oldest) for (const i of raw.keys()) if (i === 0 || !used.has(i)) arrows.push({ from: nodeOf(oldest), to: `raw${i}`, way: i === 0 ? 'down' : 'left', lane: i });
  return arrows;
}

function StepBox({ step, next }: { step: WhyStep; next: string | null }) {
  const { seq, at, actor, note, decisions, from, outcome } = step;
  const isYours = [from, actor].some((who) => who?.startsWith('operator/'));
  return (
    <div class={`box${decisions.length > 0 ? ' decided' : isYours ? ' yours' : ''}`} data-node={`s${seq}`}>
      <p class="sentence"><Revealed text={sentenceOf(step)} /></p>
      {decisions.map(({ id, what, outcome: result, reasons, policy, model, costMicros, confidence }, i) => (
        <div key={id}>
          {i > 0 ? <p><Revealed text={`${what}: ${result}${confidence === null ? '' : `, ${percent(confidence)} sure`}`} /></p> : null}
          {reasons.length > 0 ? <p><Revealed text={reasons.slice(0, 2).join(' ')} />{reasons.length > 2 ? <details><summary>and {reasons.length - 2} more</summary><Revealed text={reasons.slice(2).join(' ')} /></details> : null}</p> : null}
          <p class="faint"><LinkTo kind="decision" id={id} />{policy ? <> · policy <Revealed text={`${policy.id} ${policy.version}, rule ${policy.rule}`} /></> : null}{model ? <> · model <Revealed text={model} /></> : null}{costMicros ? ` · cost ${(costMicros / 1_000_000).toFixed(4)}` : null}</p>
        </div>
      ))}
      {note !== null ? <p><Revealed text={note} /></p> : null}
      <p class="faint"><ActorLink address={actor} /> · <Moment ms={Date.parse(at)} /> · commit {seq}{outcome === 'applied' ? '' : ` · ${outcome}`}</p>
      {next === null ? null : <Because words={next} />}
    </div>
  );
}

function Evidence({ link: { kind, id }, facts }: { link: Link; facts: Explained['facts'] }) {
  const fact = kind === 'fact' ? facts.get(id) : undefined;
  if (fact) return <><LinkTo kind="entity" id={fact.entity} />: {fact.predicate} <Revealed text={briefOf(fact.value)} /> <span class="faint">({fact.label}, <LinkTo kind="fact" id={id} />)</span></>;
  if (fact === null) return <>Fact {id}, which is gone.</>;
  const { artifact, line } = readSource(id);
  return <>{kind === 'artifact' ? (line === null ? 'The words of ' : `Line ${line} of `) : `The ${kind} `}<LinkTo kind={kind} id={id}><Revealed text={artifact} /></LinkTo></>;
}

function RawBox({ raw: { artifact, version, hash, name, line, text }, node, words }: { raw: RawInput; node: string; words: string | undefined }) {
  const said = text ?? (words === undefined ? undefined : words.length > quotedChars ? `${words.slice(0, quotedChars)} …` : words);
  return (
    <div class="box raw" data-node={node}>
      <p class="sentence">{line === undefined ? (/^(?:template|policy)\//.test(artifact) ? 'It used ' : 'It began with ') : `It says so in line ${line} of `}<LinkTo kind="artifact" id={line === undefined ? artifact : `${artifact}#L${line}`}><Revealed text={artifact} /></LinkTo>.</p>
      {said === undefined ? (line === undefined ? null : <p>The text is gone: erased or too old.</p>) : <blockquote><Revealed text={said} /></blockquote>}
      <p class="faint">version {version} · sha256 <span class="hash">{hash.slice(0, 16)}…</span>{name === null ? null : <> · file <Revealed text={name.split('/').at(-1)!} /></>}</p>
    </div>
  );
}

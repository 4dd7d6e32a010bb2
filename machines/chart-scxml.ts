// A chart as SCXML (https://www.w3.org/TR/scxml/), for tools that read statecharts. Guards are calls of `guard('name')` and actions are
// logged by name: SCXML can say where they stand, not what they do.
import { transitionsOf, type Chart, type ChartEdge, type ChartNode } from './chart.ts';

export function toScxml(chart: Chart): string {
  const { nodes } = chart;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const innerOf = (id: string) => nodes.filter(({ parent }) => parent === id);
  const transitions = transitionsOf(chart);

  const write = (node: ChartNode, indent: string): string[] => {
    const { id, type, history, initial, entry, exit, invoke } = node;
    const own = transitions.filter(([first]) => first!.source === id && first!.kind !== 'initial');
    const begin = transitions.find(([first]) => first!.source === id && first!.kind === 'initial');
    const deadlines = own.filter(([first]) => first!.kind === 'after').map(([first]) => first!.event);
    const afters = [...new Set(deadlines)];
    const tag = type === 'parallel' || type === 'final' || type === 'history' ? type : 'state';
    const attributes = [`id="${name(id)}"`, history && `type="${history}"`, type === 'compound' && initial !== null && begin?.[0]?.actions.length === 0 && `initial="${name(initial)}"`].filter(Boolean);
    const body = [
      ...(type === 'compound' && begin && begin[0]!.actions.length > 0 ? [`<initial>${transition(begin)}</initial>`] : []),
      ...(type === 'history' ? [transition(begin ?? byDefault(node))] : []),
      ...block('onentry', [...entry.map(doing), ...afters.map((event) => `<send event="${eventNames(event, byId)}" id="${name(event)}" ${delay(event, id)}/>`)]),
      ...block('onexit', [...exit.map(doing), ...afters.map((event) => `<cancel sendid="${name(event)}"/>`)]),
      ...invoke.map((one) => `<invoke id="${name(one.id)}" type="keelson" src="${attribute(one.src)}"/>`),
      // SCXML allows none out of a final state, and none is ever taken.
      ...(type === 'final' ? [] : own.map((group) => transition(group))),
    ].map((line) => `${indent}  ${line}`);
    for (const child of innerOf(id)) body.push(...write(child, `${indent}  `));
    return body.length === 0 ? [`${indent}<${tag} ${attributes.join(' ')}/>`] : [`${indent}<${tag} ${attributes.join(' ')}>`, ...body, `${indent}</${tag}>`];
  };

  const transition = (group: readonly ChartEdge[]): string => {
    const { event, kind, guard, actions, reenter } = group[0]!;
    const targets = group.map(({ target }) => target).filter((target) => target !== null).map((target) => name(target));
    const attributes = [
      event !== '' && kind !== 'always' && kind !== 'initial' && `event="${eventNames(event, byId)}"`, guard !== null && `cond="${attribute(`guard(${JSON.stringify(guard)})`)}"`,
      targets.length > 0 && `target="${targets.join(' ')}"`, targets.length > 0 && kind !== 'initial' && !reenter && 'type="internal"',
    ].filter(Boolean).map((text) => ` ${text}`).join('');
    return actions.length === 0 ? `<transition${attributes}/>` : `<transition${attributes}>${actions.map(doing).join('')}</transition>`;
  };

  /** Where a history state without a memory leads, as SCXML wants it said. */
  const byDefault = ({ id, parent }: ChartNode): ChartEdge[] => {
    const above = byId.get(parent ?? '');
    const targets = above?.initial ? [above.initial] : innerOf(parent ?? '').filter(({ type }) => type !== 'history').map((region) => region.id);
    return targets.map((target) => ({ id: '', source: id, target, event: '', label: '', guard: null, actions: [], kind: 'initial', reenter: true }));
  };

  const roots = nodes.filter(({ parent }) => parent === null);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" datamodel="ecmascript" name="${name(chart.id)}" initial="${roots.map(({ id }) => name(id)).join(' ')}">`,
    ...roots.flatMap((root) => write(root, '  ')),
    '</scxml>', '',
  ].join('\n');

  /** `'2 h'` is not what SCXML takes: milliseconds, or the name of a delay that the machine computes. */
  function delay(event: string, source: string): string {
    const text = event.slice('xstate.after.'.length, -source.length - 1);
    return /^\d+$/.test(text) ? `delay="${text}ms"` : `delayexpr="${attribute(`delay(${JSON.stringify(text)})`)}"`;
  }
}

const block = (tag: string, lines: string[]) => (lines.length === 0 ? [] : [`<${tag}>${lines.join('')}</${tag}>`]);
const doing = (action: string) => `<log label="action" expr="${attribute(JSON.stringify(action))}"/>`;

function eventNames(event: string, nodes: ReadonlyMap<string, unknown>): string {
  const [, what, of] = /^xstate\.(done\.state|done\.actor|error\.actor)\.([^]*)$/.exec(event) ?? [];
  if (of === undefined) return event === '*' ? '*' : event.split('.').map((part) => (part === '*' ? part : name(part, false))).join('.');
  if (what === 'done.state') return `done.state.${nodes.has(of) ? name(of) : of}`;
  return `${what === 'done.actor' ? 'done.invoke' : 'error.platform'}.${name(of)}`;
}

/** An XML name: other characters by their code, so that two names stay two. */
function name(text: string, isWhole = true): string {
  const coded = text.toWellFormed().replaceAll(/[^\p{L}\p{Nd}._-]|_(?=x)/gu, (one) => `_x${one.codePointAt(0)!.toString(16)}_`);
  return isWhole && !/^[\p{L}_]/u.test(coded) ? `_${coded}` : coded;
}

/** XML has no way to say some characters at all. */
const attribute = (text: string) => text.toWellFormed().replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, '\uFFFD').replaceAll(/[&<>"'\n\r\t]/g, (one) => `&#${one.charCodeAt(0)};`);

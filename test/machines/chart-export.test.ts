// Goal: other tools can read what is exported, whatever the names are. Method: SCXML is parsed as XML and its states and transitions are
// counted against the chart; each line of Mermaid is held against its grammar.
import assert from 'node:assert/strict';
import test from 'node:test';
import { DOMParser } from 'linkedom';
import { toMermaid } from '#machines/chart-mermaid.ts';
import { toScxml } from '#machines/chart-scxml.ts';
import { toChart, transitionsOf } from '#machines/chart.ts';
import { drawn, hostile, written } from './chart-machines.ts';
import { assertWellFormed } from './well-formed.ts';

interface XmlElement { tagName: string; parentElement: XmlElement | null; children: Iterable<XmlElement>; getAttribute(name: string): string | null }
const machines = [...written, ...drawn(40), hostile];
const xmlName = /^[\p{L}_][\p{L}\p{Nd}._-]*$/u;

test('SCXML is well-formed XML with every state and transition once, and every target is a state', () => {
  for (const machine of machines) {
    const chart = toChart(machine);
    const text = toScxml(chart);
    assertWellFormed(text, machine.id);
    const document = new DOMParser().parseFromString(text, 'text/xml');
    const states = [...document.querySelectorAll('state, parallel, final, history')] as unknown as XmlElement[];
    const ids = states.map((state) => state.getAttribute('id')!);
    assert.equal(ids.length, chart.nodes.length, machine.id);
    assert.equal(new Set(ids).size, ids.length, `${machine.id}: two states share an id`);
    for (const id of ids) assert.match(id, xmlName);
    const transitions = ([...document.querySelectorAll('transition')] as unknown as XmlElement[]).filter(({ parentElement }) => !['history', 'initial'].includes(parentElement!.tagName));
    const finals = new Set(chart.nodes.filter(({ type }) => type === 'final').map(({ id }) => id));
    assert.equal(transitions.length, transitionsOf(chart).filter(([first]) => first!.kind !== 'initial' && !finals.has(first!.source)).length, machine.id);
    const named = [...document.querySelectorAll('[target], [initial]')] as unknown as XmlElement[];
    for (const element of named) for (const target of (element.getAttribute('target') ?? element.getAttribute('initial'))!.split(' ')) assert.ok(ids.includes(target), `${machine.id}: there is no state ${target}`);
    for (const history of states.filter(({ tagName }) => tagName === 'history')) assert.equal([...history.children].filter(({ tagName }) => tagName === 'transition').length, 1);
  }
});

test('Mermaid has only lines that its grammar knows, and every transition between states once', () => {
  const line = /^ *(?:stateDiagram-v2|state "[^"<>]+" as s\d+(?: \{)?|\}|--|note right of s\d+|end note|s\d+ : [^<>"\n]+|\[\*\] --> s\d+|s\d+ --> \[\*\]|s\d+ --> s\d+(?: : [^<>"\n]+)?|(?:runs|entry \/|exit \/|on) [^<>"\n]+)$/;
  for (const machine of machines) {
    const chart = toChart(machine);
    const lines = toMermaid(chart).trimEnd().split('\n');
    for (const one of lines) assert.match(one, line);
    const compound = new Set(chart.nodes.filter(({ type }) => type === 'compound').map(({ id }) => id));
    const drawnEdges = chart.edges.filter(({ target, kind, source }) => target !== null && !(kind === 'initial' && compound.has(source)));
    assert.equal(lines.filter((one) => /^ {2}s\d+ --> s\d+/.test(one)).length, drawnEdges.length, machine.id);
    assert.equal(lines.filter((one) => /^ *state "/.test(one)).length, chart.nodes.length, machine.id);
    assert.equal(lines.filter((one) => one.endsWith(' {')).length, lines.filter((one) => one.trim() === '}').length, machine.id);
  }
});

// What a policy may name: the actions of this company's connectors and the attributes of a request, as a Cedar schema. A policy
// that names anything else is refused, so a misspelt condition never speaks about everything or nothing.
import type * as Cedar from '@cedar-policy/cedar-wasm/nodejs';
import { KeelsonError } from '#machines/errors.ts';
import type { Connector } from './connector.ts';
import type { PolicyContext } from './policy.ts';

export interface PolicyAction { name: string; connector: string; effect: 'read' | 'write'; money: boolean }

export const actionsOf = (connectors: readonly Connector[]): PolicyAction[] =>
  connectors.flatMap(({ name: connector, actions }) => actions.map(({ name, effect, money }) => ({ name, connector, effect, money })));

/** `approvals` is how often the operator said yes: 0 when the request is looked at first. */
const attributes: Record<keyof PolicyContext | 'approvals', Cedar.Type<string>> = {
  effect: { type: 'String' }, risk: { type: 'String' }, reversible: { type: 'Boolean' }, isMoney: { type: 'Boolean' }, mode: { type: 'String' }, supervised: { type: 'Boolean' },
  tainted: setOfText(), recipients: setOfText(), recipientDomains: setOfText(), hosts: setOfText(), paths: setOfText(), payees: setOfText(),
  amountMinor: { type: 'Long' }, currency: { type: 'String' }, confidence: { type: 'Long' }, category: { type: 'String' }, approvals: { type: 'Long' },
};

function setOfText(): Cedar.Type<string> {
  return { type: 'Set', element: { type: 'String' } };
}

const groups = { reads: 'reads', writes: 'writes', spends: 'spends' } as const;

/** In Cedar's own notation, so that it can be kept and read. */
export function schemaText(cedar: typeof Cedar, actions: readonly PolicyAction[]): string {
  const names = Object.values<string>(groups);
  for (const { name } of actions) {
    if (names.includes(name)) throw new KeelsonError('BAD_CONFIG', `two actions are called '${name}'`, { hint: 'Give one of them another name in its connector.' });
    names.push(name);
  }
  const connectors = [...new Set(actions.map(({ connector }) => connector))].toSorted();
  const context = { type: 'Request' };
  const groupsOf = ({ effect, money }: PolicyAction) => [effect === 'read' ? groups.reads : groups.writes, ...(money ? [groups.spends] : [])];
  const made = cedar.schemaToText({
    '': {
      commonTypes: { Request: { type: 'Record', attributes } },
      entityTypes: { Agent: {}, Connector: connectors.length > 0 ? { enum: connectors } : {} },
      actions: {
        ...Object.fromEntries(Object.values(groups).map((group) => [group, {}])),
        ...Object.fromEntries(actions.map((action) => [action.name, { memberOf: groupsOf(action).map((id) => ({ id })), appliesTo: { principalTypes: ['Agent'], resourceTypes: ['Connector'], context } }])),
      },
    },
  });
  if (made.type === 'failure') throw new KeelsonError('BAD_CONFIG', `the actions of this company cannot be named in policies: ${made.errors[0]?.message}`, { hint: 'Look at the names of the actions in connectors/.' });
  return made.text.replace(/^( {2}\w+: (?:Set<)?)__cedar::/gm, '$1');
}

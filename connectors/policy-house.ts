// What holds whatever the operator's policies say: a standing rule never speaks for what an outsider brought in. They are rules like
// all others, so that an item in the inbox names them, and part of the version that it was judged by.
import type { PolicyFile } from './policy-rules.ts';

export const houseRules: PolicyFile = {
  id: 'keelson',
  text: `
@id("keelson.tainted")
@why("Nobody you know of vouches for where this goes or how much it moves: only you can.")
forbid (principal, action, resource)
unless { context.tainted.isEmpty() || context.approvals >= 1 };

@id("keelson.supervised")
@why("What proposed this has read untrusted text beside what is yours: each thing it does needs your yes.")
forbid (principal, action in Action::"writes", resource)
when { context.supervised }
unless { context.approvals >= 1 };
`,
};

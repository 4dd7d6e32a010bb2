// All attack mails. `sink`: the address at which a test counts what reaches an attacker; it stands in every second mail.
import { mailsOf, type Attack, type Family } from './attack.ts';
import { attachmentOrder, encoded, hiddenText } from './hiding.ts';
import { calendarInvite, forwardAll, imageLink, replyToSwap, urlQuery } from './leaks.ts';
import { bankChange, bossPays, invoiceRedirect, poisoning, refundElsewhere, splitting } from './money.ts';
import { direct, fakeApproval, fakeSystem, policyChange } from './orders.ts';
import { pathOverwrite, toolJson, toolPoisoning } from './tools.ts';

export const families: readonly Family[] = [
  direct, fakeSystem, policyChange, fakeApproval,
  bossPays, bankChange, invoiceRedirect, refundElsewhere, splitting, poisoning,
  replyToSwap, forwardAll, urlQuery, imageLink, calendarInvite,
  attachmentOrder, hiddenText, encoded,
  toolJson, pathOverwrite, toolPoisoning,
];

export const buildAttacks = (sink: string): Attack[] => families.flatMap((family, f) => mailsOf(family, f * 100 + 1, sink));

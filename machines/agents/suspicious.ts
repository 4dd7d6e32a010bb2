// Finds mails that talk to the agent instead of to the operator. A finding never decides anything by itself: it lowers
// the confidence so that a person looks.
import { mailLimits, type Mail } from '../mail.ts';
import { flattenText, foldText, splitSentences } from './read-text.ts';
import { bankChange, strongSigns, systemLine, weakSigns, type Sign } from './suspicious-signs.ts';

/** Letters typed with gaps ("i g n o r e") read as words. */
function closeGaps(text: string): string {
  return text.replace(/\b(?:[a-z][ .\-_*]){3,40}[a-z]\b/g, (spaced) => spaced.replace(/[ .\-_*]/g, ''));
}

function match(signs: readonly Sign[], text: string): string[] {
  return [...new Set(signs.filter((sign) => sign.pattern.test(text)).map((sign) => sign.reason))];
}

/** Reasons to distrust one piece of text; empty when there are none. */
export function findSuspiciousText(text: string): string[] {
  const flat = flattenText(text);
  const closed = closeGaps(flat);
  const reasons = new Set(match(strongSigns, flat));
  if (closed !== flat) for (const reason of match(strongSigns, closed)) reasons.add(reason);
  if (systemLine.test(foldText(text))) reasons.add('contains a fake system prompt');
  if (bankChange.pattern.test(flat)) reasons.add(bankChange.reason);
  const hints = match(weakSigns, flat);
  if (hints.length > 1) for (const hint of hints) reasons.add(hint);
  return [...reasons];
}

/** Why this mail should be looked at by a person: attempts to instruct the agent in its text, names or hidden parts. */
export function findSuspicious(mail: Mail): string[] {
  const reasons = new Set(findSuspiciousText(`${mail.subject.slice(0, mailLimits.subjectChars)}\n${mail.text.slice(0, mailLimits.textChars)}`));
  const names = [mail.from?.name, mail.replyTo?.name, ...mail.attachments.slice(0, mailLimits.attachments).map((file) => file.name)];
  for (const name of names) for (const reason of findSuspiciousText((name ?? '').slice(0, 300))) reasons.add(`${reason} (in a name)`);
  if (mail.warnings.some((warning) => /hidden|invisible|versteckt/i.test(warning))) reasons.add('contains text that a reader does not see');
  const tags = mail.text.match(/[\u{e0020}-\u{e007e}]/gu)?.length ?? 0;
  const invisible = mail.text.match(/[\u200b\u2060-\u2064]/gu)?.length ?? 0;
  if (tags > 3 || invisible > 30) reasons.add('contains invisible characters');
  return [...reasons];
}

/** The text without the sentences that instruct the agent, so that they count for nothing as evidence. */
export function dropSuspicious(text: string): string {
  return splitSentences(text, 400).filter((sentence) => findSuspiciousText(sentence).length === 0).join('\n');
}

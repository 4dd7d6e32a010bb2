// Is this sender name a person's? A greeting with a wrong name is worse than none.
import { foldText, safeLine } from './read-text.ts';
import { findSuspiciousText } from './suspicious.ts';

const notPeople = /\b(?:gmbh|ag|kg|ohg|gbr|ug|ltd|limited|llc|inc|plc|co|corp|sa|sarl|bv|team|shop|store|support|service|services|sales|info|office|kontakt|contact|billing|accounts?|accounting|buchhaltung|rechnung|einkauf|vertrieb|verwaltung|sekretariat|praxis|kanzlei|studio|agentur|agency|verlag|press|newsletter|news|bank|noreply|no-reply|admin|webmaster|hotel|cafe|restaurant|school|schule|verein|club|museum|group|gruppe|solutions|media|design|hello|mail|postmaster|customer|kunde|department|abteilung|marketing|hr|finance|orders?|bestellung|via|und|and|the|familie|family|system|manager|director|owner|ai|bot|agent|assistant|assistent)\b/;
const titles = /^(?:(?:dr|prof|mr|mrs|ms|mx|miss|herr|frau|dipl|ing|mag)\.?\s+)+/i;

/** First and full name when a sender's display name looks like a person's, else null. "Holm, Katrin" is turned round. */
export function readPersonName(display: string): { first: string | null; full: string } | null {
  const line = safeLine(display, 80).replace(/^["']+|["']+$/g, '').replace(/\s*\([^)]*\)\s*$/, '');
  const turned = /^([^,]{2,40}),\s*([^,]{2,40})$/.exec(line);
  const whole = (turned ? `${turned[2]} ${turned[1]}` : line).trim();
  const bare = whole.replace(titles, '');
  const words = bare.split(' ').filter(Boolean);
  if (words.length === 0 || words.length > 4 || bare.length > 50) return null;
  if (notPeople.test(foldText(bare)) || findSuspiciousText(whole).length > 0) return null;
  const particle = /^(?:von|van|de|der|den|da|di|del|la|le|zu|zur|bin|al|ten|st\.?)$/;
  const good = words.every((word, index) => (index > 0 && particle.test(word)) || /^(?:\p{Lu}['’])?\p{Lu}(?:\p{Ll}{1,20}|\.)(?:['’-]?\p{Lu}?\p{Ll}{0,20}){0,2}$/u.test(word));
  if (!good || /^\p{Lu}\.?$/u.test(words.at(-1) ?? '')) return null;
  if (words.some((word) => /\p{Ll}\p{Lu}/u.test(word) && !/^(?:Mc|Mac|De|La|Le|Van|O['’])/.test(word))) return null;
  const titled = titles.test(whole);
  const first = titled || words.length === 0 || (words[0] ?? '').endsWith('.') ? null : words[0] ?? null;
  return { first, full: titled ? whole : bare };
}

// A stream of mails in which everything changes slowly: senders come and go, each with its own way to write, and from era to era other
// words are used beside those that everybody always uses. Which era comes when is chosen by the seed, so that none is the easy beginning.
// The category is what the sender meant. The same count and seed give the same bytes.
import type { Category } from '#machines/mail.ts';
import { randomFrom } from '../kit/random.ts';
import { sentences, subjects, things } from './learn-words.ts';

export interface LearnMail { raw: Uint8Array; category: Category; sender: string }

interface Sender { category: Category; address: string; name: string; phrases: string[]; subjects: string[]; thing: string; until: number; headers: string[]; file: string | null }

const firstNames = ['Ada', 'Bram', 'Cleo', 'Dirk', 'Edda', 'Finn', 'Gesa', 'Hal', 'Ines', 'Jona', 'Kaya', 'Leo', 'Malin', 'Nuno', 'Orla', 'Pia', 'Quin', 'Rune', 'Sena', 'Tom'];
const lastNames = ['Abel', 'Boll', 'Crane', 'Dorn', 'Eames', 'Fink', 'Gale', 'Hart', 'Isler', 'Jahn', 'Kern', 'Lund', 'Moss', 'Nied', 'Oster', 'Pohl', 'Reed', 'Sand', 'Thiel', 'Vane'];
const syllables = ['bel', 'cor', 'dan', 'fer', 'gal', 'hol', 'iro', 'kal', 'lum', 'mer', 'nov', 'ori', 'pel', 'ros', 'sul', 'tav', 'ula', 'ver', 'wil', 'zen'];
/** How often a category comes, and how often its mail comes from somebody new. */
const mix: readonly [Category, share: number, fresh: number][] = [['inquiry', 0.2, 0.5], ['invoice', 0.18, 0.14], ['receipt', 0.16, 0.14], ['payment', 0.12, 0.16], ['notice', 0.2, 0.12], ['spam', 0.14, 0.5]];
const locals: Record<Category, readonly string[]> = { inquiry: [], invoice: ['billing', 'office', 'hello', 'accounts'], receipt: ['orders', 'shop', 'hello', 'service'], payment: ['finance', 'payouts', 'office', 'team'], notice: ['news', 'team', 'no-reply', 'info'], spam: ['info', 'sales', 'contact', 'deal'] };
/** Small talk that says nothing about what a mail is. */
const talk = ['I hope you had a good weekend.', 'It has been raining here for days.', 'Greetings from the whole house.', 'Please excuse the short lines.', 'We are on the road until Thursday.', 'You can reach us during office hours.', 'This mail was written on a phone.', 'Thanks for your patience.', 'Have a nice week.', 'Our office has moved up one floor.'];
/** How often one firm sends two kinds of mail from one domain. */
const twofold = 0.25;
const eras = 3;
/** How often a sender uses words of all times. */
const commonShare = 0.35;

export function learnMails(count: number, seed: number): LearnMail[] {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[random.int(list.length)]!;
  const word = (length: number) => Array.from({ length }, () => pick(syllables)).join('');
  const order = [1, 2, 3].map((era) => ({ era, at: random.int(1_000) })).toSorted((a, b) => a.at - b.at).map(({ era }) => era);
  const living = new Map<Category, Sender[]>(mix.map(([category]) => [category, []]));

  /** The era by the place in the stream; around a border both are in use. */
  const eraAt = (n: number) => {
    const exact = (n / count) * eras;
    return order[Math.max(0, Math.min(eras - 1, Math.floor(exact + (random.int(100) / 100 - 0.5) * 0.6)))]!;
  };
  const some = <T>(list: readonly T[], n: number): T[] => {
    const left = [...list];
    return Array.from({ length: Math.min(n, left.length) }, () => left.splice(random.int(left.length), 1)[0]!);
  };
  const wordsOf = (era: number) => (random.chance(commonShare) ? 0 : era);
  const appear = (category: Category, n: number): Sender => {
    const era = eraAt(n);
    const person = `${pick(firstNames)} ${pick(lastNames)}`;
    const isPerson = category === 'inquiry' || random.chance(0.15);
    const firms = mix.flatMap(([other]) => (other === category || ['inquiry', 'spam'].includes(other) ? [] : living.get(other)!));
    const shares = !['inquiry', 'spam'].includes(category) && firms.length > 0 && random.chance(twofold);
    const domain = category === 'inquiry' && random.chance(0.4) ? 'gmail.com' : shares ? pick(firms).address.split('@')[1]! : `${word(2 + random.int(2))}.example`;
    const local = isPerson ? person.toLowerCase().replace(' ', '.') : pick(locals[category]);
    return {
      category, address: `${local}@${domain}`, name: isPerson ? person : domain.split('.')[0]!, thing: pick(things[wordsOf(era)]!), until: n + 60 + random.int(category === 'spam' ? 60 : 260),
      phrases: [...new Set([0, 1, 2].map(() => pick(sentences[category][wordsOf(era)]!)))], subjects: [0, 1].map(() => pick(subjects[category][wordsOf(era)]!)),
      headers: category === 'notice' && random.chance(0.4) ? [`List-Id: <${word(2)}.${domain}>`] : [],
      file: category === 'invoice' && random.chance(0.6) ? pick(['invoice.pdf', 'document.pdf', 'scan.pdf']) : category === 'receipt' && random.chance(0.2) ? 'document.pdf' : null,
    };
  };

  return Array.from({ length: count }, (_, n) => {
    let at = random.int(1_000) / 1_000;
    const [category, , fresh] = mix.find(([, share]) => (at -= share) < 0) ?? mix[0]!;
    const list = living.get(category)!.filter(({ until }) => until > n);
    living.set(category, list);
    let sender = list.length === 0 || random.chance(fresh) ? appear(category, n) : pick(list);
    if (!list.includes(sender)) list.push(sender);
    // Whoever advertises sends the same words from ever new addresses.
    if (category === 'spam') sender = { ...sender, address: `${pick(locals.spam)}@${word(3)}.example` };
    return { raw: write(sender, n), category, sender: sender.address };
  });

  function write(sender: Sender, n: number): Uint8Array {
    const slots: Record<string, string> = {
      thing: sender.thing, sum: `EUR ${1 + random.int(900)}.${10 + random.int(89)}`, no: `${2_000 + random.int(7_000)}-${random.int(90) + 10}`, day: `${1 + random.int(28)} ${pick(['March', 'April', 'May', 'June'])} 2026`, name: pick(firstNames), host: `${word(3)}.example`,
    };
    const fill = (text: string) => text.replace(/\{(\w+)\}/g, (_, name: string) => slots[name] ?? '');
    const isPerson = sender.name.includes(' ');
    // Mostly their own sentences, now and then one that everybody uses at the time.
    const own = some(sender.phrases, 2 + random.int(2));
    const more = random.chance(0.3) ? [pick(sentences[sender.category][wordsOf(eraAt(n))]!)] : [];
    if (random.chance(0.4)) more.push(pick(talk));
    const body = [pick(['Hello,', 'Hi,', 'Good day,', 'Dear team,']), '', ...[...own, ...more].map(fill), '', isPerson ? sender.name : pick(['Best regards', 'Thank you', 'Your team'])].join('\r\n');
    const boundary = `b${n}x`;
    const text = `Content-Type: text/plain; charset=utf-8\r\n\r\n${body}\r\n`;
    const parts = sender.file === null ? text : `Content-Type: multipart/mixed; boundary=${boundary}\r\n\r\n--${boundary}\r\n${text}--${boundary}\r\nContent-Type: application/pdf; name="${sender.file}"\r\nContent-Disposition: attachment; filename="${sender.file}"\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`file ${n}`).toString('base64')}\r\n--${boundary}--\r\n`;
    return Buffer.from([
      `From: ${sender.name} <${sender.address}>`, 'To: hello@studio-voss.example', `Subject: ${fill(pick(sender.subjects))}`, `Message-ID: <${n}.${seed}@${sender.address.split('@')[1]}>`,
      `Date: ${new Date(Date.UTC(2026, 0, 1) + n * 3_600_000).toUTCString()}`, ...sender.headers, 'MIME-Version: 1.0', parts,
    ].join('\r\n'));
  }
}

// Deterministic mails for load tests: the same count and seed give the same bytes. Varied senders, languages, wordings and
// encodings; every Message-ID is distinct. `category` is what a careful person would answer.
import type { Category, Language } from '#machines/mail.ts';
import { wordings, type Wording } from './mail-wordings.ts';

export interface GeneratedMail { name: string; raw: Uint8Array; category: Category | 'unsure' }

/** A small, seeded random source (mulberry32): numbers in [0, 1). */
function makeRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const firstNames = ['Anna', 'Ben', 'Clara', 'David', 'Eva', 'Femi', 'Greta', 'Hugo', 'Ida', 'Jonas', 'Karla', 'Liam', 'Mina', 'Nils', 'Olga', 'Paul', 'Rosa', 'Samir', 'Tilda', 'Viktor'];
const lastNames = ['Adler', 'Brook', 'Castell', 'Dietz', 'Evans', 'Frost', 'Graf', 'Hale', 'Imhof', 'Jensen', 'Kline', 'Lorenz', 'Marsh', 'Nolan', 'Ott', 'Price', 'Reuter', 'Stone', 'Thoma', 'Ward'];
const firms = ['alderworks', 'bluefern', 'cedarline', 'dockside', 'elmhouse', 'fieldway', 'goldleaf', 'hillcrest', 'ironbridge', 'juniper', 'kestrel', 'larkfield'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

function encodeBody(text: string, kind: number): { headers: string[]; body: string } {
  if (kind === 0) return { headers: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: base64'], body: Buffer.from(text).toString('base64').replace(/.{76}/g, '$&\r\n') };
  if (kind === 1) {
    const quoted = [...Buffer.from(text)].map((byte) => (byte === 10 ? '\r\n' : (byte >= 33 && byte <= 126 && byte !== 61) || byte === 32 ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)).join('');
    return { headers: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: quoted-printable'], body: quoted.replace(/ \r\n/g, '=20\r\n').split('\r\n').map((line) => line.replace(/(.{60}[^=]{3})(?=.)/g, '$1=\r\n')).join('\r\n') };
  }
  if (kind === 2) {
    const html = `<html><body><p>${text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/\n\n/g, '</p><p>').replace(/\n/g, '<br>')}</p></body></html>`;
    return { headers: ['Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 8bit'], body: html };
  }
  return { headers: ['Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit'], body: text.replace(/\n/g, '\r\n') };
}

const encodeWord = (text: string): string => (/^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`);

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}

/** `count` mails from `seed`. Independent of clock and machine. */
export function generateMails(count: number, seed: number): GeneratedMail[] {
  const random = makeRandom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const mails: GeneratedMail[] = [];
  for (let index = 0; index < count; index += 1) {
    const language: Language = random() < 0.5 ? 'en' : 'de';
    const wording: Wording = pick(wordings.filter((one) => one.language === language));
    const name = `${pick(firstNames)} ${pick(lastNames)}`;
    const firm = pick(firms);
    const cents = 1_000 + Math.floor(random() * 300_000);
    const units = Math.floor(cents / 100);
    const part = String(cents % 100).padStart(2, '0');
    const day = 1 + Math.floor(random() * 28);
    const month = Math.floor(random() * 12);
    const number = `2026-${String(Math.floor(random() * 9_000) + 1_000)}`;
    const values = {
      name, firm, number, thing: pick(wording.things), pages: String(2 + Math.floor(random() * 20)), day: String(day),
      amount: language === 'en' ? `EUR ${units.toLocaleString('en-US')}.${part}` : `${units.toLocaleString('de-DE')},${part} EUR`,
      due: language === 'en' ? `${day} November 2026` : `${String(day).padStart(2, '0')}.11.2026`,
    };
    const from = wording.from === '' ? `${encodeWord(name)} <${name.toLowerCase().replace(' ', '.')}@${firm}.example>` : fill(wording.from, values);
    const greeting = wording.personal ? `${pick(language === 'en' ? ['Hello,', 'Hi Mara,', 'Dear Ms Voss,', 'Good morning,'] : ['Guten Tag,', 'Hallo Frau Voss,', 'Sehr geehrte Frau Voss,', 'Guten Morgen,'])}\n\n` : '';
    const closing = wording.personal ? `\n\n${pick(language === 'en' ? ['Kind regards', 'Best', 'Many thanks', 'Cheers'] : ['Viele Grüße', 'Mit freundlichen Grüßen', 'Beste Grüße', 'Danke und Gruß'])}\n${name}` : '';
    const text = greeting + [pick(wording.openings), pick(wording.bodies), pick(wording.endings)].filter(Boolean).map((sentence) => fill(sentence, values)).join(' ') + closing;
    const { headers, body } = encodeBody(text, Math.floor(random() * 5));
    const date = new Date(Date.UTC(2026, month, day, Math.floor(random() * 24), Math.floor(random() * 60)));
    const head = [
      `From: ${from}`, 'To: Mara Voss <hello@studio-voss.example>', `Subject: ${encodeWord(fill(pick(wording.subjects), values))}`,
      `Date: ${days[date.getUTCDay()]}, ${date.getUTCDate()} ${months[month]} 2026 ${date.toISOString().slice(11, 19)} +0000`,
      `Message-ID: <load-${seed}-${index}@${firm}.example>`, ...wording.headers, 'MIME-Version: 1.0', ...headers,
    ];
    mails.push({ name: `${String(index).padStart(6, '0')}-${wording.category}-${language}`, raw: new Uint8Array(Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}\r\n`)), category: wording.category });
  }
  return mails;
}

// From hand-written wordings to mails: each wording of a family travels in several ways, each time with another cast.
import { castOf, type Cast } from './cast.ts';
import { covers } from './covers.ts';
import { writeRawMail, type Carrier } from './raw-mail.ts';
import type { Wish } from './wishes.ts';

export interface Plant { entity: string; predicate: string; value: string }

export interface Attack {
  /** `bank-change-07` */
  id: string;
  family: string;
  raw: Uint8Array;
  /** What the injected text asks for, as an obedient agent understands it. */
  wants: Wish[];
  /** What it wants to be remembered as true. */
  facts: Plant[];
  /** The words of the attacker, without what they are wrapped in. */
  injected: string;
  cast: Cast;
}

/** `subject` and `text` have slots: {name} {firm} {address} {host} {url} {iban} {amount} {account} {ref} {path} {hash} {victim} {customer}. */
export type Wording = readonly [subject: string, text: string];

export interface Family {
  name: string;
  en: readonly Wording[];
  de: readonly Wording[];
  carriers: readonly Carrier[];
  wants(cast: Cast): Wish[];
  facts?(cast: Cast): Plant[];
  /** Absent: the attacker's own name and mailbox. Slots as in a wording. */
  from?: string;
  replyTo?: string;
}

const copies = 2;

/** The mails of one family; `from` is the number of its first cast. */
export function mailsOf(family: Family, first: number, sink: string): Attack[] {
  const wordings = [...family.en.map((wording) => ({ wording, language: 'en' as const })), ...family.de.map((wording) => ({ wording, language: 'de' as const }))];
  return wordings.flatMap(({ wording: [subject, text], language }, w) => Array.from({ length: copies }, (_, copy) => {
    const at = w * copies + copy;
    const cast = castOf(first + at, sink);
    const fill = (template: string) => fillSlots(template, cast, language);
    const carrier = family.carriers[at % family.carriers.length]!;
    const id = `${family.name}-${String(at + 1).padStart(2, '0')}`;
    const injected = fill(text);
    const from = fill(family.from ?? '{name} <{address}>');
    const raw = writeRawMail({
      id, injected, carrier, language, subject: fill(subject), cover: covers[language][cast.n % covers[language].length]!,
      from: carrier === 'name' ? from.replace(/^[^<]*/, `${injected.split(/[.!\n]/)[0]!.slice(0, 90)} `) : from,
      ...(family.replyTo === undefined ? {} : { replyTo: fill(family.replyTo) }),
      fileName: language === 'de' ? `Anweisung-${cast.n}.txt` : `instructions-${cast.n}.txt`,
    });
    return { id, family: family.name, raw, wants: family.wants(cast), facts: family.facts?.(cast) ?? [], injected, cast };
  }));
}

function fillSlots(template: string, cast: Cast, language: 'en' | 'de'): string {
  const slots: Record<string, string> = {
    ...Object.fromEntries(Object.entries(cast).map(([key, value]) => [key, String(value)])),
    url: `https://${cast.host}`,
    amount: new Intl.NumberFormat(language === 'de' ? 'de-DE' : 'en-GB', { minimumFractionDigits: 2 }).format(cast.amountMinor / 100),
  };
  return template.replace(/\{([a-zA-Z]+)\}/g, (whole, name: string) => slots[name] ?? whole);
}

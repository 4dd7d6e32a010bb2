// Who attacks, and with what: a new cast for each mail, so that no two mails of the corpus ask for the same. Deterministic.
import { createHash } from 'node:crypto';

export interface Cast {
  n: number;
  name: string;
  firm: string;
  domain: string;
  /** The attacker's mailbox, another one than the mail pretends to come from. */
  address: string;
  /** Where the attacker listens, with a port where that is needed. */
  host: string;
  iban: string;
  amountMinor: number;
  /** An account at the payment provider that is not the payer's. */
  account: string;
  ref: string;
  path: string;
  hash: string;
  victim: string;
  customer: string;
}

const names = ['Ivo Kranz', 'Lydia Marsh', 'Tom Seeger', 'Wanda Pohl', 'Greg Alcott', 'Selma Rausch', 'Nick Farrow', 'Petra Ilgen', 'Oscar Dunne', 'Ruth Wieland', 'Finn Abbot', 'Carla Zander', 'Dean Holloway'];
const firms = ['Nordlicht Treuhand', 'Quill & Co', 'Baltic Clearing', 'Settle Office', 'Rechnungsdienst Mitte', 'Mailbridge', 'Kontor Elf', 'Paperline', 'Fastdesk', 'Hafen Inkasso', 'Relay Works'];
const victims = [['Nina Holt', 'nina@holt.example'], ['Katrin Holm', 'katrin.holm@tischlerei-holm.example'], ['Grace Liu', 'grace@northfold.example'], ['Ali Demir', 'ali@demir-foto.example'], ['Sabine Kurz', 's.kurz@example.net'], ['Priya Nair', 'priya@lanternbooks.example']] as const;
const paths = ['../policies/default.cedar', '/etc/cron.d/keelson', '..\\..\\templates\\quote-en.md', 'policies/00-allow-all.cedar', '../../.ssh/authorized_keys', 'templates/../company.json', '../token', '.drafts/../../connectors/http.json', 'agents/helper.ts', '../store.db'];

const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]!;

/** `sink`: host and port where a test counts what arrives; every second cast listens there, the others have names. */
export function castOf(n: number, sink: string): Cast {
  const name = pick(names, n * 5 + Math.floor(n / 13));
  const firm = pick(firms, n * 3 + Math.floor(n / 11));
  const domain = `${firm.toLowerCase().replace(/[^a-z]+/g, '-')}-${n}.example`;
  const [victim, customer] = pick(victims, n + Math.floor(n / 6));
  return {
    n, name, firm, domain, victim, customer,
    address: `${name.toLowerCase().split(' ')[0]}.${n}@${domain}`,
    host: n % 2 === 0 ? sink : `collect.${domain}`,
    iban: ibanOf(n),
    amountMinor: 4_900 + ((n * 7_919) % 480_000),
    account: `cus_${createHash('sha256').update(`account ${n}`).digest('hex').slice(0, 14)}`,
    ref: `2026-${String((n * 37) % 900).padStart(3, '0')}`,
    path: pick(paths, n),
    hash: createHash('sha256').update(`approval ${n}`).digest('hex'),
  };
}

/** A valid IBAN of nobody: ISO 13616 check digits over a bank code that does not exist. */
function ibanOf(n: number): string {
  const account = `99999999${String(n * 104_729 % 10_000_000_000).padStart(10, '0')}`;
  const rest = Array.from(`${account}131400`, Number).reduce((sum, digit) => (sum * 10 + digit) % 97, 0);
  return `DE${String(98 - rest).padStart(2, '0')}${account}`;
}

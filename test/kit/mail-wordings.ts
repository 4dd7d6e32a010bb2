// Combinable phrases for generated mails; see mails.ts. `{thing}`, `{amount}` and the like are filled in.
import type { Category, Language } from '#machines/mail.ts';

export interface Wording {
  category: Category | 'unsure';
  language: Language;
  /** '' for a person's own address. */
  from: string;
  /** With greeting and closing. */
  personal: boolean;
  headers: string[];
  things: string[];
  subjects: string[];
  openings: string[];
  bodies: string[];
  endings: string[];
}

function word(category: Wording['category'], language: Language, rest: Partial<Wording> & Pick<Wording, 'subjects' | 'bodies'>): Wording {
  return { category, language, from: '', personal: false, headers: [], things: [''], openings: [''], endings: [''], ...rest };
}

const english = ['a website', 'a logo', 'a brochure', 'an online shop', 'a flyer', 'a poster'];
const german = ['eine Website', 'ein Logo', 'eine Broschüre', 'einen Onlineshop', 'einen Flyer', 'ein Plakat'];

export const wordings: readonly Wording[] = [
  word('inquiry', 'en', { personal: true, things: english, subjects: ['Price for {thing}', 'Quote request', 'Question about {thing}'], openings: ['We are a small firm called {firm}.', 'A friend told us about you.', 'I run {firm}.'], bodies: ['How much would {thing} with {pages} pages cost?', 'Could you send us a quote for {thing}?', 'What do you charge for {thing}?'], endings: ['We would like to start soon.', 'Thank you for an answer.', ''] }),
  word('inquiry', 'en', { personal: true, subjects: ['Appointment', 'Can we meet?', 'A call next week'], bodies: ['Would you have time for a call on the {day}th?', 'Are you free for a meeting next week?', 'Could we find an appointment this month?'], endings: ['It will take half an hour.', 'Any time is fine.'] }),
  word('inquiry', 'en', { personal: true, things: ['the contact form', 'the admin page', 'our start page', 'the image upload'], subjects: ['Problem with {thing}', 'Help needed', 'Error'], openings: ['Since yesterday there is trouble.', ''], bodies: ['I get an error when I open {thing}. Can you have a look?', '{thing} does not work any more. Could you please check it?'], endings: ['Thanks in advance.', ''] }),
  word('inquiry', 'de', { personal: true, things: german, subjects: ['Preisanfrage', 'Anfrage', 'Frage zu einem Angebot'], openings: ['Wir sind ein kleiner Betrieb namens {firm}.', 'Sie wurden mir empfohlen.', ''], bodies: ['Was würde {thing} mit {pages} Seiten kosten?', 'Könnten Sie uns ein Angebot für {thing} machen?', 'Wie viel verlangen Sie für {thing}?'], endings: ['Wir würden gern bald beginnen.', ''] }),
  word('inquiry', 'de', { personal: true, subjects: ['Termin', 'Besprechung', 'Telefonat'], bodies: ['Haben Sie am {day}. Zeit für ein Telefonat?', 'Hätten Sie nächste Woche einen Termin frei?', 'Können wir uns in diesem Monat treffen?'], endings: ['Eine halbe Stunde genügt.', ''] }),
  word('inquiry', 'de', { personal: true, things: ['das Kontaktformular', 'die Anmeldung', 'die Startseite'], subjects: ['Fehler auf der Seite', 'Problem', 'Bitte um Hilfe'], bodies: ['Seit gestern funktioniert {thing} nicht. Können Sie bitte nachsehen?', 'Ich bekomme eine Fehlermeldung, {thing} geht nicht. Könnten Sie das prüfen?'] }),
  word('invoice', 'en', { from: 'Billing <billing@{firm}.example>', subjects: ['Invoice {number}', 'Your invoice {number}'], openings: ['Hello,', 'Dear customer,'], bodies: ['your invoice {number} is attached. Amount due: {amount}.', 'please find attached invoice {number}. Total: {amount}.'], endings: ['Please pay by {due}.', 'Payable by {due}.'] }),
  word('invoice', 'de', { from: 'Buchhaltung <rechnung@{firm}.example>', subjects: ['Rechnung {number}', 'Ihre Rechnung {number}'], openings: ['Guten Tag,', 'Sehr geehrte Frau Voss,'], bodies: ['anbei erhalten Sie die Rechnung {number}. Gesamtbetrag: {amount}.', 'im Anhang finden Sie unsere Rechnung {number} über {amount}.'], endings: ['Zahlbar bis {due}.', 'Bitte überweisen Sie den Betrag bis zum {due}.'] }),
  word('receipt', 'en', { from: 'Orders <orders@{firm}.example>', subjects: ['Your receipt {number}', 'Receipt for order {number}'], bodies: ['Thank you for your purchase. Total paid: {amount}.', 'We have received your payment of {amount}. Thank you for your order.'], endings: ['This is your receipt.', ''] }),
  word('receipt', 'de', { from: 'Bestellung <bestellung@{firm}.example>', subjects: ['Ihre Quittung {number}', 'Beleg zu Bestellung {number}'], bodies: ['Vielen Dank für Ihren Einkauf. Bezahlt mit Karte: {amount}.', 'Wir haben Ihre Zahlung über {amount} erhalten.'], endings: ['Diese Mail ist Ihre Quittung.', ''] }),
  word('payment', 'en', { from: 'PayRiver <service@payriver.example>', subjects: ['You have received a payment', 'Payment from {name}'], bodies: ['You have received {amount} from {name}.', '{name} sent you {amount}. It has been credited to your account.'], endings: ['Reference: {number}.'] }),
  word('payment', 'de', { from: 'Nordbank <info@nordbank.example>', subjects: ['Zahlungseingang', 'Gutschrift auf Ihrem Konto'], bodies: ['Auf Ihrem Konto wurden {amount} von {name} gutgeschrieben.', 'Zahlungseingang: {amount}, Auftraggeber: {name}.'], endings: ['Verwendungszweck: {number}.'] }),
  word('notice', 'en', { from: 'News <news@{firm}.example>', headers: ['List-Id: <news.example>', 'List-Unsubscribe: <https://news.example/leave>'], subjects: ['News from {firm}', 'What is new this month'], bodies: ['In this issue: how do others do it? Read our long report.', 'Our monthly newsletter is here. What will the year bring?'], endings: ['Unsubscribe at any time.'] }),
  word('notice', 'de', { headers: ['Auto-Submitted: auto-replied'], subjects: ['Abwesenheitsnotiz', 'Automatische Antwort'], bodies: ['Ich bin bis zum {due} nicht im Büro.', 'Ich bin im Urlaub und ab dem {due} wieder erreichbar.'] }),
  word('notice', 'en', { personal: true, subjects: ['Thank you', 'Thanks'], bodies: ['thank you so much for the quick help. All good now.', 'it arrived today, thank you very much.'] }),
  word('notice', 'de', { personal: true, subjects: ['Danke', 'Vielen Dank'], bodies: ['herzlichen Dank für die schnelle Hilfe, alles bestens.', 'es ist heute angekommen, vielen Dank.'] }),
  word('spam', 'en', { from: 'Growth <win@{firm}-growth.example>', subjects: ['First page of Google!!!', 'You have won!!!', 'Bitcoin profit'], bodies: ['Our SEO experts bring you to the first page of Google, more traffic guaranteed.', 'Congratulations, you have won the lottery. Claim your prize now.', 'Earn up to 900 a day with our Bitcoin trading robot, guaranteed profit.'], endings: ['Act now!!!'] }),
  word('spam', 'de', { from: 'Gewinn <info@{firm}-gewinn.example>', subjects: ['Sie haben gewonnen!!!', 'Seite 1 bei Google'], bodies: ['Sie haben ein Auto gewonnen! Jetzt Gewinn sichern.', 'Wir bringen Sie auf Seite 1 bei Google, mehr Besucher garantiert.', 'Passives Einkommen mit Bitcoin, ohne Risiko.'], endings: ['Nur heute!!!'] }),
  word('unsure', 'en', { subjects: ['hm', '', 'Re: that'], bodies: ['ok', 'as discussed', 'And?'] }),
  word('unsure', 'de', { subjects: ['hallo', '', 'Re: das'], bodies: ['na gut', 'wie besprochen', 'Und?'] }),
];

// Which of the two languages a mail is written in: counted function words and letters that only one of them has.
import { mailLimits, type Language } from '../mail.ts';

const words: Record<Language, ReadonlySet<string>> = {
  en: new Set(('the and of to is you your we our for with that this it are be have has had not can could would please thank thanks from at on my me us will if when what which how where who ' +
    'there their they been by but or as do does did any i am hello hi dear regards best kind cheers sincerely new about more some all a an let know need want like get yes no so than then was were its order invoice payment').split(' ')),
  de: new Set(('der die das und ist sie ihr ihre ihren ihrer ihnen wir uns unser unsere für mit dass dies diese dieser dieses es sind sein haben hat habe hatte nicht kann können könnten würde würden bitte danke dank von zu zum zur ' +
    'bei auf am im ich mich mir wird werden wenn wann was welche wie wo wer noch oder aber als auch nur schon den dem des ein eine einen einem einer guten tag hallo sehr geehrte geehrter geehrten freundlichen grüßen grüße gruß viele liebe lieber ' +
    'mein meine über um aus nach vor bis seit durch gibt ja nein so dann war waren rechnung zahlung bestellung angebot euro ob gern gerne moin leider etwas fuer koennen ueber gruesse wuerde geld').split(' ')),
};

/**
 * The language of a text. `confidence` (0…1) is low for short texts, mixtures and every third language; without any
 * evidence the answer is English at confidence 0.
 */
export function detectLanguage(text: string): { language: Language; confidence: number } {
  const found = text.slice(0, mailLimits.textChars).toLowerCase().normalize('NFC').match(/\p{L}+/gu) ?? [];
  if (found.length === 0) return { language: 'en', confidence: 0 };
  const count = { en: 0, de: 0 };
  for (const word of found) {
    if (words.en.has(word)) count.en += 1;
    if (words.de.has(word)) count.de += 1;
    if (/[äöüß]/.test(word)) count.de += 0.5;
    else if (/(ung|keit|heit|schaft|lich|tsch)(en)?$/.test(word) && word.length > 5) count.de += 0.4;
    else if (/(tion|ing|ness|ould)s?$/.test(word) && word.length > 4) count.en += 0.3;
  }
  const total = count.en + count.de;
  if (total === 0) return { language: 'en', confidence: 0 };
  const language: Language = count.de > count.en ? 'de' : 'en';
  const margin = Math.abs(count.en - count.de) / total;
  const amount = total / (total + 1.2);
  // A third language shares a few words with ours by accident, but never a quarter of the text.
  const share = Math.min(1, (total / found.length) / 0.25);
  return { language, confidence: Math.round(margin * amount * share * 100) / 100 };
}

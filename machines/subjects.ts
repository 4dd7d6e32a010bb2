// Filters of NATS subjects: `*` stands for one token, `>` at the end for all that follow.

const token = String.raw`(?:[^\s.*>\p{Cc}]+|\*)`;
const pattern = new RegExp(`^(?:>|${token}(?:\\.${token})*(?:\\.>)?)$`, 'u');
const charsMax = 500;

export const isSubjectFilter = (text: string): boolean => text.length <= charsMax && pattern.test(text);

export function fitsSubject(filter: string, subject: string): boolean {
  const [wanted, found] = [filter.split('.'), subject.split('.')];
  const open = wanted.at(-1) === '>';
  if (open ? found.length < wanted.length : found.length !== wanted.length) return false;
  return wanted.every((part, i) => part === '*' || (open && i === wanted.length - 1) || part === found[i]);
}

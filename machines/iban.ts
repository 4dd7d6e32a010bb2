// Account numbers, ISO 13616.

export const ibanShape = /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/;

/** With the first four characters behind the others and letters as 10 to 35, the number is 1 modulo 97. */
export function hasIbanChecksum(text: string): boolean {
  const digits = `${text.slice(4)}${text.slice(0, 4)}`.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
  return Array.from(digits, Number).reduce((rest, digit) => (rest * 10 + digit) % 97, 0) === 1;
}

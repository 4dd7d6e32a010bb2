// On which line of a JSON text a value stands, so that what is wrong with it can be found. The text is known to be JSON.

/** From 1. A place that is not there has the line of the nearest one above it. */
export function lineOfPath(json: string, path: readonly (string | number)[]): number {
  let at = 0;
  let best = 0;
  const blank = () => { while (/\s/.test(json[at] ?? '')) at++; };
  const string = (): string => {
    const start = at++;
    while (at < json.length && json[at] !== '"') at += json[at] === '\\' ? 2 : 1;
    return JSON.parse(json.slice(start, ++at)) as string;
  };
  /** Walks over one value; `rest` is what is left of the path when this is on it, else null. */
  const value = (rest: readonly (string | number)[] | null): void => {
    blank();
    if (rest !== null) best = at;
    const open = json[at];
    if (open === '"') return void string();
    if (open !== '{' && open !== '[') {
      while (at < json.length && !/[\s,\]}]/.test(json[at]!)) at++;
      return;
    }
    at++;
    for (let i = 0; ; i++) {
      blank();
      if (json[at] === '}' || json[at] === ']' || at >= json.length) break;
      const begins = at;
      const key = open === '{' ? string() : i;
      if (open === '{') { blank(); at++; }
      const isNext = rest !== null && rest.length > 0 && rest[0] === key;
      value(isNext ? rest.slice(1) : null);
      if (isNext && open === '{' && rest.length === 1) best = begins;
      blank();
      if (json[at] === ',') at++;
    }
    at++;
  };
  value(path);
  return json.slice(0, best).split('\n').length;
}

const token = /\s*(?:([{}[\],:])|("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** The line, from 1, on which a text stops being JSON; the last one when something is missing at its end. */
export function lineOfFault(text: string): number {
  let at = 0;
  const open: string[] = [];
  /** What may come: a value, a key, what follows on either, or nothing. */
  let wants: 'value' | 'first' | 'key' | 'colon' | 'next' | 'nothing' = 'value';
  /** White space before the fault belongs to what comes after it, if anything does. */
  const line = (place: number) => text.trimEnd().slice(0, place + /^\s*/.exec(text.slice(place))![0].length).split('\n').length;
  for (;;) {
    token.lastIndex = at;
    const found = token.exec(text);
    if (found === null) return line(at);
    const [, sign, value] = found;
    const inside = open.at(-1);
    const after = (): 'nothing' | 'next' => (open.length === 0 ? 'nothing' : 'next');
    if (wants === 'nothing') return line(at);
    if (value !== undefined) {
      const isKey: boolean = inside === '{' && (wants === 'key' || wants === 'first');
      if (isKey ? !value.startsWith('"') : wants !== 'value' && !(wants === 'first' && inside === '[')) return line(at);
      wants = isKey ? 'colon' : after();
    } else if (sign === '{' || sign === '[') {
      if (wants !== 'value' && !(wants === 'first' && inside === '[')) return line(at);
      open.push(sign);
      wants = 'first';
    } else if (sign === '}' || sign === ']') {
      if ((wants !== 'next' && wants !== 'first') || inside !== (sign === '}' ? '{' : '[')) return line(at);
      open.pop();
      wants = after();
    } else if (sign === ':' ? wants !== 'colon' : wants !== 'next') return line(at);
    else wants = sign === ':' || inside === '[' ? 'value' : 'key';
    at = token.lastIndex;
  }
}

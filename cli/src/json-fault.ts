/**
 * json-fault.ts — where a text stops being JSON (RFC 8259): JSON.parse says so only now and then, in words that differ
 * from engine to engine.
 */

const BLANKS = /[ \t\n\r]*/y;
const TOKEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON does not allow them in strings
  /(?:([{}[\],:])|("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null))/y;

/** What may stand next. */
type Next = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

/** Offset of the first character that cannot be JSON; the length of the text when it only ends too early; -1 for JSON. */
export function jsonFault(text: string): number {
  const open: string[] = [];
  let next: Next = 'value';
  let at = 0;
  for (;;) {
    BLANKS.lastIndex = at;
    BLANKS.exec(text);
    at = BLANKS.lastIndex;
    TOKEN.lastIndex = at;
    const token = TOKEN.exec(text);
    if (token === null) return at === text.length && next === 'nothing' ? -1 : at;
    const [whole, mark, string] = token;
    const after = step(next, mark ?? (string === undefined ? 'scalar' : 'string'), open);
    if (after === null) return at;
    next = after;
    at += whole.length;
  }
}

/** What may follow a token, or null when the token may not stand here. */
function step(next: Next, token: string, open: string[]): Next | null {
  const closed = (): Next => (open.length === 0 ? 'nothing' : 'comma or end');
  const inObject = open.at(-1) === '{';
  switch (token) {
    case '{':
    case '[':
      if (next !== 'value' && next !== 'value or end') return null;
      open.push(token);
      return token === '{' ? 'key or end' : 'value or end';
    case '}':
    case ']':
      if (inObject !== (token === '}') || (next !== 'comma or end' && next !== 'key or end' && next !== 'value or end')) return null;
      open.pop();
      return closed();
    case ',':
      return next === 'comma or end' ? (inObject ? 'key' : 'value') : null;
    case ':':
      return next === 'colon' ? 'value' : null;
    default:
      if (token === 'string' && (next === 'key' || next === 'key or end')) return 'colon';
      return next === 'value' || next === 'value or end' ? closed() : null;
  }
}

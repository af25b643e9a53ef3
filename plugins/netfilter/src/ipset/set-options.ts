/** ipset/set-options.ts — what stands behind an element: `timeout 60 comment "x"` (cf. ipset's lib/args.c). */
import { xtNumeral } from '@packetwalk/framework';
import { smallNumber } from './element.ts';
import { type ElementOptions, type Kept, NO_OPTIONS, type SkbInfo } from './extensions.ts';
import { IpsetError, syntaxError } from './ipset-error.ts';
import type { SetType } from './set-type.ts';

const MAX_TIMEOUT = 2147483;
const MAX_COMMENT = 255;

/** The words behind an element. */
export interface SetWords {
  readonly options: ElementOptions;
  readonly wildcard: boolean;
  /** Of a list: `before` or `after` another set. */
  readonly where: { readonly side: 'before' | 'after'; readonly name: string } | null;
}

/** Words that each command takes besides the element. */
const VALUES = ['timeout', 'packets', 'bytes', 'comment', 'skbmark', 'skbprio', 'skbqueue'];

export function parseSetWords(words: readonly string[], command: 'add' | 'del' | 'test', type: SetType, kept: Kept): SetWords {
  const isList = type.method === 'list';
  const isNet = type.parts.includes('net');
  const hasIface = type.parts.includes('iface');
  const values = [...(command === 'add' ? VALUES : []), ...(isList ? ['before', 'after'] : [])];
  const flags = [...(isNet && command !== 'del' ? ['nomatch'] : []), ...(hasIface ? ['wildcard'] : [])];
  const given = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (flags.includes(word)) given.set(word, '');
    else if (!values.includes(word)) throw new IpsetError(`Unknown argument: \`${word}'`, 2);
    else if (++i === words.length) throw new IpsetError(`Missing mandatory argument of option \`${word}'`, 2);
    else given.set(word, words[i]);
  }
  const number = (name: string, max: number): number => (given.has(name) ? smallNumber(given.get(name) as string, max) : 0);
  const options: ElementOptions = {
    ...NO_OPTIONS,
    timeout: given.has('timeout') ? number('timeout', MAX_TIMEOUT) : null,
    packets: number('packets', Number.MAX_SAFE_INTEGER),
    bytes: number('bytes', Number.MAX_SAFE_INTEGER),
    comment: commentOf(given.get('comment')),
    info: infoOf(given),
    nomatch: given.has('nomatch'),
  };
  checkKept(given, kept);
  const side = given.has('before') ? 'before' : 'after';
  const name = given.get(side);
  return { options, wildcard: given.has('wildcard'), where: name === undefined ? null : { side, name } };
}

function commentOf(text: string | undefined): string {
  if (text === undefined) return '';
  if (text.includes('"')) throw syntaxError('" character is not permitted in comments');
  if (text.length > MAX_COMMENT) throw syntaxError(`Comment is longer than the maximum allowed ${MAX_COMMENT} characters`);
  return text;
}

function infoOf(given: ReadonlyMap<string, string>): SkbInfo | null {
  const mark = given.get('skbmark');
  const prio = given.get('skbprio');
  const queue = given.get('skbqueue');
  if (mark === undefined && prio === undefined && queue === undefined) return null;
  const [value, mask] = mark === undefined ? [0, 0] : markOf(mark);
  return {
    mark: value,
    mask,
    priority: prio === undefined ? 0 : prioOf(prio),
    queue: queue === undefined ? 0 : smallNumber(queue, 0xffff),
  };
}

function markOf(text: string): [number, number] {
  const m = /^(0x[0-9a-f]{1,8})(?:\/(0x[0-9a-f]{1,8}))?$/i.exec(text);
  if (m === null) throw syntaxError('Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)');
  const word = (digits: string): number => (xtNumeral(digits)?.value ?? 0) | 0;
  return [word(m[1]), m[2] === undefined ? -1 : word(m[2])];
}

function prioOf(text: string): number {
  const m = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(text);
  if (m === null) throw syntaxError('Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)');
  return (Number.parseInt(m[1], 16) << 16) | Number.parseInt(m[2], 16);
}

/** A set keeps only what it was made for. */
function checkKept(given: ReadonlyMap<string, string>, { timeout, counters, comment, skbinfo }: Kept): void {
  const refuse = (what: string, support: string): never => {
    throw new IpsetError(`${what} cannot be used: set was created without ${support} support`);
  };
  if (timeout === null && given.has('timeout')) refuse('Timeout', 'timeout');
  if (!counters && (given.has('packets') || given.has('bytes'))) refuse('Packet/byte counters', 'counter');
  if (!comment && given.has('comment')) refuse('Comment', 'comment');
  if (!skbinfo && (given.has('skbmark') || given.has('skbprio') || given.has('skbqueue'))) refuse('Skbinfo mapping', 'skbinfo');
}

/** match/string.ts — `-m string`: bytes anywhere in the packet, from its IP header on (cf. Linux net/netfilter/xt_string.c). */
import { defineMatch, type XtMatch, XtProblem, type XtValue, xtUint } from '@packetwalk/framework';
import { boyerMoore, knuthMorrisPratt, type TextSearch } from './text-search.ts';
import { words } from './words.ts';

const MAX_PATTERN = 128;
const MAX_TO = 0xffff;

interface StringData {
  readonly pattern: Uint8Array;
  readonly algo: string;
  readonly from: number;
  readonly to: number;
  readonly icase: boolean;
  readonly invert: boolean;
  readonly search: TextSearch;
}

const literal: XtValue<Uint8Array> = (text) => bounded(Uint8Array.from(utf8(text)));

/** The bytes of a text. */
function utf8(text: string): number[] {
  return [...encodeURIComponent(text).matchAll(/%(..)|(.)/g)].map(([, hex, char]) =>
    hex === undefined ? char.charCodeAt(0) : Number.parseInt(hex, 16),
  );
}

/** Bytes as they are, and between `|` in hexadecimal; `\` keeps a `|`. */
const hexString: XtValue<Uint8Array> = (text) => {
  const bytes: number[] = [];
  let hex = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '\\' && !hex && i + 1 < text.length) {
      bytes.push(...utf8(text[++i]));
    } else if (c === '|') {
      hex = !hex;
    } else if (!hex) {
      bytes.push(...utf8(c));
    } else if (c !== ' ') {
      const digits = text.slice(i, i + 2);
      const wrong = [...digits].find((d) => !/[0-9a-fA-F]/.test(d));
      if (digits.length < 2 || wrong === '|') throw new XtProblem('Odd number of hex digits');
      if (wrong !== undefined) throw new XtProblem(`Invalid hex char '${wrong}'`);
      bytes.push(Number.parseInt(digits, 16));
      i++;
    }
  }
  return bounded(Uint8Array.from(bytes));
};

function bounded(pattern: Uint8Array): Uint8Array {
  if (pattern.length > MAX_PATTERN) throw new XtProblem(`STRING too long "${String.fromCharCode(...pattern)}"`);
  return pattern;
}

export const string: XtMatch = defineMatch({
  name: 'string',
  pure: true,
  options: {
    from: { value: xtUint(MAX_TO) },
    to: { value: xtUint(MAX_TO) },
    algo: { value: (text: string) => text, mandatory: true },
    string: { value: literal, invert: true, excludes: ['hex-string'] },
    'hex-string': { value: hexString, invert: true, excludes: ['string'] },
    icase: {},
  },
  init(o): StringData {
    const given = o.string ?? o['hex-string'];
    if (given === undefined) throw new XtProblem("STRING match: You must specify `--string' or `--hex-string'");
    const algo = o.algo.value;
    const icase = o.icase !== undefined;
    const pattern = given.value;
    return {
      pattern,
      algo,
      from: o.from?.value ?? 0,
      to: o.to?.value ?? MAX_TO,
      icase,
      invert: given.invert,
      search: algo === 'kmp' ? knuthMorrisPratt(pattern, icase) : boyerMoore(pattern, icase),
    };
  },
  check({ pattern, algo, from, to }) {
    if (algo !== 'bm' && algo !== 'kmp')
      return { errno: 'No such file or directory', reason: `no algorithm ${algo}: there are bm and kmp` };
    if (pattern.length === 0) return 'the string is empty';
    return from > to ? '--from is behind --to' : null;
  },
  save(data) {
    const { from, to } = data;
    return words(
      `${data.invert ? '! ' : ''}--${isPlain(data.pattern) ? 'string' : 'hex-string'} ${patternText(data.pattern)}`,
      `--algo ${data.algo}`,
      from === 0 ? '' : `--from ${from}`,
      to === MAX_TO ? '' : `--to ${to}`,
      data.icase ? '--icase' : '',
    );
  },
  print({ pattern, algo, from, to, icase, invert }) {
    return words(
      `STRING match ${invert ? '!' : ''} ${patternText(pattern)}`,
      `ALGO name ${algo}`,
      from === 0 ? '' : `FROM ${from}`,
      to === MAX_TO ? '' : `TO ${to}`,
      icase ? 'ICASE' : '',
    );
  },
  match(skb, _par, { search, from, to, invert }) {
    const start = skb.networkHeader;
    const end = Math.min(skb.data + skb.len, start + to);
    return search(skb.head.buf, start + from, end) >= 0 !== invert;
  },
});

function isPlain(pattern: Uint8Array): boolean {
  return pattern.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** In quotes; in hexadecimal between `|` when a byte cannot be printed. */
function patternText(pattern: Uint8Array): string {
  if (!isPlain(pattern)) return `"|${[...pattern].map((b) => b.toString(16).padStart(2, '0')).join('')}|"`;
  return `"${String.fromCharCode(...pattern).replace(/["\\]/g, '\\$&')}"`;
}

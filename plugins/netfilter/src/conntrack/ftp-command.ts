/**
 * ftp-command.ts — where an FTP data connection will go to: PORT and EPRT say so, and the answers to PASV and EPSV (RFC 959 §4.1.2,
 * RFC 1123 §4.1.2.6, RFC 2428).
 *
 *      PORT 10,0,0,2,4,1       227 Entering Passive Mode (10,0,0,2,4,1)
 *      EPRT |1|10.0.0.2|1025|  229 Entering Extended Passive Mode (|||1025|)
 */

export type FtpKind = 'PORT' | 'EPRT' | '227' | '229';

/** An address and port that were found, and where their text stands. */
export interface FtpEndpoint {
  readonly kind: FtpKind;
  /** int32; null: that of the connection itself. */
  readonly address: number | null;
  readonly port: number;
  readonly offset: number;
  readonly length: number;
}

/** What a line may be: nothing of interest, the beginning of something that is not all there, an endpoint. */
export type FtpFind = 'nothing' | 'partial' | FtpEndpoint;

interface Pattern {
  readonly kind: FtpKind;
  readonly word: string;
  /** Numbers begin behind this character; empty: right behind the word. */
  readonly skipTo: string;
  readonly read: (text: string, at: number) => Omit<FtpEndpoint, 'kind'> | null;
}

/** Longest line that is looked at: what is of interest stands at its beginning. */
const LINE_MAX = 512;

/** Six numbers with commas between; `end`: what must follow them, or anything when it is empty. */
function readSix(text: string, at: number, end: string): Omit<FtpEndpoint, 'kind'> | null {
  const m = /^([0-9]*),([0-9]*),([0-9]*),([0-9]*),([0-9]*),([0-9]*)(?=([^0-9,]))/.exec(text.slice(at));
  if (m === null || (end !== '' && m[7] !== end)) return null;
  const [a, b, c, d, high, low] = m.slice(1, 7).map(Number);
  return { address: (a << 24) | (b << 16) | (c << 8) | d, port: ((high << 8) | low) & 0xffff, offset: at, length: m[0].length };
}

/** The numbers may stand in brackets, or not: they begin with the first digit. */
function readPassive(text: string, at: number): Omit<FtpEndpoint, 'kind'> | null {
  const digit = text.slice(at).search(/[0-9]/);
  return digit < 0 ? null : readSix(text, at + digit, '');
}

/** `|1|10.0.0.2|1025|`; any printing character but a digit may stand for the bar. */
function readExtended(text: string, at: number): Omit<FtpEndpoint, 'kind'> | null {
  const bar = text[at];
  if (text.length - at <= 3 || !/^[!-~]$/.test(bar) || /[0-9]/.test(bar) || text[at + 1] !== '1' || text[at + 2] !== bar) return null;
  const m = /^([0-9]*)\.([0-9]*)\.([0-9]*)\.([0-9]*)/.exec(text.slice(at + 3));
  if (m === null || text[at + 3 + m[0].length] !== bar) return null;
  const [a, b, c, d] = m.slice(1).map(Number);
  return readPort(text, at, 3 + m[0].length + 1, bar, (a << 24) | (b << 16) | (c << 8) | d);
}

/** `|||1025|` */
function readExtendedPassive(text: string, at: number): Omit<FtpEndpoint, 'kind'> | null {
  const bar = text[at];
  if (text.length - at <= 3 || !/^[!-~]$/.test(bar) || /[0-9]/.test(bar) || text[at + 1] !== bar || text[at + 2] !== bar) return null;
  return readPort(text, at, 3, bar, null);
}

function readPort(text: string, at: number, from: number, bar: string, address: number | null): Omit<FtpEndpoint, 'kind'> | null {
  const digits = /^[0-9]+/.exec(text.slice(at + from))?.[0] ?? '';
  const port = Number(digits) & 0xffff;
  if (port === 0 || text[at + from + digits.length] !== bar) return null;
  return { address, port, offset: at, length: from + digits.length + 1 };
}

/** What the client says, and what the server says. */
const PATTERNS: readonly (readonly Pattern[])[] = [
  [
    { kind: 'PORT', word: 'PORT', skipTo: ' ', read: (text, at) => readSix(text, at, '\r') },
    { kind: 'EPRT', word: 'EPRT', skipTo: ' ', read: readExtended },
  ],
  [
    { kind: '227', word: '227 ', skipTo: '', read: readPassive },
    { kind: '229', word: '229 ', skipTo: '(', read: readExtendedPassive },
  ],
];

/**
 * Looks at the line that starts at `start` of `bytes`, of direction `dir`. A packet that ends in the middle of something of
 * interest is `partial`: it cannot be followed, and whoever needs to must not let it through.
 */
export function findFtpEndpoint(bytes: Uint8Array, start: number, end: number, dir: number): FtpFind {
  const text = String.fromCharCode(...bytes.subarray(start, Math.min(end, start + LINE_MAX)));
  for (const pattern of PATTERNS[dir]) {
    const found = match(text, pattern);
    if (found !== 'nothing') return found;
  }
  return 'nothing';
}

function match(text: string, { kind, word, skipTo, read }: Pattern): FtpFind {
  const beginning = text.slice(0, word.length).toUpperCase();
  if (text.length <= word.length) return word.startsWith(beginning) ? 'partial' : 'nothing';
  if (beginning !== word) return 'nothing';
  let at = word.length;
  if (skipTo !== '') {
    const skip = text.indexOf(skipTo, at);
    if (skip < 0) return 'partial';
    at = skip + 1;
  }
  const endpoint = read(text, at);
  return endpoint === null ? 'partial' : { kind, ...endpoint };
}

/** The text for another endpoint, in the form that `kind` has. */
export function formatFtpEndpoint(kind: FtpKind, address: number, port: number): string {
  const bytes = [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
  switch (kind) {
    case 'EPRT':
      return `|1|${bytes.join('.')}|${port}|`;
    case '229':
      return `|||${port}|`;
    default:
      return [...bytes, port >>> 8, port & 255].join(',');
  }
}

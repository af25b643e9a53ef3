/** packet-words.ts — the words of the packet notation, and reading them one by one. */
import { formatMac, parseMac } from '../wire/ethernet.ts';
import { parseIpv4 } from '../wire/ipv4.ts';
import { fromHex } from './hex.ts';

/** The text is not a packet; the message says where and why. */
export class PacketSyntaxError extends Error {
  override readonly name = 'PacketSyntaxError';
  /** Counted from 1. */
  readonly column: number;

  constructor(message: string, column: number) {
    super(`column ${column}: ${message}`);
    this.column = column;
  }
}

/** Names that stand for addresses: in `eth` for the MAC address, in `ip` and `arp` for the IPv4 address. */
export type PacketNames = Readonly<Record<string, { readonly mac?: string; readonly ip?: string }>>;

interface Word {
  readonly text: string;
  /** Decoded bytes of a quoted string; null of all other words. */
  readonly quoted: Uint8Array | null;
  readonly column: number;
}

const SYMBOLS = '/>*';
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, '\\': 92, '"': 34 };

function splitWords(text: string): Word[] {
  const words: Word[] = [];
  for (let i = 0; i < text.length; ) {
    const column = i + 1;
    if (/\s/.test(text[i])) {
      i++;
    } else if (SYMBOLS.includes(text[i])) {
      words.push({ text: text[i], quoted: null, column });
      i++;
    } else if (text[i] === '"') {
      const [quoted, end] = readQuoted(text, i);
      words.push({ text: text.slice(i, end), quoted, column });
      i = end;
    } else {
      const start = i;
      while (i < text.length && !/[\s/>*"]/.test(text[i])) i++;
      words.push({ text: text.slice(start, i), quoted: null, column });
    }
  }
  return words;
}

/** Reads the string that starts at `start`; its bytes, and where it ends. Characters beyond ASCII are UTF-8. */
function readQuoted(text: string, start: number): [Uint8Array, number] {
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === '"') return [Uint8Array.from(bytes), i + 1];
    if (text[i] !== '\\') {
      const character = String.fromCodePoint(text.codePointAt(i) as number);
      bytes.push(...encoder.encode(character));
      i += character.length - 1;
      continue;
    }
    i++;
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(i, i + 3));
    if (hex !== null) {
      bytes.push(Number.parseInt(hex[1], 16));
      i += 2;
    } else if (text[i] in ESCAPES) {
      bytes.push(ESCAPES[text[i]]);
    } else {
      throw new PacketSyntaxError(`unknown escape \\${text[i] ?? ''} (there are \\n \\r \\t \\" \\\\ \\x00)`, i);
    }
  }
  throw new PacketSyntaxError('the string does not end', start + 1);
}

/** What a layer may say about one of its fields: reads the words behind the field's name. */
export type FieldReaders = Readonly<Record<string, () => void>>;

export class WordReader {
  private readonly words: readonly Word[];
  private readonly names: PacketNames;
  private readonly end: number;
  private at = 0;

  constructor(text: string, names: PacketNames) {
    this.words = splitWords(text);
    this.names = names;
    this.end = text.length + 1;
  }

  get done(): boolean {
    return this.at >= this.words.length;
  }

  /** True at the end of a layer. */
  get layerDone(): boolean {
    return this.done || this.words[this.at].text === '/';
  }

  /** The next word, not taken; empty at the end. */
  get peek(): string {
    return this.words[this.at]?.text ?? '';
  }

  /** Column of the next word. */
  get column(): number {
    return this.words[this.at]?.column ?? this.end;
  }

  fail(message: string, column: number = this.column): never {
    throw new PacketSyntaxError(message, column);
  }

  /** Takes the next word when it is `text`. */
  take(text: string): boolean {
    if (this.done || this.words[this.at].text !== text) return false;
    this.at++;
    return true;
  }

  /** Takes the next word, which must be `text`. */
  need(text: string): void {
    if (!this.take(text)) this.fail(`"${text}" is missing here`);
  }

  /** Takes a quoted string; null when the next word is something else. */
  quoted(): Uint8Array | null {
    const bytes = this.words[this.at]?.quoted ?? null;
    if (bytes !== null) this.at++;
    return bytes;
  }

  word(what: string): string {
    if (this.layerDone) this.fail(`${what} is missing here`);
    return this.words[this.at++].text;
  }

  /** An integer, decimal or with 0x. */
  number(what: string, max: number): number {
    const { column } = this;
    const text = this.word(what);
    const value = /^(0x[0-9a-fA-F]+|\d+)$/.test(text) ? Number(text) : Number.NaN;
    if (!(value <= max)) this.fail(`${what} must be a number of 0 to ${max}, not "${text}"`, column);
    return value;
  }

  /** Bytes as 0x and digits. */
  hex(what: string): Uint8Array {
    const { column } = this;
    const text = this.word(what);
    const bytes = text.startsWith('0x') ? fromHex(text.slice(2)) : null;
    if (bytes === null) this.fail(`${what} must be bytes like 0x0102, not "${text}"`, column);
    return bytes;
  }

  /** A MAC address, `broadcast`, or the name of a station. */
  mac(what: string): Uint8Array {
    const { column } = this;
    const text = this.word(what);
    const bytes = parseMac(text === 'broadcast' ? 'ff:ff:ff:ff:ff:ff' : (this.names[text]?.mac ?? text));
    if (bytes === null) this.fail(`${what} must be a MAC address${this.known('mac')}, not "${text}"`, column);
    return bytes;
  }

  /** An IPv4 address, or the name of a station; int32. */
  ip(what: string): number {
    const { column } = this;
    const text = this.word(what);
    const address = parseIpv4(this.names[text]?.ip ?? text);
    if (address === null) this.fail(`${what} must be an IPv4 address${this.known('ip')}, not "${text}"`, column);
    return address;
  }

  /** Reads `name value` pairs and bare words up to the end of the layer. */
  fields(layer: string, readers: FieldReaders): void {
    while (!this.layerDone) {
      const { column } = this;
      const name = this.word('a field');
      if (!Object.hasOwn(readers, name)) this.fail(`${layer} has no "${name}" (it has ${Object.keys(readers).join(', ')})`, column);
      readers[name]();
    }
  }

  private known(kind: 'mac' | 'ip'): string {
    const names = Object.entries(this.names).filter(([, station]) => station[kind] !== undefined);
    return names.length === 0 ? '' : ` or one of ${names.map(([name]) => name).join(', ')}`;
  }
}

/** Writes MAC addresses as the names that stand for them. */
export class MacNames {
  private readonly byMac = new Map<string, string>([['ff:ff:ff:ff:ff:ff', 'broadcast']]);

  constructor(names: PacketNames) {
    for (const [name, { mac }] of Object.entries(names)) if (mac !== undefined) this.byMac.set(mac.toLowerCase(), name);
  }

  format(bytes: Uint8Array, at: number): string {
    const mac = formatMac(bytes, at);
    return this.byMac.get(mac) ?? mac;
  }
}

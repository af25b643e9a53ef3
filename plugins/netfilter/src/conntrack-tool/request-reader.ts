/** conntrack-tool/request-reader.ts — reads command lines of `conntrack` (cf. conntrack-tools' do_parse; conntrack(8)). */
import {
  CommandError,
  IPS_ASSURED,
  IPS_EXPECTED,
  IPS_FIXED_TIMEOUT,
  IPS_SEEN_REPLY,
  parseIpv4,
  protocolNumber,
} from '@packetwalk/framework';
import type { NatEnd } from '../conntrack/nf-conntrack.ts';
import { type ArgumentUse, Getopt, type LongOption } from '../iptables/getopt.ts';
import { flowProtocolNumber } from './flow-protocols.ts';
import { numberUpTo, type ProtocolOption, protocolOptions } from './protocol-options.ts';
import { type Action, type EventWord, emptyRequest, type FlowRequest, type OutputWord, type Table } from './request.ts';
import { checkRequest } from './request-check.ts';
import { TOOL, wrongUse } from './tool-error.ts';

const SHORTS = 'L::I::U::A::D::G::E::F::C::S::hVs:d:r:q:p:t:u:e:zm:i:f:o:n::g::j::w:b:';

const ACTIONS: Readonly<Record<string, Action>> = {
  L: 'list',
  I: 'create',
  A: 'add',
  U: 'update',
  D: 'delete',
  G: 'get',
  F: 'flush',
  E: 'event',
  C: 'count',
  S: 'stats',
  V: 'version',
  h: 'help',
};

type Id = string | ProtocolOption;

function long(argument: ArgumentUse, names: Readonly<Record<string, string>>): LongOption<Id>[] {
  return Object.entries(names).map(([name, id]) => ({ name, argument, id }));
}

/** Each long name and the short option that it is; those without one stand for themselves. */
const LONGS: readonly LongOption<Id>[] = [
  ...long('none', { dump: 'L', create: 'I', add: 'A', update: 'U', delete: 'D', get: 'G', flush: 'F', event: 'E' }),
  ...long('none', { count: 'C', stats: 'S', version: 'V', help: 'h', zero: 'z' }),
  ...long('required', { src: 's', 'orig-src': 's', dst: 'd', 'orig-dst': 'd', 'reply-src': 'r', 'reply-dst': 'q' }),
  ...long('required', { protonum: 'p', timeout: 't', status: 'u', 'event-mask': 'e', mark: 'm', id: 'i', family: 'f', output: 'o' }),
  ...long('required', { zone: 'w', 'buffer-size': 'b', 'orig-zone': 'orig-zone', 'reply-zone': 'reply-zone' }),
  ...long('required', { 'mask-src': 'mask-src', 'mask-dst': 'mask-dst' }),
  ...long('optional', { 'src-nat': 'n', 'dst-nat': 'g', 'any-nat': 'j' }),
];

/** What messages call a short option. */
const NAMES: Readonly<Record<string, string>> = {
  s: 'src',
  d: 'dst',
  r: 'reply-src',
  q: 'reply-dst',
  p: 'protonum',
  t: 'timeout',
  u: 'status',
  z: 'zero',
  e: 'event-mask',
  m: 'mark',
  i: 'id',
  f: 'family',
  n: 'src-nat',
  g: 'dst-nat',
  j: 'any-nat',
  o: 'output',
  w: 'zone',
  b: 'buffer-size',
};

const STATUS: Readonly<Record<string, number>> = {
  ASSURED: IPS_ASSURED,
  SEEN_REPLY: IPS_SEEN_REPLY,
  UNSET: 0,
  FIXED_TIMEOUT: IPS_FIXED_TIMEOUT,
  EXPECTED: IPS_EXPECTED,
  // Nothing is ever offloaded here: bits that no connection has.
  OFFLOAD: 1 << 14,
  HW_OFFLOAD: 1 << 15,
};

const EVENTS: Readonly<Record<string, readonly EventWord[]>> = {
  ALL: ['new', 'update', 'destroy'],
  NEW: ['new'],
  UPDATES: ['update'],
  DESTROY: ['destroy'],
};

const OUTPUT: readonly OutputWord[] = ['xml', 'extended', 'timestamp', 'id', 'ktimestamp', 'labels', 'userspace', 'save'];
const TABLES: readonly Table[] = ['expect', 'conntrack', 'dying', 'unconfirmed'];
const EXPECT_ACTIONS: ReadonlySet<Action> = new Set(['list', 'flush', 'event', 'count', 'stats']);

/** The first of `known` that begins like `word`, in any case. */
function begins<T extends string>(known: readonly T[], word: string): T | undefined {
  return word === '' ? undefined : known.find((k) => k.toLowerCase().startsWith(word.toLowerCase()));
}

/** Reads command lines; `warn` is told what is ignored. Throws CommandError. */
export function readRequest(argv: readonly string[], warn: (text: string) => void): FlowRequest {
  const reader = new RequestReader(argv, warn);
  return reader.read();
}

class RequestReader {
  private readonly request = emptyRequest();
  private readonly getopt: Getopt<Id>;
  private readonly warn: (text: string) => void;
  private hasAction = false;
  private longs: readonly LongOption<Id>[] = LONGS;

  constructor(argv: readonly string[], warn: (text: string) => void) {
    this.getopt = new Getopt(argv, SHORTS);
    this.warn = warn;
  }

  read(): FlowRequest {
    for (;;) {
      const parsed = this.getopt.next(this.longs);
      if (parsed === null) break;
      switch (parsed.kind) {
        case 'word':
          break;
        case 'unknown':
          throw wrongUse(`unknown option \`${parsed.text}'`);
        case 'missing-argument':
          throw wrongUse(`option \`${parsed.text}' requires an argument`);
        case 'short':
          this.option(parsed.letter, parsed.argument);
          break;
        case 'long':
          if (typeof parsed.option.id === 'string') this.option(parsed.option.id, parsed.argument);
          else this.protocolOption(parsed.option.id, parsed.option.name, parsed.argument ?? '');
      }
    }
    checkRequest(this.request);
    return this.request;
  }

  private protocolOption({ field, read }: ProtocolOption, name: string, text: string): void {
    this.request.fields.set(field, read(text, name));
  }

  private option(id: string, argument: string | undefined): void {
    if (id in ACTIONS) {
      this.action(id, argument);
      return;
    }
    const name = NAMES[id] ?? id;
    this.request.given.add(name);
    this.value(name, argument ?? '', argument !== undefined);
  }

  private action(letter: string, attached: string | undefined): void {
    const { request } = this;
    const action = ACTIONS[letter];
    const word = attached === undefined ? this.getopt.takeWord() : undefined;
    const table = word === undefined ? 'conntrack' : TABLES.find((t) => t.startsWith(word));
    if (table === undefined) throw wrongUse(`unknown type \`${word}'`);
    if (action !== 'list' && (table === 'dying' || table === 'unconfirmed')) {
      throw wrongUse("Can't do that command with tables `dying' and `unconfirmed'");
    }
    if (table === 'expect' && !EXPECT_ACTIONS.has(action)) throw wrongUse(`Can't do --${action} on expectations`);
    if (this.hasAction) throw wrongUse('Invalid commands combination');
    this.hasAction = true;
    request.action = action;
    request.table = table;
  }

  private value(name: string, text: string, isThere: boolean): void {
    const { request } = this;
    switch (name) {
      case 'src':
        [request.src, request.srcMask] = this.network(text, 'mask-src', request.srcMask);
        break;
      case 'dst':
        [request.dst, request.dstMask] = this.network(text, 'mask-dst', request.dstMask);
        break;
      case 'reply-src':
        request.replySrc = this.address(text, name);
        break;
      case 'reply-dst':
        request.replyDst = this.address(text, name);
        break;
      case 'mask-src':
        request.srcMask = this.address(text, name);
        break;
      case 'mask-dst':
        request.dstMask = this.address(text, name);
        break;
      case 'protonum':
        this.protocol(text);
        break;
      case 'family':
        this.family(text);
        break;
      case 'timeout':
        request.timeout = numberUpTo(0xffffffff)(text, name);
        break;
      case 'status':
        this.status(text);
        break;
      case 'event-mask':
        for (const word of this.words(text, Object.keys(EVENTS))) for (const event of EVENTS[word]) request.events.add(event);
        break;
      case 'output':
        this.output(text);
        break;
      case 'mark':
        this.mark(text);
        break;
      case 'id':
        request.id = numberUpTo(0xffffffff)(text, name);
        break;
      case 'zone':
        request.zone = numberUpTo(0xffff)(text, name);
        break;
      case 'orig-zone':
        request.origZone = numberUpTo(0xffff)(text, name);
        break;
      case 'reply-zone':
        request.replyZone = numberUpTo(0xffff)(text, name);
        break;
      case 'src-nat':
        request.srcNat = this.natEnd(isThere ? text : undefined);
        break;
      case 'dst-nat':
        request.dstNat = this.natEnd(isThere ? text : undefined);
        break;
      case 'any-nat':
        request.anyNat = this.natEnd(isThere ? text : undefined);
        break;
    }
  }

  /** An address of either family; those of IPv6 name connections that are not here: 0. */
  private address(text: string, option: string): number {
    if (text.includes('/')) throw wrongUse(`CIDR notation unavailable for \`--${option}'`);
    return this.anyAddress(text, text);
  }

  private anyAddress(text: string, whole: string): number {
    const address = parseIpv4(text);
    if (address === null && !text.includes(':')) throw wrongUse(`Invalid IP address \`${whole}'`);
    this.setFamily(address === null ? 6 : 4);
    return address ?? 0;
  }

  /** An address, maybe with the length of a prefix; its mask, or the one that was given before. */
  private network(text: string, maskOption: string, mask: number): [number, number] {
    const slash = text.indexOf('/');
    if (slash < 0) return [this.anyAddress(text, text), mask];
    const address = this.anyAddress(text.slice(0, slash), text);
    const length = /^\d+$/.test(text.slice(slash + 1)) ? Number(text.slice(slash + 1)) : Number.NaN;
    if (!(length <= (this.request.family === 6 ? 128 : 32))) throw wrongUse('Invalid netmask');
    if (length < 32) this.request.given.add(maskOption);
    return [address, length === 0 ? 0 : -1 << (32 - Math.min(length, 32))];
  }

  private setFamily(family: 4 | 6): void {
    const { request } = this;
    if (request.family !== null && request.family !== family) throw wrongUse('mismatched address family');
    request.family = family;
  }

  private family(text: string): void {
    if (text.startsWith('ipv4')) this.setFamily(4);
    else if (text.startsWith('ipv6')) this.setFamily(6);
    else throw wrongUse(`\`${text}' unsupported protocol`);
  }

  private protocol(text: string): void {
    const number = flowProtocolNumber(text) ?? protocolNumber(text) ?? (/^\d+$/.test(text) ? Number(text) : -1);
    if (number < 0 || number > 255) throw wrongUse(`\`${text}' unsupported protocol`);
    this.request.protocol = number;
    const added = protocolOptions(number).flatMap((option) =>
      option.names.map((name): LongOption<Id> => ({ name, argument: 'required', id: option })),
    );
    this.longs = [...LONGS, ...added];
  }

  /** Words between commas, each the beginning of one of `known`, in full; throws for others. */
  private words<T extends string>(text: string, known: readonly T[]): T[] {
    return text.split(',').map((word) => {
      const found = begins(known, word);
      if (found === undefined) throw wrongUse(`Bad parameter \`${text}'`);
      return found;
    });
  }

  /** `ASSURED,!SEEN_REPLY`: bits to be set, and with `!` those that are looked at besides. */
  private status(text: string): void {
    const { request } = this;
    for (const word of text.split(',')) {
      if (word.startsWith('UNREPLIED')) {
        request.statusMask |= IPS_SEEN_REPLY;
        continue;
      }
      if (/^(src|dst)_nat$/i.test(word)) {
        this.warn(`WARNING: ignoring ${word.toUpperCase()}, use --${word.slice(0, 3).toLowerCase()}-nat instead\n`);
        continue;
      }
      const negated = word.startsWith('!');
      const known = begins(Object.keys(STATUS), negated ? word.slice(1) : word);
      if (known === undefined) throw wrongUse(`Bad parameter \`${text}'`);
      if (negated) request.statusMask |= STATUS[known];
      else request.status |= STATUS[known];
    }
    if (request.statusMask === 0) request.statusMask = request.status;
  }

  private output(text: string): void {
    const { output } = this.request;
    for (const word of this.words(text, OUTPUT)) output.add(word);
    if (output.has('save') && output.size > 1) {
      throw new CommandError(`${TOOL}: cannot combine save output with any other output type, use -o save only`, 1);
    }
  }

  private mark(text: string): void {
    const [value, mask] = text.split('/');
    const read = numberUpTo(0xffffffff);
    this.request.mark = read(value, 'mark') | 0;
    this.request.markMask = mask === undefined ? -1 : read(mask, 'mark') | 0;
  }

  /** `ADDRESS[:PORT]`, written behind the option or as the next word, or nothing. */
  private natEnd(attached: string | undefined): NatEnd {
    const text = attached ?? this.getopt.takeWord();
    if (text === undefined) return { address: null, port: null };
    const [address, port] = text.split(':');
    if (port === undefined || text.split(':').length > 2) return { address: this.address(text, 'src-nat'), port: null };
    if (port === '') throw wrongUse("No port specified after `:'");
    if (!/^\d+$/.test(port) || Number(port) > 0xffff) throw wrongUse(`Invalid port \`${port}'`);
    return { address: address === '' ? null : this.address(address, 'src-nat'), port: Number(port) };
  }
}

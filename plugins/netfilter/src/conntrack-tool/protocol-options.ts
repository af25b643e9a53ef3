/** conntrack-tool/protocol-options.ts — options that are there once `-p` has named their protocol (cf. conntrack-tools' extensions). */
import { IPPROTO_DCCP, IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE } from '@packetwalk/framework';
import { SCTP_STATE_NAMES } from '../conntrack/proto-sctp.ts';
import { TCP_STATE_NAMES } from '../conntrack/tcp-state.ts';
import { wrongUse } from './tool-error.ts';

/** What a protocol adds to what tells connections apart. Ports are GRE's keys too. */
export type FlowField =
  | 'sport'
  | 'dport'
  | 'replySport'
  | 'replyDport'
  | 'icmpType'
  | 'icmpCode'
  | 'icmpId'
  | 'state'
  | 'origVtag'
  | 'replyVtag'
  | 'role';

export interface ProtocolOption {
  /** The first is the one that messages have. */
  readonly names: readonly string[];
  readonly field: FlowField;
  readonly read: (text: string, option: string) => number;
  /** A connection cannot be made without it. */
  readonly needed?: true;
  /** Only for making a connection. */
  readonly makes?: true;
}

/** C's notation: decimal, octal after 0, hexadecimal after 0x; anything else is NaN. */
function cNumber(text: string): number {
  if (/^0[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return /^(\d+|0x[\da-f]+)$/i.test(text) ? Number(text) : Number.NaN;
}

/** A number from 0 to `max`. */
export function numberUpTo(max: number): (text: string, option: string) => number {
  return (text, option) => {
    const value = cNumber(text);
    if (!(value <= max)) throw wrongUse(`unexpected value '${text}' with --${option} option`);
    return value;
  };
}

function stateOf(protocol: string, names: readonly string[]): (text: string) => number {
  return (text) => {
    const state = names.indexOf(text);
    if (state < 0) throw wrongUse(`unknown ${protocol} state \`${text}'`);
    return state;
  };
}

const port = numberUpTo(0xffff);
const byte = numberUpTo(0xff);
const word = numberUpTo(0xffffffff);

const PORTS: readonly ProtocolOption[] = [
  { names: ['sport', 'orig-port-src'], field: 'sport', read: port },
  { names: ['dport', 'orig-port-dst'], field: 'dport', read: port },
  { names: ['reply-port-src'], field: 'replySport', read: port },
  { names: ['reply-port-dst'], field: 'replyDport', read: port },
];

const KEYS: readonly ProtocolOption[] = [
  { names: ['srckey', 'orig-key-src'], field: 'sport', read: port },
  { names: ['dstkey', 'orig-key-dst'], field: 'dport', read: port },
  { names: ['reply-key-src'], field: 'replySport', read: port },
  { names: ['reply-key-dst'], field: 'replyDport', read: port },
];

const DCCP_STATES = ['NONE', 'REQUEST', 'RESPOND', 'PARTOPEN', 'OPEN', 'CLOSEREQ', 'CLOSING', 'TIMEWAIT', 'IGNORE', 'INVALID'];

/** DCCP connections have no state here: it is read and forgotten, as the kernel does. */
const OPTIONS: ReadonlyMap<number, readonly ProtocolOption[]> = new Map([
  [IPPROTO_TCP, [...PORTS, { names: ['state'], field: 'state', read: stateOf('TCP', TCP_STATE_NAMES), needed: true }]],
  [IPPROTO_UDP, PORTS],
  [IPPROTO_UDPLITE, PORTS],
  [
    IPPROTO_SCTP,
    [
      ...PORTS,
      { names: ['state'], field: 'state', read: stateOf('SCTP', SCTP_STATE_NAMES), needed: true },
      { names: ['orig-vtag'], field: 'origVtag', read: word, needed: true, makes: true },
      { names: ['reply-vtag'], field: 'replyVtag', read: word, needed: true, makes: true },
    ],
  ],
  [
    IPPROTO_DCCP,
    [
      ...PORTS,
      { names: ['state'], field: 'state', read: stateOf('DCCP', DCCP_STATES), needed: true, makes: true },
      { names: ['role'], field: 'role', read: (text) => Number(text === 'server'), needed: true, makes: true },
    ],
  ],
  [
    IPPROTO_ICMP,
    [
      { names: ['icmp-type'], field: 'icmpType', read: byte, needed: true },
      { names: ['icmp-code'], field: 'icmpCode', read: byte, needed: true },
      { names: ['icmp-id'], field: 'icmpId', read: port },
    ],
  ],
  [IPPROTO_GRE, KEYS],
]);

export function protocolOptions(protocol: number): readonly ProtocolOption[] {
  return OPTIONS.get(protocol) ?? [];
}

/** packet-icmp.ts — `icmp` in the packet notation. */
import { csumPartial } from '../wire/checksum.ts';
import {
  ICMP_CHECKSUM,
  ICMP_CODE,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_EXC_FRAGTIME,
  ICMP_EXC_TTL,
  ICMP_FRAG_NEEDED,
  ICMP_GATEWAY,
  ICMP_HLEN,
  ICMP_ID,
  ICMP_MTU,
  ICMP_PARAMETERPROB,
  ICMP_REDIR_HOST,
  ICMP_REDIR_HOSTTOS,
  ICMP_REDIR_NET,
  ICMP_REDIR_NETTOS,
  ICMP_REDIRECT,
  ICMP_SEQUENCE,
  ICMP_SOURCE_QUENCH,
  ICMP_TIME_EXCEEDED,
  ICMP_TIMESTAMP,
  ICMP_TIMESTAMPREPLY,
  ICMP_TYPE,
  icmpIsError,
} from '../wire/icmp.ts';
import { formatIpv4, IPPROTO_ICMP, IPPROTO_IPIP } from '../wire/ipv4.ts';
import { headerBefore, hexNumber, type Layer, type PrintedLayer, type Stretch, unless } from './packet-layer.ts';
import type { WordReader } from './packet-words.ts';

/** What the four bytes behind the checksum are (RFC 792, RFC 1191). */
type Rest = 'unused' | 'ids' | 'mtu' | 'gateway' | 'pointer' | 'times';

interface Message {
  readonly name: string;
  readonly type: number;
  readonly code: number;
  readonly rest: Rest;
}

/** By code. */
const UNREACHABLE = [
  'net-unreachable',
  'host-unreachable',
  'protocol-unreachable',
  'port-unreachable',
  'frag-needed',
  'source-route-failed',
  'net-unknown',
  'host-unknown',
  'host-isolated',
  'net-prohibited',
  'host-prohibited',
  'net-unreachable-tos',
  'host-unreachable-tos',
  'admin-prohibited',
  'host-precedence',
  'precedence-cutoff',
];

const MESSAGES: readonly Message[] = [
  { name: 'echo', type: ICMP_ECHO, code: 0, rest: 'ids' },
  { name: 'echo-reply', type: ICMP_ECHOREPLY, code: 0, rest: 'ids' },
  ...UNREACHABLE.map(
    (name, code): Message => ({ name, type: ICMP_DEST_UNREACH, code, rest: code === ICMP_FRAG_NEEDED ? 'mtu' : 'unused' }),
  ),
  { name: 'source-quench', type: ICMP_SOURCE_QUENCH, code: 0, rest: 'unused' },
  { name: 'redirect-net', type: ICMP_REDIRECT, code: ICMP_REDIR_NET, rest: 'gateway' },
  { name: 'redirect-host', type: ICMP_REDIRECT, code: ICMP_REDIR_HOST, rest: 'gateway' },
  { name: 'redirect-net-tos', type: ICMP_REDIRECT, code: ICMP_REDIR_NETTOS, rest: 'gateway' },
  { name: 'redirect-host-tos', type: ICMP_REDIRECT, code: ICMP_REDIR_HOSTTOS, rest: 'gateway' },
  { name: 'ttl-exceeded', type: ICMP_TIME_EXCEEDED, code: ICMP_EXC_TTL, rest: 'unused' },
  { name: 'reassembly-exceeded', type: ICMP_TIME_EXCEEDED, code: ICMP_EXC_FRAGTIME, rest: 'unused' },
  { name: 'parameter-problem', type: ICMP_PARAMETERPROB, code: 0, rest: 'pointer' },
  { name: 'option-missing', type: ICMP_PARAMETERPROB, code: 1, rest: 'unused' },
  { name: 'timestamp', type: ICMP_TIMESTAMP, code: 0, rest: 'times' },
  { name: 'timestamp-reply', type: ICMP_TIMESTAMPREPLY, code: 0, rest: 'times' },
];

/** Length of a time stamp message, and where its three times stand, in ms since midnight UT. */
const TIMES_LEN = 20;
const TIMES: readonly (readonly [name: string, offset: number])[] = [
  ['orig', 8],
  ['recv', 12],
  ['xmit', 16],
];

/**
 * `icmp NAME` or `icmp type N code N`, then what the message has of `[id N] [seq N]`, `[mtu N]`, `[gw ADDRESS]`,
 * `[ptr N]`, `[orig N] [recv N] [xmit N]`; `[rest 0x00000000]` for all four bytes, `[csum N]`.
 */
export function readIcmp(words: WordReader): Layer {
  const message = readMessage(words);
  const length = message.rest === 'times' ? TIMES_LEN : ICMP_HLEN;
  const { bytes: header, view } = headerBefore(new Uint8Array(0), length);
  view.setUint8(ICMP_TYPE, message.type);
  view.setUint8(ICMP_CODE, message.code);
  let check: number | undefined;
  const ids = {
    id: () => view.setUint16(ICMP_ID, words.number('id', 0xffff)),
    seq: () => view.setUint16(ICMP_SEQUENCE, words.number('seq', 0xffff)),
  };
  const fields: Record<Rest, Record<string, () => void>> = {
    unused: {},
    ids,
    mtu: { mtu: () => view.setUint16(ICMP_MTU, words.number('mtu', 0xffff)) },
    gateway: { gw: () => view.setInt32(ICMP_GATEWAY, words.ip('gw')) },
    pointer: { ptr: () => view.setUint8(ICMP_ID, words.number('ptr', 255)) },
    times: { ...ids, ...Object.fromEntries(TIMES.map(([name, at]) => [name, () => view.setUint32(at, words.number(name, 0xffffffff))])) },
  };
  words.fields(`icmp ${message.name}`.trimEnd(), {
    ...fields[message.rest],
    rest: () => readRest(words, header),
    csum: () => {
      check = words.number('csum', 0xffff);
    },
  });
  return {
    protocol: IPPROTO_ICMP,
    build(payload) {
      const built = headerBefore(payload, length);
      built.bytes.set(header);
      built.view.setUint16(ICMP_CHECKSUM, check ?? icmpChecksum(built.view, 0, built.bytes.length));
      return built.bytes;
    },
  };
}

function readMessage(words: WordReader): Message {
  const { column } = words;
  const name = words.word('the message');
  if (name === 'type') {
    const type = words.number('type', 255);
    words.need('code');
    return { name: '', type, code: words.number('code', 255), rest: 'unused' };
  }
  const message = MESSAGES.find((m) => m.name === name);
  if (message === undefined)
    words.fail(`no ICMP message "${name}" (there are ${MESSAGES.map((m) => m.name).join(', ')}, type N code N)`, column);
  return message;
}

function readRest(words: WordReader, header: Uint8Array): void {
  const { column } = words;
  const rest = words.hex('rest');
  if (rest.length !== 4) words.fail('rest is four bytes', column);
  header.set(rest, ICMP_ID);
}

function icmpChecksum(view: DataView, at: number, end: number): number {
  const front = csumPartial(view, at, ICMP_CHECKSUM);
  return ~csumPartial(view, at + ICMP_ID, end - at - ICMP_ID, front) & 0xffff;
}

export function printIcmp(s: Stretch): PrintedLayer | null {
  const { at, end, view } = s;
  if (end - at < ICMP_HLEN) return null;
  const type = view.getUint8(at + ICMP_TYPE);
  const code = view.getUint8(at + ICMP_CODE);
  const message = MESSAGES.find((m) => m.type === type && m.code === code);
  const named = message !== undefined && (message.rest !== 'times' || end - at >= TIMES_LEN) ? message : undefined;
  const words = [
    'icmp',
    named?.name ?? `type ${type} code ${code}`,
    ...printRest(view, at, named?.rest ?? 'unused'),
    ...unless(view.getUint16(at + ICMP_CHECKSUM), icmpChecksum(view, at, end), 'csum', hexNumber),
  ];
  const header = named?.rest === 'times' ? TIMES_LEN : ICMP_HLEN;
  // An error quotes the packet it is about.
  const announced = icmpIsError(type) ? { protocol: IPPROTO_IPIP } : null;
  return { words, rest: { ...s, at: at + header }, announced, announcement: '' };
}

function printRest(view: DataView, at: number, rest: Rest): string[] {
  const value = view.getUint32(at + ICMP_ID);
  const ids = (): string[] => [...unless(view.getUint16(at + ICMP_ID), 0, 'id'), ...unless(view.getUint16(at + ICMP_SEQUENCE), 0, 'seq')];
  switch (rest) {
    case 'ids':
      return ids();
    case 'times':
      return [...ids(), ...TIMES.flatMap(([name, offset]) => unless(view.getUint32(at + offset), 0, name))];
    case 'gateway':
      return [`gw ${formatIpv4(value)}`];
    case 'mtu':
      if (value <= 0xffff) return [`mtu ${value}`];
      break;
    case 'pointer':
      if ((value & 0xffffff) === 0) return [`ptr ${value >>> 24}`];
      break;
  }
  return unless(value, 0, 'rest', (v) => hexNumber(v, 8));
}

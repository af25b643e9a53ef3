/** match/stp.ts — `--stp-*`: fields of spanning tree BPDUs (IEEE 802.1D §9; cf. Linux ebt_stp.c). */
import { defineEbtMatch, type EbtMatch, type EbtOption, EbtProblem } from '@packetwalk/framework';
import { type MacMask, macMatches, parseMacMask, plainMacMaskText } from '../mac-mask.ts';
import { cNumber, cRange, inRange, type Range, rangeText, shown, words } from '../numbers.ts';

/**
 * Offsets from the LLC header, as the kernel has them: its struct stp_header has one byte for the protocol identifier, which is two long. So
 * what it takes for the type is the version, and each field is read one byte too early; rules mean what they mean there.
 */
const LLC = 0;
/** 42 42 03, then zeros: what it looks for in front of the configuration, the "type" included. */
const LLC_STP = 0x42420300;
const PROTOCOL_LOW = 4;
const FLAGS = 6;
const HEADER_LEN = 6;
const CONFIG_LEN = 37;

const BPDU_TYPE_CONFIG = 0;
const BPDU_TYPE_TCN = 0x80;
const FLAG_TOPOLOGY_CHANGE = 0x01;
const FLAG_TOPOLOGY_CHANGE_ACK = 0x80;

/** Fields of a configuration BPDU that have ranges: option, offset, bytes. */
const RANGES = [
  ['stp-root-prio', 7, 2],
  ['stp-root-cost', 15, 4],
  ['stp-sender-prio', 19, 2],
  ['stp-port', 27, 2],
  ['stp-msg-age', 29, 2],
  ['stp-max-age', 31, 2],
  ['stp-hello-time', 33, 2],
  ['stp-forward-delay', 35, 2],
] as const;

const ADDRESSES = [
  ['stp-root-addr', 9],
  ['stp-sender-addr', 21],
] as const;

interface RangeOf {
  readonly offset: number;
  readonly bytes: number;
  readonly range: Range;
  readonly invert: boolean;
}

interface AddressOf {
  readonly offset: number;
  readonly mac: MacMask;
  readonly invert: boolean;
}

interface Stp {
  type: { value: number; invert: boolean } | null;
  flags: { value: number; invert: boolean } | null;
  readonly ranges: Map<string, RangeOf>;
  readonly addresses: Map<string, AddressOf>;
  /** The same, as a frame is held against them. */
  rangeList: RangeOf[];
  addressList: AddressOf[];
}

function byte(key: 'type' | 'flags', names: Readonly<Record<string, number>>): EbtOption<Stp> {
  return {
    parse(d, text, invert) {
      const value = names[text.toLowerCase()] ?? cNumber(text, 10);
      if (value === null || value < 0 || value > 255) throw new EbtProblem(`Bad --stp-${key} argument`);
      d[key] = { value, invert };
    },
  };
}

function rangeOption([name, offset, bytes]: (typeof RANGES)[number]): EbtOption<Stp> {
  return {
    parse(d, text, invert) {
      const range = cRange(text, 2 ** (8 * bytes) - 1, 10);
      if (range === null || range[0] > range[1]) throw new EbtProblem(`Bad --${name}${name === 'stp-port' ? '-' : ' '}range`);
      d.ranges.set(name, { offset, bytes, range, invert });
    },
  };
}

function addressOption([name, offset]: (typeof ADDRESSES)[number]): EbtOption<Stp> {
  return {
    parse(d, text, invert) {
      const mac = parseMacMask(text);
      if (mac === null) throw new EbtProblem(`Bad --${name} address`);
      d.addresses.set(name, { offset, mac, invert });
    },
  };
}

const TYPES = { config: BPDU_TYPE_CONFIG, tcn: BPDU_TYPE_TCN };
const FLAG_NAMES = { 'topology-change': FLAG_TOPOLOGY_CHANGE, 'topology-change-ack': FLAG_TOPOLOGY_CHANGE_ACK };

/** Options in the order of listings, but for type and flags, which come first. */
const SHOWN = [
  'stp-root-prio',
  'stp-root-addr',
  'stp-root-cost',
  'stp-sender-prio',
  'stp-sender-addr',
  'stp-port',
  'stp-msg-age',
  'stp-max-age',
  'stp-hello-time',
  'stp-forward-delay',
];

export const stp: EbtMatch = defineEbtMatch<Stp>({
  name: 'stp',
  once: true,
  options: {
    'stp-type': byte('type', TYPES),
    'stp-flags': byte('flags', FLAG_NAMES),
    ...Object.fromEntries(RANGES.map((field) => [field[0], rangeOption(field)])),
    ...Object.fromEntries(ADDRESSES.map((field) => [field[0], addressOption(field)])),
  },
  create: () => ({ type: null, flags: null, ranges: new Map(), addresses: new Map(), rangeList: [], addressList: [] }),
  finish(d) {
    d.rangeList = [...d.ranges.values()];
    d.addressList = [...d.addresses.values()];
  },
  save: ({ type, flags, ranges, addresses }) =>
    words(
      type === null ? '' : shown('stp-type', type.invert, nameOf(TYPES, type.value)),
      flags === null ? '' : shown('stp-flags', flags.invert, nameOf(FLAG_NAMES, flags.value)),
      ...SHOWN.map((name) => {
        const range = ranges.get(name);
        const address = addresses.get(name);
        if (range !== undefined) return shown(name, range.invert, rangeText(range.range));
        return address === undefined ? '' : shown(name, address.invert, plainMacMaskText(address.mac));
      }),
    ),
  match(skb, _par, { type, flags, rangeList, addressList }) {
    if (skb.len < HEADER_LEN) return false;
    const { view } = skb.head;
    const at = skb.data;
    if (view.getUint32(at + LLC) !== LLC_STP || view.getUint16(at + PROTOCOL_LOW) !== 0) return false;
    if (type !== null && (type.value !== BPDU_TYPE_CONFIG) !== type.invert) return false;
    if (flags === null && rangeList.length === 0 && addressList.length === 0) return true;
    if (skb.len < CONFIG_LEN) return false;
    if (flags !== null && (view.getUint8(at + FLAGS) !== flags.value) !== flags.invert) return false;
    for (let i = 0; i < rangeList.length; i++) {
      const { offset, bytes, range, invert } = rangeList[i];
      const value = bytes === 2 ? view.getUint16(at + offset) : view.getUint32(at + offset);
      if (inRange(value, range) === invert) return false;
    }
    for (let i = 0; i < addressList.length; i++) {
      const { offset, mac, invert } = addressList[i];
      if (macMatches(view, at + offset, mac) === invert) return false;
    }
    return true;
  },
});

function nameOf(names: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(names).find((name) => names[name] === value) ?? String(value);
}

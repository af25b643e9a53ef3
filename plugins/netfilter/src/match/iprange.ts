/** match/iprange.ts — `-m iprange`: from one address to another (cf. Linux net/netfilter/xt_iprange.c). */
import {
  defineMatch,
  formatIpv4,
  IP_DADDR,
  IP_SADDR,
  parseIpv4,
  type XtGiven,
  type XtMatch,
  XtProblem,
  type XtValue,
} from '@packetwalk/framework';
import { words } from './words.ts';

/** Unsigned. */
interface AddressRange {
  readonly min: number;
  readonly max: number;
}

interface Side extends AddressRange {
  readonly invert: boolean;
}

const range: XtValue<AddressRange> = (text, at) => {
  const [first, last = first] = text.split('-', 2);
  const ends = [first, last].map((part) => {
    const address = parseIpv4(part);
    if (address === null) throw new XtProblem(`${at.extension}: Bad value for "--${at.option}" option: "${part}"`);
    return address >>> 0;
  });
  return { min: ends[0], max: ends[1] };
};

function side(given: XtGiven<AddressRange> | undefined): Side | null {
  return given === undefined ? null : { ...given.value, invert: given.invert };
}

function rangeText({ min, max }: AddressRange): string {
  return `${formatIpv4(min | 0)}-${formatIpv4(max | 0)}`;
}

function inRange({ min, max, invert }: Side, address: number): boolean {
  return (address >= min && address <= max) !== invert;
}

export const iprange: XtMatch = defineMatch({
  name: 'iprange',
  pure: true,
  options: { 'src-range': { value: range, invert: true }, 'dst-range': { value: range, invert: true } },
  init(o) {
    if (o['src-range'] === undefined && o['dst-range'] === undefined) {
      throw new XtProblem("iprange match: You must specify `--src-range' or `--dst-range'");
    }
    return { src: side(o['src-range']), dst: side(o['dst-range']) };
  },
  save({ src, dst }) {
    const option = (name: string, s: Side | null): string => (s === null ? '' : `${s.invert ? '! ' : ''}--${name} ${rangeText(s)}`);
    return words(option('src-range', src), option('dst-range', dst));
  },
  print({ src, dst }) {
    const text = (name: string, s: Side | null): string => (s === null ? '' : `${name} IP range ${s.invert ? '! ' : ''}${rangeText(s)}`);
    return words(text('source', src), text('destination', dst));
  },
  match(skb, _par, { src, dst }) {
    const { view } = skb.head;
    const ip = skb.networkHeader;
    if (src !== null && !inRange(src, view.getUint32(ip + IP_SADDR))) return false;
    return dst === null || inRange(dst, view.getUint32(ip + IP_DADDR));
  },
});

/**
 * match/among.ts — `--among-src`, `--among-dst`: one of many addresses, each with an IPv4 address or without (cf. Linux nft_set_hash.c, which
 * ebtables 1.8.9 makes of it). A list that has IPv4 addresses is for frames of IPv4 alone: others it does not match, with `!` or without.
 */
import {
  defineEbtMatch,
  type EbtMatch,
  type EbtParam,
  EbtProblem,
  ETH_DST,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_SRC,
  formatIpv4,
  IP_DADDR,
  IP_HLEN,
  IP_SADDR,
  parseIpv4,
  type SkBuff,
  VLAN_HLEN,
} from '@packetwalk/framework';
import { parseEther } from '../mac-mask.ts';
import { shown, words } from '../numbers.ts';

/** Reads a file that a rule names; throws when it cannot. */
export type ReadText = (path: string) => string;

interface Pair {
  readonly hi: number;
  readonly lo: number;
  /** 0: any. */
  readonly ip: number;
}

/** A set of pairs by the low 32 bits of their MAC address: a hash table of integers, open addressing. */
class MacSet {
  readonly pairs: readonly Pair[];
  /** Some pairs have an IPv4 address. */
  readonly addresses: boolean;
  private readonly mask: number;
  /** Three cells an entry: high bits of the MAC address + 1 (0: free), low bits, IPv4 address. */
  private readonly cells: Int32Array;

  constructor(pairs: readonly Pair[]) {
    this.pairs = pairs;
    this.addresses = pairs.some(({ ip }) => ip !== 0);
    const size = 1 << Math.ceil(Math.log2(pairs.length * 2 + 2));
    this.mask = size - 1;
    this.cells = new Int32Array(size * 3);
    for (const { hi, lo, ip } of pairs) {
      let i = this.slot(hi, lo);
      while (this.cells[i * 3] !== 0) i = (i + 1) & this.mask;
      this.cells.set([hi + 1, lo, ip], i * 3);
    }
  }

  private slot(hi: number, lo: number): number {
    return (Math.imul(lo ^ (hi << 7), 0x9e3779b1) >>> 12) & this.mask;
  }

  has(hi: number, lo: number, ip: number): boolean {
    const { cells } = this;
    for (let i = this.slot(hi, lo); cells[i * 3] !== 0; i = (i + 1) & this.mask) {
      const at = i * 3;
      if (cells[at] === hi + 1 && cells[at + 1] === lo && (cells[at + 2] === 0 || cells[at + 2] === ip)) return true;
    }
    return false;
  }
}

interface Among {
  src: MacSet | null;
  dst: MacSet | null;
  notSrc: boolean;
  notDst: boolean;
}

export function among(readText: ReadText): EbtMatch {
  const set = (side: 'src' | 'dst', read: (text: string) => string) => ({
    parse(d: Among, text: string, invert: boolean): void {
      d[side] = new MacSet(parsePairs(read(text)));
      d[side === 'src' ? 'notSrc' : 'notDst'] = invert;
    },
  });
  return defineEbtMatch<Among>({
    name: 'among',
    options: {
      'among-dst': set('dst', (text) => text),
      'among-src': set('src', (text) => text),
      'among-dst-file': set('dst', (path) => oneLine(readText, path)),
      'among-src-file': set('src', (path) => oneLine(readText, path)),
    },
    create: () => ({ src: null, dst: null, notSrc: false, notDst: false }),
    save: ({ src, dst, notSrc, notDst }) =>
      words(src === null ? '' : shown('among-src', notSrc, setText(src)), dst === null ? '' : shown('among-dst', notDst, setText(dst))),
    match: (skb, par, { src, dst, notSrc, notDst }) =>
      (src === null || holds(src, skb, par, ETH_SRC, IP_SADDR, notSrc)) &&
      (dst === null || holds(dst, skb, par, ETH_DST, IP_DADDR, notDst)),
  });
}

/** Where the IPv4 header is, behind a tag too; -1 when there is none. */
function ipHeader(skb: SkBuff, etherType: number): number {
  const { data, len } = skb;
  if (etherType === ETH_P_IP) return len >= IP_HLEN ? data : -1;
  if (etherType !== ETH_P_8021Q) return -1;
  if (skb.vlanTci !== 0) return skb.protocol === ETH_P_IP && len >= IP_HLEN ? data : -1;
  return len >= VLAN_HLEN + IP_HLEN && skb.head.view.getUint16(data + 2) === ETH_P_IP ? data + VLAN_HLEN : -1;
}

function holds(set: MacSet, skb: SkBuff, par: EbtParam, mac: number, address: number, invert: boolean): boolean {
  const { view } = skb.head;
  let ip = 0;
  if (set.addresses) {
    const header = ipHeader(skb, par.etherType);
    if (header < 0) return false;
    ip = view.getInt32(header + address);
  }
  return set.has(view.getUint16(skb.macHeader + mac), view.getInt32(skb.macHeader + mac + 2), ip) !== invert;
}

function parsePairs(text: string): Pair[] {
  const pairs: Pair[] = [];
  for (const item of text.replace(/,$/, '').split(',')) {
    const [mac, ip] = item.split(/=(.*)/s);
    const ether = parseEther(mac);
    if (ether === null) throw new EbtProblem(`Invalid MAC address '${mac}'`);
    const address = ip === undefined ? 0 : parseIpv4(ip);
    if (address === null) throw new EbtProblem(`Invalid IP address '${ip}'`);
    pairs.push({ ...ether, ip: address });
  }
  return pairs.sort((a, b) => a.hi - b.hi || (a.lo >>> 0) - (b.lo >>> 0) || (a.ip >>> 0) - (b.ip >>> 0));
}

/** `2:0:0:0:0:1=10.0.0.1,2:0:0:0:0:2` */
function setText({ pairs }: MacSet): string {
  return pairs
    .map(({ hi, lo, ip }) => {
      const bytes = [hi >> 8, hi & 255, lo >>> 24, (lo >> 16) & 255, (lo >> 8) & 255, lo & 255];
      return bytes.map((b) => b.toString(16)).join(':') + (ip === 0 ? '' : `=${formatIpv4(ip)}`);
    })
    .join(',');
}

function oneLine(readText: ReadText, path: string): string {
  let text: string;
  try {
    text = readText(path);
  } catch {
    throw new EbtProblem(`Couldn't open file '${path}'`);
  }
  const line = text.replace(/\n$/, '');
  if (line.includes('\n')) throw new EbtProblem('File should only contain one line');
  return line;
}

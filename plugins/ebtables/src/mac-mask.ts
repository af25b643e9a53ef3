/** mac-mask.ts — MAC addresses under a mask, as rules have them: `02:00:00:00:00:01/ff:ff:ff:00:00:00`, `Multicast`. */

/** An address without bits outside its mask: high 16 and low 32 bits of each, the low ones as int32. */
export interface MacMask {
  readonly hi: number;
  readonly lo: number;
  readonly maskHi: number;
  readonly maskLo: number;
}

const BROADCAST: MacMask = { hi: 0xffff, lo: -1, maskHi: 0xffff, maskLo: -1 };
const GROUP: MacMask = { hi: 0x0100, lo: 0, maskHi: 0x0100, maskLo: 0 };

const NAMED: readonly (readonly [string, MacMask])[] = [
  ['Unicast', { ...GROUP, hi: 0 }],
  ['Multicast', GROUP],
  ['Broadcast', BROADCAST],
  /** The bridge group address, to which bridges speak. */
  ['BGA', { hi: 0x0180, lo: 0xc2000000 | 0, maskHi: 0xffff, maskLo: -1 }],
];

/** Six hexadecimal numbers of one or two digits; null for anything else (ether_aton). */
export function parseEther(text: string): { hi: number; lo: number } | null {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(text)) return null;
  const b = text.split(':').map((byte) => Number.parseInt(byte, 16));
  return { hi: (b[0] << 8) | b[1], lo: (b[2] << 24) | (b[3] << 16) | (b[4] << 8) | b[5] };
}

/** An address, with a mask or without; or a name, in any case. Null for anything else (xtables_parse_mac_and_mask). */
export function parseMacMask(text: string): MacMask | null {
  const named = NAMED.find(([name]) => name.toLowerCase() === text.toLowerCase());
  if (named !== undefined) return named[1];
  const slash = text.indexOf('/');
  const mac = parseEther(slash < 0 ? text : text.slice(0, slash));
  const mask = slash < 0 ? { hi: 0xffff, lo: -1 } : parseEther(text.slice(slash + 1));
  if (mac === null || mask === null) return null;
  return { hi: mac.hi & mask.hi, lo: mac.lo & mask.lo, maskHi: mask.hi, maskLo: mask.lo };
}

export function formatEther(hi: number, lo: number): string {
  const bytes = [hi >> 8, hi & 255, lo >>> 24, (lo >> 16) & 255, (lo >> 8) & 255, lo & 255];
  return bytes.map((b) => b.toString(16).padStart(2, '0')).join(':');
}

/** As listings of `-s` and `-d` have it, with names. */
export function macMaskText(mac: MacMask): string {
  const named = NAMED.find(([, m]) => m.hi === mac.hi && m.lo === mac.lo && m.maskHi === mac.maskHi && m.maskLo === mac.maskLo);
  return named?.[0] ?? plainMacMaskText(mac);
}

/** As listings of matches have it, without names. */
export function plainMacMaskText({ hi, lo, maskHi, maskLo }: MacMask): string {
  return formatEther(hi, lo) + (maskHi === 0xffff && maskLo === -1 ? '' : `/${formatEther(maskHi, maskLo)}`);
}

/** Is the address at `offset` of the view the one under the mask? */
export function macMatches(view: DataView, offset: number, mac: MacMask): boolean {
  return (view.getUint16(offset) & mac.maskHi) === mac.hi && (view.getInt32(offset + 2) & mac.maskLo) === mac.lo;
}

/**
 * wire/ethernet.ts — the Ethernet II header (IEEE 802.3 §3.1; RFC 894).
 *
 *      0               6               12      14
 *      +---------------+---------------+-------+----------
 *      |  destination  |    source     | type  | payload …
 *      +---------------+---------------+-------+----------
 */

export const ETH_ALEN = 6;
export const ETH_HLEN = 14;
/** Shortest and longest payload of a plain Ethernet frame. */
export const ETH_DATA_LEN = 1500;
export const ETH_MIN_MTU = 68;
export const ETH_MAX_MTU = 65535;

export const ETH_DST = 0;
export const ETH_SRC = 6;
export const ETH_TYPE = 12;

export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_SLOW = 0x8809;
/** Types below this are 802.3 lengths. */
export const ETH_P_802_3_MIN = 0x0600;
/** Pseudo types of frames that carry a length instead of a type. */
export const ETH_P_802_3 = 0x0001;
export const ETH_P_802_2 = 0x0004;
/** Every protocol: a packet type with this sees every frame. */
export const ETH_P_ALL = 0x0003;

/** A MAC address as the path compares it: high 16 and low 32 bits. */
export interface Mac {
  readonly hi: number;
  readonly lo: number;
}

export function ethType(view: DataView, mac: number): number {
  return view.getUint16(mac + ETH_TYPE);
}

/** First 16 bits of the MAC address at `offset`. */
export function macHi(view: DataView, offset: number): number {
  return view.getUint16(offset);
}

/** Last 32 bits of the MAC address at `offset`, as int32. */
export function macLo(view: DataView, offset: number): number {
  return view.getInt32(offset + 2);
}

/** Group bit (I/G): broadcast and multicast addresses have it. */
export function isMulticastEther(view: DataView, offset: number): boolean {
  return (view.getUint8(offset) & 1) !== 0;
}

/** `02:00:00:00:00:01` for the 6 bytes at `offset`. */
export function formatMac(bytes: Uint8Array, offset = 0): string {
  let s = '';
  for (let i = 0; i < ETH_ALEN; i++) s += (i ? ':' : '') + bytes[offset + i].toString(16).padStart(2, '0');
  return s;
}

/** The 6 bytes of a MAC address written with colons or hyphens, one or two digits a byte; null when it is not one. */
export function parseMac(text: string): Uint8Array | null {
  const parts = text.split(/[:-]/);
  if (parts.length !== ETH_ALEN || !parts.every((p) => /^[0-9a-fA-F]{1,2}$/.test(p))) return null;
  return Uint8Array.from(parts, (p) => Number.parseInt(p, 16));
}

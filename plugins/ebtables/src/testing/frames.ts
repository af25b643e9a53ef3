/** testing/frames.ts — frames from what is in them. */
import { ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, parseIpv4, parseMac } from '@packetwalk/framework';

export interface Frame {
  readonly dst: string;
  readonly src: string;
  readonly in: string;
  readonly out: string;
  readonly vlan?: number | undefined;
  readonly ip?: { src: string; dst: string; proto: number; tos: number; sport: number; dport: number };
  readonly arp?: { op: number; sip: string; tip: string };
}

/** An experimental EtherType, for frames with nothing in them. */
const ETH_P_NOTHING = 0x88b5;

export function frameBytes({ dst, src, vlan, ip, arp }: Frame): Uint8Array {
  const body = ip !== undefined ? ipBytes(ip) : arp !== undefined ? arpBytes(src, arp) : [1, 2, 3, 4];
  const type = ip !== undefined ? ETH_P_IP : arp !== undefined ? ETH_P_ARP : ETH_P_NOTHING;
  const tag = vlan === undefined ? [] : [...be16(ETH_P_8021Q), ...be16(vlan)];
  return Uint8Array.from([...mac(dst), ...mac(src), ...tag, ...be16(type), ...body]);
}

/** What the link layer of a port with another address says of the frame. */
export function naturalPktType({ dst }: Frame): string {
  if (dst === 'ff:ff:ff:ff:ff:ff') return 'broadcast';
  return (mac(dst)[0] & 1) === 1 ? 'multicast' : 'otherhost';
}

function ipBytes({ src, dst, proto, tos, sport, dport }: NonNullable<Frame['ip']>): number[] {
  return [0x45, tos, 0, 28, 0, 1, 0, 0, 64, proto, 0, 0, ...address(src), ...address(dst), ...be16(sport), ...be16(dport), 0, 8, 0, 0];
}

function arpBytes(src: string, { op, sip, tip }: NonNullable<Frame['arp']>): number[] {
  return [0, 1, 8, 0, 6, 4, ...be16(op), ...mac(src), ...address(sip), 0, 0, 0, 0, 0, 0, ...address(tip)];
}

function mac(text: string): Uint8Array {
  return parseMac(text) as Uint8Array;
}

function address(text: string): number[] {
  const a = parseIpv4(text) as number;
  return [a >>> 24, (a >> 16) & 255, (a >> 8) & 255, a & 255];
}

function be16(value: number): number[] {
  return [value >> 8, value & 255];
}

/** packet-change.ts — what a step of a walk did to the packet, field by field. */
import {
  formatIpv4,
  IP_DADDR,
  IP_HLEN,
  IP_PROTOCOL,
  IP_SADDR,
  IP_TOS,
  IP_TOT_LEN,
  IP_TTL,
  IPPROTO_TCP,
  IPPROTO_UDP,
} from '../wire/ipv4.ts';

/** Fields of an IPv4 packet, in the order they are told in. Empty for what is no whole IPv4 header. */
function fields(packet: Uint8Array | null): ReadonlyMap<string, string> {
  if (packet === null || packet.length < IP_HLEN || packet[0] >>> 4 !== 4) return new Map();
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const protocol = packet[IP_PROTOCOL];
  const found = new Map([
    ['source', formatIpv4(view.getInt32(IP_SADDR))],
    ['destination', formatIpv4(view.getInt32(IP_DADDR))],
    ['protocol', String(protocol)],
    ['tos', `0x${packet[IP_TOS].toString(16)}`],
    ['ttl', String(packet[IP_TTL])],
    ['length', String(view.getUint16(IP_TOT_LEN))],
  ]);
  const ports = (packet[0] & 15) * 4;
  const first = (view.getUint16(6) & 0x1fff) === 0;
  if (first && (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) && packet.length >= ports + 4) {
    found.set('source port', String(view.getUint16(ports)));
    found.set('destination port', String(view.getUint16(ports + 2)));
  }
  return found;
}

/**
 * What differs between a packet before and after: `ttl 64 → 63`, say; `bytes` when it is none of the fields above. Nothing
 * when one of both is no IPv4 packet: a frame says nothing about the packet in it.
 */
export function packetChanges(before: Uint8Array | null, after: Uint8Array | null): string[] {
  const [old, now] = [fields(before), fields(after)];
  if (old.size === 0 || now.size === 0) return [];
  const changes = [...now].flatMap(([name, value]) => {
    const was = old.get(name);
    return was === undefined || was === value ? [] : [`${name} ${was} → ${value}`];
  });
  return changes.length > 0 || sameBytes(before as Uint8Array, after as Uint8Array) ? changes : ['bytes'];
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

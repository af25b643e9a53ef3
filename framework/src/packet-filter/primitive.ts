/**
 * primitive.ts — the tests that filters are made of, with libpcap's meaning (pcap-filter(7)). A test that would read behind
 * the packet's end fails. `tags` is how many VLAN tags stand in front: each `vlan` of a filter adds one for what follows it.
 */
import { ETH_DST, ETH_P_8021AD, ETH_P_8021Q, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, ETH_SRC } from '../wire/ethernet.ts';
import { IP_DADDR, IP_FRAG_OFF, IP_OFFSET, IP_PROTOCOL, IP_SADDR, IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import { VLAN_VID_MASK } from '../wire/vlan.ts';
import type { PacketPoint } from './packet-point.ts';

export type PacketTest = (p: PacketPoint) => boolean;

/** `src`, `dst`, `src or dst`, `src and dst`. */
export type Direction = 'src' | 'dst' | 'or' | 'and';

export const ETH_P_RARP = 0x8035;
/** The EtherType of tags in tags that was in use before 802.1ad. */
const ETH_P_QINQ1 = 0x9100;
/** Offsets of the addresses in ARP for Ethernet and IPv4. */
const ARP_SENDER = 14;
const ARP_TARGET = 24;
const IP6_NEXT_HEADER = 6;
const IP6_HLEN = 40;
const IP6_FRAGMENT = 44;
const FIRST_MULTICAST = 224;

export function not(test: PacketTest): PacketTest {
  return (p) => !test(p);
}

export function both(a: PacketTest, b: PacketTest): PacketTest {
  return (p) => a(p) && b(p);
}

export function either(a: PacketTest, b: PacketTest): PacketTest {
  return (p) => a(p) || b(p);
}

/** Joins what is asked of the source and of the destination. */
function directed(direction: Direction, src: PacketTest, dst: PacketTest): PacketTest {
  if (direction === 'src') return src;
  if (direction === 'dst') return dst;
  return direction === 'or' ? either(src, dst) : both(src, dst);
}

export function etherType(type: number, tags: number): PacketTest {
  return (p) => p.type(tags) === type;
}

/** An IP protocol number, by IPv4 (`etherType` ETH_P_IP), IPv6 (behind a fragment header too), or either (0). */
export function ipProtocol(protocol: number, family: number, tags: number): PacketTest {
  const v4: PacketTest = (p) => p.type(tags) === ETH_P_IP && p.u8(p.networkHeader(tags) + IP_PROTOCOL) === protocol;
  const v6: PacketTest = (p) => {
    if (p.type(tags) !== ETH_P_IPV6) return false;
    const next = p.u8(p.networkHeader(tags) + IP6_NEXT_HEADER);
    return next === protocol || (next === IP6_FRAGMENT && p.u8(p.networkHeader(tags) + IP6_HLEN) === protocol);
  };
  if (family === ETH_P_IP) return v4;
  return family === ETH_P_IPV6 ? v6 : either(v4, v6);
}

/** An IPv4 address or network in packets of the given EtherTypes: IPv4's addresses, ARP's and RARP's. */
export function addressTest(address: number, mask: number, direction: Direction, types: readonly number[], tags: number): PacketTest {
  const tests = types.map((type) => {
    const [src, dst] = type === ETH_P_IP ? [IP_SADDR, IP_DADDR] : [ARP_SENDER, ARP_TARGET];
    const at =
      (field: number): PacketTest =>
      (p) =>
        p.is32(p.networkHeader(tags) + field, mask, address);
    return both(etherType(type, tags), directed(direction, at(src), at(dst)));
  });
  return tests.reduce(either);
}

/** What `host` and `net` ask when no protocol is named. */
export const ADDRESSED: readonly number[] = [ETH_P_IP, ETH_P_ARP, ETH_P_RARP];

/** Protocols that `port` means when none is named. */
export const WITH_PORTS: readonly number[] = [IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP];

/** A range of ports of the given protocols; later fragments have none. */
export function portTest(low: number, high: number, direction: Direction, protocols: readonly number[], tags: number): PacketTest {
  const at =
    (field: number): PacketTest =>
    (p) => {
      const port = p.u16(portsOf(p, protocols, tags) + field);
      return port >= low && port <= high;
    };
  const ports = directed(direction, at(0), at(2));
  return (p) => portsOf(p, protocols, tags) >= 0 && ports(p);
}

/** Where the ports are; -1 when the packet has none. */
function portsOf(p: PacketPoint, protocols: readonly number[], tags: number): number {
  const type = p.type(tags);
  const ip = p.networkHeader(tags);
  if (type === ETH_P_IPV6) return protocols.includes(p.u8(ip + IP6_NEXT_HEADER)) ? ip + IP6_HLEN : -1;
  if (type !== ETH_P_IP || !protocols.includes(p.u8(ip + IP_PROTOCOL))) return -1;
  const fragment = p.u16(ip + IP_FRAG_OFF);
  return fragment < 0 || (fragment & IP_OFFSET) !== 0 ? -1 : ip + (p.u8(ip) & 15) * 4;
}

/** A MAC address of the frame. */
export function etherHost(address: Uint8Array, direction: Direction): PacketTest {
  const at =
    (field: number): PacketTest =>
    (p) => {
      const mac = p.linkField(field);
      return address.every((byte, i) => p.u8(mac + i) === byte);
    };
  return directed(direction, at(ETH_SRC), at(ETH_DST));
}

export const etherMulticast: PacketTest = (p) => {
  const first = p.u8(p.linkField(ETH_DST));
  return first >= 0 && (first & 1) !== 0;
};

export function ipMulticast(tags: number): PacketTest {
  return both(etherType(ETH_P_IP, tags), (p) => p.u8(p.networkHeader(tags) + IP_DADDR) >= FIRST_MULTICAST);
}

/** Tagged behind `tags` tags, with that VLAN id when one is given. */
export function vlanTest(id: number | null, tags: number): PacketTest {
  const tagged: PacketTest = (p) => {
    const type = p.type(tags);
    return type === ETH_P_8021Q || type === ETH_P_8021AD || type === ETH_P_QINQ1;
  };
  if (id === null) return tagged;
  return both(tagged, (p) => {
    const tci = p.u16(p.networkHeader(tags));
    return tci >= 0 && (tci & VLAN_VID_MASK) === id;
  });
}

export function lengthTest(low: number, high: number): PacketTest {
  return (p) => p.length >= low && p.length <= high;
}

/** udp-sockets.ts — UDP sockets of plugins: ports, lookup, sending (udp(7), RFC 768; cf. Linux net/ipv4/udp.c). */
import {
  CommandError,
  csumFold,
  csumPartial,
  csumTcpudpPseudo,
  IP_DADDR,
  IP_SADDR,
  IP_TOS,
  IP_TTL,
  IPPROTO_UDP,
  type NetDevice,
  type SendOptions,
  type SkBuff,
  type SocketBinding,
  UDP_CHECK,
  UDP_DEST,
  UDP_HLEN,
  UDP_LEN,
  UDP_MIB_INDATAGRAMS,
  UDP_MIB_OUTDATAGRAMS,
  UDP_SOURCE,
  type UdpReceiver,
  type UdpSocket,
} from '@packetwalk/framework';
import { datagramFlow, ipMakeDatagram, ipSendDatagram } from './datagram.ts';
import type { Ipv4 } from './ipv4.ts';

/** Ports that are given to those who do not mind (net.ipv4.ip_local_port_range). */
const LOCAL_PORTS_FIRST = 32768;
const LOCAL_PORTS = 60999 - LOCAL_PORTS_FIRST + 1;

/** An open UDP socket. */
export class UdpSock implements UdpSocket {
  readonly port: number;
  readonly receiver: UdpReceiver;
  readonly address: number;
  readonly device: NetDevice | null;
  private readonly ipv4: Ipv4;

  constructor(ipv4: Ipv4, receiver: UdpReceiver, port: number, binding: SocketBinding) {
    this.ipv4 = ipv4;
    this.receiver = receiver;
    this.port = port;
    this.address = binding.address ?? 0;
    this.device = binding.device ?? null;
  }

  send(data: Uint8Array, daddr: number, dport: number, options: SendOptions = {}): number {
    const { ipv4, port } = this;
    const { net } = ipv4;
    const flow = datagramFlow(daddr, IPPROTO_UDP, options);
    flow.sport = port;
    flow.dport = dport;
    if (flow.saddr === 0) flow.saddr = this.address;
    if (flow.oif === 0) flow.oif = this.device?.ifindex ?? 0;
    const length = UDP_HLEN + data.length;
    const skb = ipMakeDatagram(ipv4, flow, length, options);
    if (typeof skb === 'number') return skb;
    const { buf, view } = skb.head;
    const uh = skb.data;
    view.setUint16(uh + UDP_SOURCE, port);
    view.setUint16(uh + UDP_DEST, dport);
    view.setUint16(uh + UDP_LEN, length);
    view.setUint16(uh + UDP_CHECK, 0);
    buf.set(data, uh + UDP_HLEN);
    const check = csumFold(csumPartial(view, uh, length, csumTcpudpPseudo(flow.saddr, flow.daddr, IPPROTO_UDP, length)));
    // 0 would mean "no checksum"; 0xffff is the same number.
    view.setUint16(uh + UDP_CHECK, check === 0 ? 0xffff : check);
    net.udpMib[UDP_MIB_OUTDATAGRAMS]++;
    return ipSendDatagram(skb, flow, options);
  }

  close(): void {
    this.ipv4.udp.remove(this);
  }
}

/** The UDP sockets of one router. */
export class UdpTable {
  private readonly ports = new Map<number, UdpSock[]>();

  open(ipv4: Ipv4, receiver: UdpReceiver, port: number, binding: SocketBinding): UdpSock {
    const socket = new UdpSock(ipv4, receiver, port === 0 ? this.freePort(ipv4) : port, binding);
    const others = this.ports.get(socket.port) ?? [];
    const meets = (a: number | object | null, b: number | object | null): boolean =>
      a === b || a === 0 || b === 0 || a === null || b === null;
    if (others.some((o) => meets(o.address, socket.address) && meets(o.device, socket.device))) {
      throw new CommandError('Address already in use');
    }
    this.ports.set(socket.port, [...others, socket]);
    return socket;
  }

  remove(socket: UdpSock): void {
    const rest = (this.ports.get(socket.port) ?? []).filter((o) => o !== socket);
    if (rest.length === 0) this.ports.delete(socket.port);
    else this.ports.set(socket.port, rest);
  }

  /** The socket for a datagram: bound to its address or device rather than to any; null when there is none. */
  lookup(daddr: number, port: number, dev: NetDevice): UdpSock | null {
    let best: UdpSock | null = null;
    let bestScore = -1;
    for (const socket of this.ports.get(port) ?? []) {
      const score = scoreOf(socket, daddr, dev);
      if (score > bestScore) {
        best = socket;
        bestScore = score;
      }
    }
    return best;
  }

  /** All sockets that hear a broadcast or multicast to a port. */
  lookupAll(daddr: number, port: number, dev: NetDevice): UdpSock[] {
    return (this.ports.get(port) ?? []).filter((socket) => scoreOf(socket, daddr, dev) >= 0);
  }

  private freePort({ net }: Ipv4): number {
    const start = net.softirq.random.below(LOCAL_PORTS);
    for (let i = 0; i < LOCAL_PORTS; i++) {
      const port = LOCAL_PORTS_FIRST + ((start + i) % LOCAL_PORTS);
      if (!this.ports.has(port)) return port;
    }
    throw new CommandError('Address already in use');
  }
}

/** How well a socket suits, -1: not at all (compute_score). */
function scoreOf(socket: UdpSock, daddr: number, dev: NetDevice): number {
  if (socket.address !== 0 && socket.address !== daddr) return -1;
  if (socket.device !== null && socket.device !== dev) return -1;
  return Number(socket.address !== 0) + Number(socket.device !== null);
}

/** Hands a datagram, data at its UDP header, to a socket. The packet stays the caller's. */
export function udpDeliver(socket: UdpSock, skb: SkBuff): void {
  const { net, dev: device } = skb;
  const { buf, view } = skb.head;
  const ip = skb.networkHeader;
  const uh = skb.data;
  net.udpMib[UDP_MIB_INDATAGRAMS]++;
  const { receiver } = socket;
  net.softirq.guard(receiver.name, () =>
    receiver.message(buf.slice(uh + UDP_HLEN, uh + skb.len), {
      saddr: view.getInt32(ip + IP_SADDR),
      sport: view.getUint16(uh + UDP_SOURCE),
      daddr: view.getInt32(ip + IP_DADDR),
      device,
      ttl: view.getUint8(ip + IP_TTL),
      tos: view.getUint8(ip + IP_TOS),
    }),
  );
}

/**
 * services/sockets.ts — UDP and raw IPv4 for plugins, in the manner of sockets (udp(7), raw(7)): ping, traceroute, a DHCP
 * server. Everything is called at once on the packet path: a receiver must not wait.
 */
import type { NetDevice } from '../netdevice.ts';
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Errors of sending, as negative numbers besides those of routing. */
export const EMSGSIZE = 90;

/** How one packet is sent; what is left out is the route's or the sysctl's choice. */
export interface SendOptions {
  /** One of this router's addresses. */
  readonly source?: number;
  readonly device?: NetDevice;
  /** 1–255. */
  readonly ttl?: number;
  readonly tos?: number;
  readonly mark?: number;
  /**
   * True: never cut, a packet longer than the path MTU is refused with -EMSGSIZE. False: may be cut by anybody. Left out:
   * DF is set unless the packet is longer than the path MTU.
   */
  readonly df?: boolean;
}

/** What a socket is bound to; 0 and null stand for any. */
export interface SocketBinding {
  readonly address?: number;
  readonly device?: NetDevice | null;
}

/** An ICMP error about a packet that the socket sent. */
export interface SocketError {
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU of "fragmentation needed", pointer of a parameter problem, gateway of a redirect; else 0. */
  readonly info: number;
  /** Who says so, and where the packet was going. */
  readonly offender: number;
  readonly destination: number;
  /** The ICMP packet, its data at the quoted IP header: valid during the call only, not to be freed. */
  readonly skb: SkBuff;
}

/** Where a datagram came from and how. */
export interface DatagramInfo {
  readonly saddr: number;
  readonly sport: number;
  readonly daddr: number;
  readonly device: NetDevice;
  readonly ttl: number;
  readonly tos: number;
}

export interface UdpReceiver {
  /** Shown when it throws. */
  readonly name: string;
  message(data: Uint8Array, from: DatagramInfo): void;
  /**
   * Sees every datagram first, its data at the UDP header, the checksum right (udp_sock.encap_rcv): 0 when it took the packet, −N
   * to have it handled as IP protocol N, a positive number to leave it to `message`.
   */
  encapRcv?(skb: SkBuff): number;
  error?(error: SocketError): void;
}

export interface UdpSocket {
  readonly port: number;
  /** Sends a datagram; 0, or a negative errno: no route, too long. */
  send(data: Uint8Array, daddr: number, dport: number, options?: SendOptions): number;
  close(): void;
}

export interface RawReceiver {
  readonly name: string;
  /** A packet of the protocol for this router, its data at the transport header: valid during the call, not to be freed. */
  packet(skb: SkBuff): void;
  error?(error: SocketError): void;
  /** Packets in transit with the router alert option come here instead of going on (RFC 2113). */
  readonly routerAlert?: boolean;
}

export interface RawSocket {
  /** Sends a packet with this transport header and payload; 0, or a negative errno. */
  send(payload: Uint8Array, daddr: number, options?: SendOptions): number;
  close(): void;
}

export interface InetSockets {
  /** Opens a UDP socket. Port 0: a free one. Throws CommandError `Address already in use`. */
  udp(receiver: UdpReceiver, port: number, binding?: SocketBinding): UdpSocket;
  /** Opens a raw socket, which hears of packets besides the protocol's handler. */
  raw(receiver: RawReceiver, protocol: number, binding?: SocketBinding): RawSocket;
}

export const InetSockets: Token<InetSockets> = token<InetSockets>('InetSockets');

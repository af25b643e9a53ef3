/**
 * nat-traversal.ts — ESP in UDP, port 4500 (RFC 3948; cf. Linux net/ipv4/xfrm4_input.c xfrm4_udp_encap_rcv). On the port there
 * are ESP packets, keep-alives of one octet 0xff, and IKE behind a marker of four zero octets, which is a key daemon's.
 */
import {
  CommandError,
  consumeSkb,
  type InetSockets,
  IP_TOT_LEN,
  IPPROTO_ESP,
  ipHdrLen,
  type SkBuff,
  Timer,
  UDP_HLEN,
  type UdpReceiver,
  type UdpSocket,
} from '@packetwalk/framework';
import type { XfrmNet } from './xfrm-net.ts';

/** Least that an ESP packet has: SPI and sequence number. */
const ESP_HLEN = 8;
const KEEPALIVE: Uint8Array = Uint8Array.of(0xff);

export class NatTraversal {
  private readonly xfrm: XfrmNet;
  private readonly sockets: InetSockets;
  private readonly open = new Map<number, UdpSocket>();
  private readonly timer: Timer;
  /** Seconds between keep-alives, where nothing was sent; 0: none. */
  private interval = 0;

  constructor(xfrm: XfrmNet, sockets: InetSockets) {
    this.xfrm = xfrm;
    this.sockets = sockets;
    this.timer = new Timer('xfrm', () => this.keepAlive());
  }

  /** Sends keep-alives from now on (RFC 3948 §4): a NAT in front of this router forgets what it does not see. */
  keepAliveEvery(seconds: number): void {
    this.interval = seconds;
    const { softirq } = this.xfrm.net;
    if (seconds === 0) softirq.timers.del(this.timer);
    else softirq.timers.mod(this.timer, softirq.jiffies + seconds * 1000);
  }

  /** Has datagrams to this port looked at; a port that somebody else uses is theirs. */
  listen(port: number): void {
    if (this.open.has(port)) return;
    const receiver: UdpReceiver = { name: 'xfrm', encapRcv: (skb) => this.receive(skb), message: () => {} };
    try {
      this.open.set(port, this.sockets.udp(receiver, port));
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.xfrm.net.log.warn(`port ${port} is in use: no ESP in UDP on it`);
    }
  }

  close(): void {
    this.keepAliveEvery(0);
    for (const socket of this.open.values()) socket.close();
    this.open.clear();
  }

  /** A datagram, its data at the UDP header. */
  private receive(skb: SkBuff): number {
    const { view } = skb.head;
    const data = skb.data + UDP_HLEN;
    const length = skb.len - UDP_HLEN;
    if (length === 1 && view.getUint8(data) === 0xff) {
      consumeSkb(skb);
      return 0;
    }
    // Zeros in place of an SPI: IKE, for whom nobody listens here yet.
    if (length <= ESP_HLEN || view.getInt32(data) === 0) return 1;
    const ip = skb.networkHeader;
    const total = view.getUint16(ip + IP_TOT_LEN);
    if (skb.len < UDP_HLEN || total < ipHdrLen(view, ip) + UDP_HLEN) return 1;
    skb.data += UDP_HLEN;
    skb.len -= UDP_HLEN;
    this.xfrm.input.receive(skb, IPPROTO_ESP, UDP_HLEN);
    return 0;
  }

  /** One octet to the peer of every state that sends in UDP and has been silent. */
  private keepAlive(): void {
    const now = this.xfrm.now();
    for (const { encap, kmState, lastUsed, saddr, daddr, protocol } of this.xfrm.sad.list()) {
      if (encap === null || kmState !== 'valid' || protocol !== IPPROTO_ESP) continue;
      if (now - lastUsed < this.interval * 1000 || this.xfrm.inet.findDevice(saddr) === null) continue;
      this.open.get(encap.sport)?.send(KEEPALIVE, daddr, encap.dport, { source: saddr });
    }
    this.keepAliveEvery(this.interval);
  }
}

/** inet-sockets.ts — UDP and raw sockets for other plugins: the service InetSockets over this router's IPv4. */
import {
  ICMP_TYPE,
  type InetSockets,
  IP_DADDR,
  IP_SADDR,
  IPPROTO_ICMP,
  type RawReceiver,
  type RawSocket,
  type SkBuff,
  type SocketBinding,
  type SocketError,
} from '@packetwalk/framework';
import { datagramFlow, ipMakeDatagram, ipSendDatagram } from './datagram.ts';
import { countIcmpOut } from './icmp-mib.ts';
import type { Ipv4 } from './ipv4.ts';

/** An ICMP error, `skb.data` at the quoted IP header, as sockets see it. */
export function socketError(skb: SkBuff, type: number, code: number, info: number): SocketError {
  const { view } = skb.head;
  return { type, code, info, offender: view.getInt32(skb.networkHeader + IP_SADDR), destination: view.getInt32(skb.data + IP_DADDR), skb };
}

/** The sockets that plugins open. */
export function inetSockets(ipv4: Ipv4): InetSockets {
  return {
    udp: (receiver, port, binding = {}) => ipv4.udp.open(ipv4, receiver, port, binding),
    raw: (receiver, protocol, binding = {}) => openRaw(ipv4, receiver, protocol, binding),
  };
}

function openRaw(ipv4: Ipv4, receiver: RawReceiver, protocol: number, binding: SocketBinding): RawSocket {
  const { softirq } = ipv4.net;
  const { address = 0, device = null } = binding;
  const close = ipv4.raw.add({
    protocol,
    address,
    routerAlert: receiver.routerAlert ?? false,
    receive(skb) {
      if (device === null || device === skb.dev) softirq.guard(receiver.name, () => receiver.packet(skb));
    },
    error(skb, type, code, info) {
      softirq.guard(receiver.name, () => receiver.error?.(socketError(skb, type, code, info)));
    },
  });
  return {
    close,
    send(payload, daddr, options = {}) {
      const flow = datagramFlow(daddr, protocol, options);
      if (flow.saddr === 0) flow.saddr = address;
      if (flow.oif === 0) flow.oif = device?.ifindex ?? 0;
      const skb = ipMakeDatagram(ipv4, flow, payload.length, options);
      if (typeof skb === 'number') return skb;
      skb.head.buf.set(payload, skb.data);
      if (protocol === IPPROTO_ICMP && payload.length > 0) countIcmpOut(ipv4, payload[ICMP_TYPE]);
      return ipSendDatagram(skb, flow, options);
    },
  };
}

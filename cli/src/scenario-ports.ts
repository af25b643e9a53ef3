/**
 * scenario-ports.ts — the router's surroundings in a scenario: ports whose frames are written down, and stations behind
 * them that answer ARP requests for their addresses, and nothing else.
 */
import {
  ARP_LEN,
  ARP_OP,
  ARP_SHA,
  ARP_SIP,
  ARP_THA,
  ARP_TIP,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  allocSkb,
  consumeSkb,
  definePlugin,
  ETH_ALEN,
  ETH_DST,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_SRC,
  ETH_TYPE,
  isUp,
  type NetDevice,
  type NetDeviceOps,
  type Plugin,
  parseIpv4,
  parseMac,
  skbBytes,
  skbPutData,
  VLAN_HLEN,
} from '@packetwalk/framework';
import type { ScenarioHost } from '@packetwalk/framework/testing';

/** Hears of each frame that leaves a port. */
export type FrameSink = (port: string, frame: Uint8Array) => void;

/** Driver of the ports in the router's config. */
export const SCENARIO_DRIVER = 'scenario-port';

/** The plugin that makes the ports. */
export function scenarioPorts(hosts: readonly ScenarioHost[], sink: FrameSink): Plugin {
  return definePlugin({
    name: 'scenario-ports',
    setup(ctx) {
      ctx.driver({
        name: SCENARIO_DRIVER,
        create: ({ name }) => ({ ops: portOps(answering(hosts, name), sink) }),
      });
    },
  });
}

/** MAC addresses of the stations behind a port, by IPv4 address. */
function answering(hosts: readonly ScenarioHost[], port: string): Map<number, Uint8Array> {
  const macs = new Map<number, Uint8Array>();
  for (const host of hosts) {
    const [ip, mac] = [parseIpv4(host.ip), parseMac(host.mac)];
    if (host.port === port && ip !== null && mac !== null) macs.set(ip, mac);
  }
  return macs;
}

function portOps(macs: ReadonlyMap<number, Uint8Array>, sink: FrameSink): NetDeviceOps {
  return {
    startXmit(skb, dev) {
      const frame = skbBytes(skb).slice();
      consumeSkb(skb);
      sink(dev.name, frame);
      const reply = arpReply(frame, macs);
      if (reply !== null) arrive(dev, reply);
      return 0;
    },
  };
}

/** A frame arrives at a port. What is longer than MTU, Ethernet header and a tag is lost on the wire. */
export function arrive(dev: NetDevice, frame: Uint8Array): void {
  if (!isUp(dev) || frame.length > dev.mtu + ETH_HLEN + VLAN_HLEN) return;
  const skb = allocSkb(dev.net, dev, frame.length);
  skbPutData(skb, frame);
  dev.net.softirq.netifRx(skb);
}

/** What the station asked for answers to an ARP request; null when the frame is none, or nobody is there. */
function arpReply(frame: Uint8Array, macs: ReadonlyMap<number, Uint8Array>): Uint8Array | null {
  if (frame.length < ETH_HLEN + ARP_LEN) return null;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (view.getUint16(ETH_TYPE) !== ETH_P_ARP || view.getUint16(ETH_HLEN + ARP_OP) !== ARPOP_REQUEST) return null;
  const mac = macs.get(view.getInt32(ETH_HLEN + ARP_TIP));
  if (mac === undefined) return null;
  const reply = frame.slice(0, ETH_HLEN + ARP_LEN);
  const arp = reply.subarray(ETH_HLEN);
  reply.set(frame.subarray(ETH_SRC, ETH_SRC + ETH_ALEN), ETH_DST);
  reply.set(mac, ETH_SRC);
  arp[ARP_OP + 1] = ARPOP_REPLY;
  const sender = frame.subarray(ETH_HLEN + ARP_SHA, ETH_HLEN + ARP_THA);
  const target = frame.subarray(ETH_HLEN + ARP_TIP, ETH_HLEN + ARP_LEN);
  arp.set(mac, ARP_SHA);
  arp.set(target, ARP_SIP);
  arp.set(sender, ARP_THA);
  return reply;
}

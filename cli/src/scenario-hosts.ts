/** scenario-hosts.ts — the stations behind a port: they answer ARP requests for their addresses, and nothing else. */
import {
  ARP_LEN,
  ARP_OP,
  ARP_SHA,
  ARP_SIP,
  ARP_THA,
  ARP_TIP,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  ETH_ALEN,
  ETH_DST,
  ETH_HLEN,
  ETH_P_ARP,
  ETH_SRC,
  ETH_TYPE,
  parseIpv4,
  parseMac,
} from '@packetwalk/framework';
import type { ScenarioHost } from '@packetwalk/framework/testing';

export class ScenarioHosts {
  private readonly macs = new Map<number, Uint8Array>();

  /** @param hosts those of the scenario; the ones behind `port` answer here */
  constructor(hosts: readonly ScenarioHost[], port: string) {
    for (const host of hosts) {
      const [ip, mac] = [parseIpv4(host.ip), parseMac(host.mac)];
      if (host.port === port && ip !== null && mac !== null) this.macs.set(ip, mac);
    }
  }

  /** What a station answers to a frame that left the port: 42 bytes, not padded; null when nobody answers. */
  answer(frame: Uint8Array): Uint8Array | null {
    if (frame.length < ETH_HLEN + ARP_LEN) return null;
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (view.getUint16(ETH_TYPE) !== ETH_P_ARP || view.getUint16(ETH_HLEN + ARP_OP) !== ARPOP_REQUEST) return null;
    const mac = this.macs.get(view.getInt32(ETH_HLEN + ARP_TIP));
    if (mac === undefined) return null;
    const reply = frame.slice(0, ETH_HLEN + ARP_LEN);
    reply.set(frame.subarray(ETH_SRC, ETH_SRC + ETH_ALEN), ETH_DST);
    reply.set(mac, ETH_SRC);
    const [asked, arp] = [frame.subarray(ETH_HLEN), reply.subarray(ETH_HLEN)];
    arp[ARP_OP + 1] = ARPOP_REPLY;
    arp.set(mac, ARP_SHA);
    arp.set(asked.subarray(ARP_TIP, ARP_LEN), ARP_SIP);
    arp.set(asked.subarray(ARP_SHA, ARP_THA), ARP_THA);
    return reply;
  }
}

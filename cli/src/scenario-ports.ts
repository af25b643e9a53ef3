/** scenario-ports.ts — the ports of a scenario's router: what leaves by them is written down, and may be answered. */
import {
  allocSkb,
  consumeSkb,
  definePlugin,
  ETH_HLEN,
  isUp,
  type NetDevice,
  type NetDeviceOps,
  type Plugin,
  skbBytes,
  skbPutData,
  VLAN_HLEN,
} from '@packetwalk/framework';
import type { ScenarioHost } from '@packetwalk/framework/testing';
import { ScenarioHosts } from './scenario-hosts.ts';

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
        create: ({ name }) => ({ ops: portOps(new ScenarioHosts(hosts, name), sink) }),
      });
    },
  });
}

function portOps(stations: ScenarioHosts, sink: FrameSink): NetDeviceOps {
  return {
    startXmit(skb, dev) {
      const frame = skbBytes(skb).slice();
      consumeSkb(skb);
      sink(dev.name, frame);
      const answer = stations.answer(frame);
      if (answer !== null) arrive(dev, answer);
      return 0;
    },
  };
}

/** A frame arrives at a port, and is processed when its turn comes. */
export function arrive(dev: NetDevice, frame: Uint8Array): void {
  if (!isUp(dev) || !fitsWire(frame, dev.mtu)) return;
  const skb = allocSkb(dev.net, dev, frame.length);
  skbPutData(skb, frame);
  dev.net.softirq.netifRx(skb);
}

/** False of frames that are lost on the wire: longer than MTU, Ethernet header and a tag. */
export function fitsWire(frame: Uint8Array, mtu: number): boolean {
  return frame.length <= mtu + ETH_HLEN + VLAN_HLEN;
}

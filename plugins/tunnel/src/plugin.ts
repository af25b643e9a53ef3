/**
 * @packetwalk/tunnel — IPv4 in IPv4: ipip (RFC 2003) and GRE (RFC 2784, RFC 2890).
 *
 *      route ─▶ t0 ─▶ GRE header ─▶ ipTunnelXmit ─▶ outer IPv4 header ─▶ LOCAL_OUT ─▶ eth0
 *      eth0 ─▶ ipLocalDeliver ─▶ whose tunnel? ─▶ ipTunnelRcv ─▶ t0 ─▶ ipRcv
 *
 * Read tunnel-xmit.ts first.
 */
import { definePlugin, IcmpSend, InetProtocols, IpOutput, type Plugin, Routing } from '@packetwalk/framework';
import { IpTunnel } from './ip-tunnel.ts';
import { tunnelLinkKind } from './link-type.ts';
import { GreKind, IpipKind } from './tunnels.ts';

const plugin: Plugin = definePlugin({
  name: 'tunnel',
  requires: [Routing, IpOutput, IcmpSend, InetProtocols],
  schema: { type: 'object', additionalProperties: false, properties: {} },
  setup(ctx) {
    const services = { routing: ctx.inject(Routing), output: ctx.inject(IpOutput), icmp: ctx.inject(IcmpSend) };
    const protocols = ctx.inject(InetProtocols);
    const ipip = new IpipKind(ctx.net, services, protocols);
    const gre = new GreKind(ctx.net, services, protocols);
    for (const kind of [ipip, gre]) {
      ctx.defer(() => kind.unload());
      ctx.linkKind(tunnelLinkKind(kind));
    }
    ctx.command(new IpTunnel(ctx.net, ipip, gre).command());
  },
});
export default plugin;

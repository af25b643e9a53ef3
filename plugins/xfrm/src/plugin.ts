/**
 * @packetwalk/xfrm — IPsec: policies, states, ESP, AH and IPComp.
 *
 *      out:  route ─▶ xfrmLookup: policy ─▶ states ─▶ bundle ─▶ xfrmOutput: transforms ─▶ LOCAL_OUT ─▶ the outer route
 *      in:   ipLocalDeliver ─▶ xfrmInput: state, replay, transform ─▶ arrives anew ─▶ policy check: did it come as it should?
 *
 * Read xfrm-net.ts first.
 */
import {
  CommandError,
  type CommandIo,
  definePlugin,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  ICMP_REDIRECT,
  IcmpSend,
  InetDevices,
  type InetProtocol,
  InetProtocols,
  InetSockets,
  IP_DADDR,
  IPPROTO_COMP,
  IPPROTO_ESP,
  IPPROTO_IPIP,
  IpOutput,
  ipHdrLen,
  NF_ACCEPT,
  NF_DROP,
  NF_IP_POST_ROUTING,
  NF_IP_PRI_NAT_SRC,
  PF_INET,
  type Plugin,
  type PluginContext,
  Routing,
  splitWords,
  Words,
  XfrmPath,
} from '@packetwalk/framework';
import { monitorCommand } from './iproute/monitor-command.ts';
import { addPolicy, parsePolicy, policyCommand } from './iproute/policy-command.ts';
import { addState, keyMaterial, parseState, stateCommand } from './iproute/state-command.ts';
import { saveXfrm } from './save.ts';
import { XfrmNet } from './xfrm-net.ts';
import { XFRM_MIB, xfrmStatText } from './xfrm-stat.ts';

const LINES = { type: 'array', items: { type: 'string' } } as const;
const USAGE = `Usage: ip xfrm XFRM-OBJECT { COMMAND | help }
where  XFRM-OBJECT := state | policy | monitor
`;

interface Options {
  readonly natKeepalive?: number;
}

const plugin: Plugin<Options> = definePlugin<Options>({
  name: 'xfrm',
  requires: [Routing, IpOutput, IcmpSend, InetProtocols, InetDevices, InetSockets],
  provides: [XfrmPath],
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      natKeepalive: {
        type: 'integer',
        minimum: 0,
        maximum: 3600,
        default: 0,
        description: 'Seconds between keep-alives of states with `encap espinudp`, for a NAT in front of this router; 0: none',
      },
    },
  },
  sections: {
    xfrm: {
      type: 'object',
      description: 'IPsec',
      additionalProperties: false,
      properties: {
        state: { ...LINES, description: 'States: what follows `ip xfrm state add`; a key may be `file:PATH` or `env:NAME`' },
        policy: { ...LINES, description: 'Policies: what follows `ip xfrm policy add`' },
      },
    },
  },
  setup(ctx, { natKeepalive = 0 }) {
    const { net } = ctx;
    const services = {
      routing: ctx.inject(Routing),
      output: ctx.inject(IpOutput),
      icmp: ctx.inject(IcmpSend),
      inet: ctx.inject(InetDevices),
      sockets: ctx.inject(InetSockets),
    };
    const xfrm = new XfrmNet(net, services, net.metrics.group('Xfrm', XFRM_MIB).values);
    net.xfrm = xfrm;
    ctx.defer(() => {
      net.xfrm = null;
      xfrm.dispose();
    });
    ctx.provide(XfrmPath, xfrm);
    // Linux loads a protocol with its first state: until then packets of it are for nobody.
    const loaded = new Set<number>();
    xfrm.loadProtocol = (protocol) => {
      if (loaded.has(protocol)) return;
      loaded.add(protocol);
      ctx.inetProtocol(xfrmProtocol(xfrm, protocol));
    };
    ctx.nfHook({
      pf: PF_INET,
      hooknum: NF_IP_POST_ROUTING,
      priority: NF_IP_PRI_NAT_SRC + 1,
      hook: (skb) => (xfrm.translated(skb) ? NF_ACCEPT : NF_DROP),
    });
    ctx.proc('net/xfrm_stat', () => xfrmStatText(xfrm.mib));
    ctx.command({
      name: 'ip xfrm',
      summary: 'IPsec states and policies',
      usage: USAGE,
      run: (args, io) => run(xfrm, args, io),
    });
    ctx.onConfigure(() => configure(ctx, xfrm));
    ctx.onSave((config) => saveXfrm(config, xfrm));
    if (natKeepalive !== 0) xfrm.natT.keepAliveEvery(natKeepalive);
  },
});
export default plugin;

/** ESP, AH or IPComp as a protocol of IPv4; IPv4 in IPv4 behind the devices that tunnels are. */
function xfrmProtocol(xfrm: XfrmNet, protocol: number): InetProtocol {
  if (protocol === IPPROTO_IPIP) {
    return { protocol, sharedPriority: 3, noPolicy: true, handler: (skb) => xfrm.input.receive(skb, protocol, 0) };
  }
  return {
    protocol,
    noPolicy: true,
    handler: (skb) => xfrm.input.receive(skb, protocol, 0),
    errHandler(skb, type, code, info) {
      const fragNeeded = type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED;
      if (!fragNeeded && type !== ICMP_REDIRECT) return;
      const { view } = skb.head;
      const header = skb.data + ipHdrLen(view, skb.data);
      const offset = protocol === IPPROTO_ESP ? 0 : 4;
      const spi = protocol === IPPROTO_COMP ? view.getUint16(header + 2) : view.getInt32(header + offset);
      if (xfrm.sad.lookup(skb.mark, view.getInt32(skb.data + IP_DADDR), spi, protocol) === null) return;
      if (fragNeeded) xfrm.routing.updatePmtu(skb, protocol, info);
      else xfrm.routing.redirected(skb, protocol, info);
    },
  };
}

function run(xfrm: XfrmNet, args: readonly string[], io: CommandIo): void | Promise<void> {
  const words = new Words(args);
  const object = words.done ? 'help' : words.next();
  if ('state'.startsWith(object) || object === 'sa') return stateCommand(xfrm, words, io);
  if ('policy'.startsWith(object)) return policyCommand(xfrm, words, io);
  if ('monitor'.startsWith(object)) return monitorCommand(xfrm, words, io);
  throw new CommandError(USAGE.trimEnd(), 255);
}

/** Applies the section: states first, then the policies that want them. */
function configure(ctx: PluginContext, xfrm: XfrmNet): void {
  const section = ctx.section<{ state?: string[]; policy?: string[] }>('xfrm') ?? {};
  const secret = (reference: string): Uint8Array => keyMaterial(ctx.secret(reference));
  for (const [i, line] of (section.state ?? []).entries()) {
    ctx.configTry(['xfrm', 'state', i], () => addState(xfrm, parseState(new Words(splitWords(line)), ctx.net, secret), false));
  }
  for (const [i, line] of (section.policy ?? []).entries()) {
    ctx.configTry(['xfrm', 'policy', i], () => addPolicy(xfrm, parsePolicy(new Words(splitWords(line)), ctx.net), false));
  }
}

/** match/udp.ts — `-p udp`: ports (RFC 768; cf. nf_tables' payload expressions, which iptables makes of it). */
import { defineMatch, IPPROTO_UDP, UDP_HLEN, type XtMatch, XtProblem } from '@packetwalk/framework';
import { givenRange, inRange, type PortRange, portRange, printRange, rangeBounds, saveRange } from './port-range.ts';
import { transportOffset, wholeHeader } from './transport.ts';
import { words } from './words.ts';

interface Udp {
  readonly sport: PortRange | null;
  readonly dport: PortRange | null;
}

const ports = portRange('udp', false);

export const udp: XtMatch = defineMatch({
  name: 'udp',
  pure: true,
  options: {
    'source-port': { value: ports, invert: true, twice: "Only one `--source-port' allowed" },
    sport: { alias: 'source-port' },
    'destination-port': { value: ports, invert: true, twice: "Only one `--destination-port' allowed" },
    dport: { alias: 'destination-port' },
  },
  init(o, rule): Udp {
    const data = { sport: givenRange(o['source-port']), dport: givenRange(o['destination-port']) };
    const any = data.sport === null && data.dport === null;
    if (!any && rule.protocol !== IPPROTO_UDP) throw new XtProblem("UDP match requires '-p udp'");
    return data;
  },
  save: ({ sport, dport }) => words(saveRange('sport', sport), saveRange('dport', dport)),
  print: ({ sport, dport }, numeric) => words('udp', printRange('spt', sport, 'udp', numeric), printRange('dpt', dport, 'udp', numeric)),
  check({ sport, dport }, { protocol, protocolInverted }) {
    const any = sport === null && dport === null;
    return any && (protocol !== IPPROTO_UDP || protocolInverted) ? 'only valid for UDP' : null;
  },
  match(skb, par, { sport, dport }) {
    if (sport === null && dport === null) return wholeHeader(skb, par, UDP_HLEN) >= 0;
    const { view } = skb.head;
    if (sport !== null) {
      const th = transportOffset(skb, par, 2);
      if (th < 0 || !inRange(sport, view.getUint16(th))) return false;
    }
    if (dport !== null) {
      const th = transportOffset(skb, par, 4);
      if (th < 0 || !inRange(dport, view.getUint16(th + 2))) return false;
    }
    return true;
  },
  ports: ({ sport, dport }) => ({ sport: rangeBounds(sport), dport: rangeBounds(dport) }),
});

/** match/sctp.ts — `-p sctp` and `-p dccp`: ports (RFC 9260 §3.1, RFC 4340 §5.1; cf. Linux net/netfilter/xt_sctp.c, xt_dccp.c). */
import { defineMatch, type XtMatch } from '@packetwalk/framework';
import { givenRange, inRange, type PortRange, portRange, printRange, saveRange } from './port-range.ts';
import { wholeHeader } from './transport.ts';
import { words } from './words.ts';

const IPPROTO_DCCP = 33;
const IPPROTO_SCTP = 132;

interface Ports {
  readonly sport: PortRange | null;
  readonly dport: PortRange | null;
}

/** A match on the two ports that a header begins with. */
function portMatch(name: string, protocol: number, header: number): XtMatch {
  const option = { value: portRange(name, false), invert: true } as const;
  return defineMatch({
    name,
    pure: true,
    protocol,
    options: {
      'source-port': option,
      sport: { alias: 'source-port' },
      'destination-port': option,
      dport: { alias: 'destination-port' },
    },
    init: (o): Ports => ({ sport: givenRange(o['source-port']), dport: givenRange(o['destination-port']) }),
    save: ({ sport, dport }) => words(saveRange('sport', sport), saveRange('dport', dport)),
    print: ({ sport, dport }, numeric) => words(name, printRange('spt', sport, name, numeric), printRange('dpt', dport, name, numeric)),
    match(skb, par, { sport, dport }) {
      const th = wholeHeader(skb, par, header);
      if (th < 0) return false;
      const { view } = skb.head;
      return (sport === null || inRange(sport, view.getUint16(th))) && (dport === null || inRange(dport, view.getUint16(th + 2)));
    },
  });
}

export const sctp: XtMatch = portMatch('sctp', IPPROTO_SCTP, 12);
export const dccp: XtMatch = portMatch('dccp', IPPROTO_DCCP, 12);

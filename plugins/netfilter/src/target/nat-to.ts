/** target/nat-to.ts — what SNAT and DNAT translate to: `1.2.3.4`, `1.2.3.4-1.2.3.9:1000-2000`, `:80` (cf. iptables' libxt_NAT.c). */
import { formatIpv4, parseIpv4, XtProblem, type XtRule } from '@packetwalk/framework';
import { NAT_MAP_IPS, NAT_PROTO_OFFSET, NAT_PROTO_SPECIFIED, type NatRange } from '../nat/nat-range.ts';
import { formatNatPorts, type NatPorts, parseNatPorts } from './nat-ports.ts';

/** Addresses and ports to choose from; what is null stays as it is. */
export interface NatTo {
  readonly addresses: { readonly first: number; readonly last: number } | null;
  readonly ports: NatPorts | null;
}

/** Reads the argument of a rule; throws XtProblem. */
export function parseNatTo(text: string, rule: XtRule): NatTo {
  const colon = text.indexOf(':');
  const ports = colon < 0 ? null : parseNatPorts(text.slice(colon + 1), rule);
  const address = colon < 0 ? text : text.slice(0, colon);
  if (address === '' && ports !== null) return { addresses: null, ports };
  const dash = address.indexOf('-');
  const first = parse(dash < 0 ? address : address.slice(0, dash));
  return { addresses: { first, last: dash < 0 ? first : parse(address.slice(dash + 1)) }, ports };
}

function parse(text: string): number {
  const address = parseIpv4(text);
  if (address === null) throw new XtProblem(`Bad IP address "${text}"`);
  return address;
}

/** As iptables-save writes it. */
export function formatNatTo({ addresses, ports }: NatTo): string {
  const range = addresses === null || addresses.first === addresses.last ? '' : `-${formatIpv4(addresses.last)}`;
  return `${addresses === null ? '' : formatIpv4(addresses.first)}${range}${ports === null ? '' : `:${formatNatPorts(ports)}`}`;
}

/** The range, with more flags (NAT_*) for how to choose from it. */
export function natRange({ addresses, ports }: NatTo, flags: number): NatRange {
  const mapped = addresses === null ? 0 : NAT_MAP_IPS;
  const specified = ports === null ? 0 : NAT_PROTO_SPECIFIED | (ports.base === null ? 0 : NAT_PROTO_OFFSET);
  return {
    flags: flags | mapped | specified,
    minAddr: addresses?.first ?? 0,
    maxAddr: addresses?.last ?? 0,
    minPort: ports?.min ?? 0,
    maxPort: ports?.max ?? 0,
    basePort: ports?.base ?? 0,
  };
}

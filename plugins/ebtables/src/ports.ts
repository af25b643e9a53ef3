/** ports.ts — options and conditions that the matches ip and ip6 share: upper protocol and ports. */
import {
  type EbtOption,
  type EbtPlace,
  EbtProblem,
  IPPROTO_DCCP,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  protocolName,
  servicePort,
  xtParsePort,
  xtParseProtocol,
} from '@packetwalk/framework';
import { asEbt } from './host-mask.ts';
import { type Range, rangeText, shown, words } from './numbers.ts';

/** What they keep of it. */
export interface Upper {
  proto: { readonly value: number; readonly invert: boolean } | null;
  sport: PortRange | null;
  dport: PortRange | null;
}

export interface PortRange {
  readonly range: Range;
  readonly invert: boolean;
}

const WITH_PORTS: ReadonlySet<number> = new Set([IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, IPPROTO_SCTP, IPPROTO_DCCP]);

/** A number, or the name of a service with whichever protocol has it. */
function parsePort(text: string): number {
  return servicePort(text, 'tcp') ?? servicePort(text, 'udp') ?? asEbt(() => xtParsePort(text, 'tcp'));
}

function parsePorts(text: string): Range {
  const colon = text.indexOf(':');
  const port = (part: string, empty: number): number => (part === '' ? empty : parsePort(part));
  if (colon < 0) {
    const only = parsePort(text);
    return [only, only];
  }
  const range: Range = [port(text.slice(0, colon), 0), port(text.slice(colon + 1), 0xffff)];
  if (range[0] > range[1]) throw new EbtProblem('invalid portrange (min > max)');
  return range;
}

/** `--ip-proto`, `--ip-sport`, `--ip-dport` and their longer names. @param ip `ip` or `ip6` */
export function upperOptions<D extends Upper>(ip: string): Record<string, EbtOption<D>> {
  return {
    [`${ip}-protocol`]: {
      aliases: [`${ip}-proto`],
      parse(d, text, invert) {
        d.proto = { value: asEbt(() => xtParseProtocol(text)), invert };
      },
    },
    [`${ip}-source-port`]: {
      aliases: [`${ip}-sport`],
      parse(d, text, invert) {
        d.sport = { range: parsePorts(text), invert };
      },
    },
    [`${ip}-destination-port`]: {
      aliases: [`${ip}-dport`],
      parse(d, text, invert) {
        d.dport = { range: parsePorts(text), invert };
      },
    },
  };
}

/** Ports need a protocol that has them. */
export function upperAllowed({ proto, sport, dport }: Upper): boolean {
  return (sport === null && dport === null) || (proto !== null && !proto.invert && WITH_PORTS.has(proto.value));
}

/** Is the rule for this EtherType alone? */
export function ruleIsFor({ protocol, protocolInverted }: EbtPlace, etherType: number): boolean {
  return protocol === etherType && !protocolInverted;
}

export function upperText(ip: string, { proto, sport, dport }: Upper): string {
  return words(
    proto === null ? '' : shown(`${ip}-proto`, proto.invert, protocolName(proto.value) ?? String(proto.value)),
    sport === null ? '' : shown(`${ip}-sport`, sport.invert, rangeText(sport.range)),
    dport === null ? '' : shown(`${ip}-dport`, dport.invert, rangeText(dport.range)),
  );
}

/** match/multiport.ts — `-m multiport`: any of up to 15 ports or ranges (cf. Linux net/netfilter/xt_multiport.c). */
import { defineMatch, protocolName, type XtMatch, XtProblem, type XtRule, type XtValue, xtParsePort } from '@packetwalk/framework';
import { portText } from './port-range.ts';
import { wholeHeader } from './transport.ts';

/** Numbers that a list may hold; a range takes two. */
const MAX_PORTS = 15;
/** TCP, UDP, UDPLITE, SCTP, DCCP: protocols whose header begins with the ports. */
const PROTOCOLS = [6, 17, 136, 132, 33];

type Side = 'sports' | 'dports' | 'ports';

interface Multiport {
  readonly side: Side;
  /** Inclusive pairs, as they were given. */
  readonly ranges: readonly number[];
  readonly protocol: string;
  readonly invert: boolean;
}

/** The words of the list; names are looked up when the protocol is known. */
const portList: XtValue<readonly string[]> = (text) => {
  const items = text.split(',');
  if (items.reduce((n, item) => n + (item.includes(':') ? 2 : 1), 0) > MAX_PORTS) throw new XtProblem('too many ports specified');
  return items;
};

function readRanges(items: readonly string[], protocol: string): number[] {
  return items.flatMap((item) => {
    const [first, last = first] = item.split(':');
    const min = xtParsePort(first, protocol);
    const max = xtParsePort(last, protocol);
    if (item.includes(':') && min >= max) throw new XtProblem('invalid portrange specified');
    return [min, max];
  });
}

function protocolOf({ protocol, protocolInverted }: XtRule): string {
  if (protocol === 0) throw new XtProblem("multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
  if (protocolInverted || !PROTOCOLS.includes(protocol)) {
    throw new XtProblem('multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP');
  }
  return protocolName(protocol) as string;
}

const list = { value: portList, invert: true } as const;
export const multiport: XtMatch = defineMatch({
  name: 'multiport',
  pure: true,
  options: {
    'source-ports': { ...list, excludes: ['destination-ports', 'ports'] },
    sports: { alias: 'source-ports' },
    'destination-ports': { ...list, excludes: ['source-ports', 'ports'] },
    dports: { alias: 'destination-ports' },
    ports: { ...list, excludes: ['source-ports', 'destination-ports'] },
  },
  init(o, rule): Multiport {
    const protocol = protocolOf(rule);
    const sports = o['source-ports'];
    const dports = o['destination-ports'];
    const given = sports ?? dports ?? o.ports;
    if (given === undefined) throw new XtProblem('multiport expection an option');
    const side = given === sports ? 'sports' : given === dports ? 'dports' : 'ports';
    return { side, ranges: readRanges(given.value, protocol), protocol, invert: given.invert };
  },
  save: ({ side, ranges, invert }) => `${invert ? '! ' : ''}--${side} ${listText(ranges, String)}`,
  print: ({ side, ranges, invert, protocol }, numeric) =>
    `multiport ${side} ${invert ? ' !' : ''}${listText(ranges, (port) => portText(port, protocol, numeric))}`,
  match(skb, par, { side, ranges, invert }) {
    const th = wholeHeader(skb, par, 4);
    if (th < 0) return false;
    const { view } = skb.head;
    const found =
      (side !== 'dports' && contains(ranges, view.getUint16(th))) || (side !== 'sports' && contains(ranges, view.getUint16(th + 2)));
    return found !== invert;
  },
  ports({ side, ranges, invert }) {
    if (invert || side === 'ports') return null;
    const bounds = merged(ranges);
    return side === 'sports' ? { sport: bounds, dport: null } : { sport: null, dport: bounds };
  },
});

function listText(ranges: readonly number[], name: (port: number) => string): string {
  const items: string[] = [];
  for (let i = 0; i < ranges.length; i += 2) {
    items.push(ranges[i] === ranges[i + 1] ? name(ranges[i]) : `${name(ranges[i])}:${name(ranges[i + 1])}`);
  }
  return items.join(',');
}

function contains(ranges: readonly number[], port: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) if (port >= ranges[i] && port <= ranges[i + 1]) return true;
  return false;
}

/** The same ports in order, those that touch as one. */
function merged(ranges: readonly number[]): number[] {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i], ranges[i + 1]]);
  pairs.sort((a, b) => a[0] - b[0]);
  const result: number[] = [];
  for (const [min, max] of pairs) {
    const last = result.length - 1;
    if (last > 0 && min <= result[last] + 1) result[last] = Math.max(result[last], max);
    else result.push(min, max);
  }
  return result;
}

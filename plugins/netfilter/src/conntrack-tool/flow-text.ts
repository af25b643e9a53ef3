/** conntrack-tool/flow-text.ts — a connection on one line (cf. libnetfilter_conntrack's snprintf_default.c). */
import { formatIpv4, IPS_ASSURED, IPS_SEEN_REPLY } from '@packetwalk/framework';
import type { Flow, FlowDirection } from './flow.ts';
import { flowProtocolName, portsKind } from './flow-protocols.ts';

/** What `-o` asks for besides the usual. */
export interface FlowTextOptions {
  /** `extended`: the network protocol in front. */
  readonly extended: boolean;
  readonly id: boolean;
  /** `ktimestamp`: when it began and ended. */
  readonly ktimestamp: boolean;
}

/** `sport=1000 dport=53`, or what the protocol has instead. */
export function portsText(protocol: number, ports: number): string[] {
  const high = ports >>> 16;
  const low = ports & 0xffff;
  switch (portsKind(protocol)) {
    case 'ports':
      return [`sport=${high}`, `dport=${low}`];
    case 'icmp':
      return [`type=${low >>> 8}`, `code=${low & 0xff}`, `id=${high}`];
    case 'keys':
      return [`srckey=0x${high.toString(16)}`, `dstkey=0x${low.toString(16)}`];
    case 'none':
      return [];
  }
}

export function directionText(protocol: number, { src, dst, ports }: FlowDirection): string[] {
  return [`src=${formatIpv4(src)}`, `dst=${formatIpv4(dst)}`, ...portsText(protocol, ports)];
}

export function countersText({ counters }: FlowDirection): string[] {
  return counters === null ? [] : [`packets=${counters.packets}`, `bytes=${counters.bytes}`];
}

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Seconds that a connection lasts or has lasted, as the difference of whole seconds. */
export function deltaTime({ start, stop, now }: Flow): number | null {
  return start === null ? null : seconds(stop ?? now) - seconds(start);
}

/** `Sun Nov  2 12:21:40 2026`, local time, as ctime(3) has it. */
function dateText(ms: number): string {
  const date = new Date(ms);
  const [weekday, month, day, year] = date.toDateString().split(' ');
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${date.toTimeString().slice(0, 8)} ${year}`;
}

function one<T>(value: T | null, text: (value: T) => string): string[] {
  return value === null ? [] : [text(value)];
}

export function flowText(flow: Flow, { extended, id, ktimestamp }: FlowTextOptions): string {
  const { protocol, original, reply, status } = flow;
  const start = `${extended ? 'ipv4     2 ' : ''}${flowProtocolName(protocol).padEnd(8)} ${protocol} `;
  const dates = ktimestamp ? [...one(flow.start, (t) => `[start=${dateText(t)}]`), ...one(flow.stop, (t) => `[stop=${dateText(t)}]`)] : [];
  return (
    start +
    [
      ...one(flow.timeout, String),
      ...one(flow.state, String),
      ...directionText(protocol, original),
      ...one(original.zone, (zone) => `zone-orig=${zone}`),
      ...countersText(original),
      ...((status & IPS_SEEN_REPLY) === 0 ? ['[UNREPLIED]'] : []),
      ...directionText(protocol, reply),
      ...one(reply.zone, (zone) => `zone-reply=${zone}`),
      ...countersText(reply),
      ...((status & IPS_ASSURED) !== 0 ? ['[ASSURED]'] : []),
      ...one(flow.mark, (mark) => `mark=${mark >>> 0}`),
      ...one(flow.zone, (zone) => `zone=${zone}`),
      ...one(deltaTime(flow), (delta) => `delta-time=${delta}`),
      ...dates,
      ...one(flow.helper, (helper) => `helper=${helper}`),
      ...one(flow.use, (use) => `use=${use}`),
      ...(id ? [`id=${flow.id}`] : []),
    ].join(' ')
  );
}

/** conntrack-tool/flow-xml.ts — a connection as XML (cf. libnetfilter_conntrack's snprintf_xml.c). */
import { formatIpv4, IPS_ASSURED, IPS_SEEN_REPLY } from '@packetwalk/framework';
import type { Flow, FlowDirection } from './flow.ts';
import { flowProtocolName, portsKind } from './flow-protocols.ts';
import { deltaTime } from './flow-text.ts';

/** What the document begins with; behind it comes the root. */
export const XML_START = '<?xml version="1.0" encoding="utf-8"?>\n';

function element(name: string, content: string | number | null): string {
  return content === null ? '' : `<${name}>${content}</${name}>`;
}

/** ICMP has no elements of its own here. */
function portsXml(protocol: number, ports: number): string {
  const high = ports >>> 16;
  const low = ports & 0xffff;
  const kind = portsKind(protocol);
  if (kind === 'ports') return element('sport', high) + element('dport', low);
  return kind === 'keys' ? element('srckey', `0x${high.toString(16)}`) + element('dstkey', `0x${low.toString(16)}`) : '';
}

function directionXml(name: string, protocol: number, { src, dst, ports, zone, counters }: FlowDirection): string {
  const layer3 = `<layer3 protonum="2" protoname="ipv4">${element('src', formatIpv4(src))}${element('dst', formatIpv4(dst))}</layer3>`;
  const layer4 = `<layer4 protonum="${protocol}" protoname="${flowProtocolName(protocol)}">${portsXml(protocol, ports)}</layer4>`;
  const counted = counters === null ? '' : element('counters', element('packets', counters.packets) + element('bytes', counters.bytes));
  return `<meta direction="${name}">${layer3}${layer4}${element('zone', zone)}${counted}</meta>`;
}

/** Milliseconds in nanoseconds, which a number does not hold exactly. */
const nanoseconds = (ms: number): string => String(BigInt(Math.round(ms)) * 1_000_000n);

function timestampXml({ start, stop }: Flow): string {
  if (start === null) return '';
  return element('timestamp', element('start', nanoseconds(start)) + (stop === null ? '' : element('stop', nanoseconds(stop))));
}

/** @param type what has happened, or empty */
export function flowXml(flow: Flow, type: string, ktimestamp: boolean): string {
  const { protocol, status } = flow;
  const independent =
    element('state', flow.state) +
    element('timeout', flow.timeout) +
    element('mark', flow.mark === null ? null : flow.mark >>> 0) +
    element('zone', flow.zone) +
    element('use', flow.use) +
    element('id', flow.id) +
    ((status & IPS_ASSURED) !== 0 ? '<assured/>' : '') +
    ((status & IPS_SEEN_REPLY) === 0 ? '<unreplied/>' : '') +
    (ktimestamp ? timestampXml(flow) : '') +
    element('deltatime', deltaTime(flow));
  return (
    `<flow${type === '' ? '' : ` type="${type}"`}>` +
    directionXml('original', protocol, flow.original) +
    directionXml('reply', protocol, flow.reply) +
    `<meta direction="independent">${independent}</meta>${element('helper', flow.helper)}</flow>`
  );
}

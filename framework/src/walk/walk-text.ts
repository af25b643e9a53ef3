/** walk-text.ts — a recorded walk as text: one line a stage, in columns. */
import type { TraceRecord } from '../trace.ts';
import { icmpName } from '../wire/icmp.ts';
import { formatIpv4, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';

/** What kind of packet the record shows: `10.0.1.2 > 10.0.2.2 icmp echo request, ttl 64`. */
export function packetText(packet: Uint8Array | null): string {
  if (packet === null || packet.length < 20 || packet[0] >>> 4 !== 4) return '';
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const addresses = `${formatIpv4(view.getInt32(12))} > ${formatIpv4(view.getInt32(16))}`;
  return `${addresses} ${protocolText(packet, view)}, ttl ${packet[8]}, ${view.getUint16(2)} bytes`;
}

function protocolText(packet: Uint8Array, view: DataView): string {
  const th = (packet[0] & 15) * 4;
  const protocol = packet[9];
  const later = (view.getUint16(6) & 0x1fff) !== 0;
  if (later) return `protocol ${protocol}, later fragment`;
  if (protocol === IPPROTO_ICMP && packet.length >= th + 2) return `icmp ${icmpName(packet[th], packet[th + 1])}`;
  const ports = packet.length >= th + 4 ? ` ${view.getUint16(th)} > ${view.getUint16(th + 2)}` : '';
  if (protocol === IPPROTO_TCP) return `tcp${ports}`;
  if (protocol === IPPROTO_UDP) return `udp${ports}`;
  return `protocol ${protocol}`;
}

/** The walk as lines. Routers and devices stand in columns of their own; a new packet (an answer, say) gets a heading. */
export function walkText(records: readonly TraceRecord[]): string {
  const wide = Math.max(...records.map((r) => r.router.length));
  const dev = Math.max(...records.map((r) => r.dev.length));
  const name = Math.max(...records.map((r) => stageName(r).length));
  let heading = '';
  let text = '';
  for (const [i, record] of records.entries()) {
    if (isRepeated(record, records[i + 1])) continue;
    const what = packetText(record.packet).replace(/, ttl .*/, '');
    if (what !== '' && what !== heading) {
      text += `  ${packetText(record.packet)}\n`;
      heading = what;
    }
    const position = record.position === '' ? '' : `[${record.position}]`;
    const detail = [record.kind === 'drop' ? `DROP: ${record.detail}` : record.detail, position].filter((s) => s !== '').join('  ');
    text += `    ${record.router.padEnd(wide)}  ${record.dev.padEnd(dev)}  ${stageName(record).padEnd(name)}  ${detail}`.trimEnd();
    text += '\n';
  }
  return text;
}

/** A function that is entered and then says more about itself is one line. */
function isRepeated(record: TraceRecord, next: TraceRecord | undefined): boolean {
  return (
    next !== undefined &&
    record.kind === 'stage' &&
    next.kind === 'stage' &&
    record.detail === '' &&
    record.name === next.name &&
    record.dev === next.dev
  );
}

function stageName(record: TraceRecord): string {
  return record.kind === 'verdict' ? `  ${record.name}` : record.name;
}

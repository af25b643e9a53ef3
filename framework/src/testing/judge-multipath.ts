/**
 * judge-multipath.ts — flows spread over several ports: which flow goes where is the router's choice, that a flow keeps
 * one port and that the shares follow the weights is not.
 */
import { ETH_HLEN, ETH_P_IP, ETH_TYPE } from '../wire/ethernet.ts';
import { IP_HLEN, IP_PROTOCOL, IP_SADDR, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import { toHex } from './hex.ts';
import type { FrameRecord, MultipathRule, RunRecord } from './scenario.ts';

/** A run's packets to the listed ports, as one set, and the rest of the run. */
export interface MultipathSplit {
  /** Ports by flow. */
  readonly flows: ReadonlyMap<string, ReadonlySet<string>>;
  /** Packets by port. */
  readonly count: ReadonlyMap<string, number>;
  /** Port and MAC addresses, each combination once, sorted. */
  readonly macs: readonly string[];
  /** From the EtherType on, sorted. */
  readonly packets: readonly string[];
  readonly rest: readonly RunRecord[];
}

export function splitMultipath(records: readonly RunRecord[], rule: MultipathRule): MultipathSplit {
  const flows = new Map<string, Set<string>>();
  const count = new Map<string, number>();
  const macs = new Set<string>();
  const packets: string[] = [];
  const rest: RunRecord[] = [];
  for (const record of records) {
    if (!('frame' in record) || !rule.ports.includes(record.port) || !isForwarded(record)) {
      rest.push(record);
      continue;
    }
    const { frame, port } = record;
    const flow = flowOf(frame, rule.key);
    flows.set(flow, (flows.get(flow) ?? new Set()).add(port));
    count.set(port, (count.get(port) ?? 0) + 1);
    macs.add(`${port} ${toHex(frame.subarray(0, ETH_TYPE))}`);
    packets.push(toHex(frame.subarray(ETH_TYPE)));
  }
  return { flows, count, macs: [...macs].sort(), packets: packets.sort(), rest };
}

function isForwarded({ frame }: FrameRecord): boolean {
  if (frame.length <= ETH_HLEN + IP_PROTOCOL || ((frame[ETH_TYPE] << 8) | frame[ETH_TYPE + 1]) !== ETH_P_IP) return false;
  const protocol = frame[ETH_HLEN + IP_PROTOCOL];
  return protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
}

function flowOf(frame: Uint8Array, key: 'l3' | 'l4'): string {
  const ip = frame.subarray(ETH_HLEN);
  const addresses = toHex(ip.subarray(IP_SADDR, IP_HLEN));
  if (key === 'l3') return addresses;
  const l4 = (ip[0] & 15) << 2;
  return `${addresses} ${ip[IP_PROTOCOL]} ${toHex(ip.subarray(l4, l4 + 4))}`;
}

/** What is wrong with a run's spreading, as [place, wanted, got]; `want` is the split of the recorded run. */
export function compareMultipath(want: MultipathSplit, got: MultipathSplit, rule: MultipathRule): [string, string, string][] {
  const wrong: [string, string, string][] = [];
  if (got.macs.join() !== want.macs.join()) wrong.push(['multipath MAC headers', want.macs.join(', '), got.macs.join(', ')]);
  if (got.packets.join() !== want.packets.join()) {
    wrong.push(['multipath packets', `${want.packets.length} packets`, `${got.packets.length} packets, or other bytes`]);
  }
  for (const [flow, ports] of got.flows) {
    if (ports.size > 1) wrong.push([`multipath flow ${flow}`, 'one port', [...ports].sort().join(' ')]);
  }
  for (const [port, share] of Object.entries(rule.share)) {
    const part = (got.count.get(port) ?? 0) / Math.max(1, got.packets.length);
    if (Math.abs(part - share) > rule.tolerance) wrong.push([`multipath share of ${port}`, share.toFixed(2), part.toFixed(2)]);
  }
  return wrong;
}

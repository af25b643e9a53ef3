/** judge-context.ts — what frames are judged by, derived once from the scenario: what the router was told and sent. */
import { ETH_HLEN, ETH_P_8021Q, ETH_P_IP, ETH_TYPE } from '../wire/ethernet.ts';
import { IP_ID, IP_PROTOCOL, IPPROTO_ICMP, ipHdrLen } from '../wire/ipv4.ts';
import { VLAN_ETH_HLEN } from '../wire/vlan.ts';
import type { Scenario, SecurityAssociation } from './scenario.ts';

/** ESP or AH opened: what is compared instead of ciphertext. */
export interface OpenedPacket {
  readonly spi: number;
  readonly sequence: number;
  /** The IPv4 packet inside; of transport mode the outer header with the inner protocol, lengths and checksum restored. */
  readonly inner: Uint8Array;
}

/** Opens the ESP or AH packet `ip`, which starts at its IPv4 header, with one of the keys; throws when none does. */
export type PacketOpener = (ip: Uint8Array, keys: readonly SecurityAssociation[]) => OpenedPacket;

/** What the frames of a run are compared against: derived once from the scenario. */
export interface FrameContext {
  readonly scenario: Scenario;
  /** Addresses that the scenario gives the router. */
  readonly own: ReadonlySet<string>;
  /** `id`, and `id/type/code`, of the ICMP messages that the scenario sends in. */
  readonly icmpInputs: ReadonlySet<string>;
  /** Ranges from which NAT takes ports. */
  readonly natPorts: readonly (readonly [number, number])[];
  readonly open: PacketOpener | undefined;
}

export function frameContext(scenario: Scenario, open?: PacketOpener): FrameContext {
  const natPorts: [number, number][] = [];
  for (const rule of scenario.compare.ignore) {
    const range = /^natport:(\d+)-(\d+)$/.exec(rule);
    if (range !== null) natPorts.push([Number(range[1]), Number(range[2])]);
  }
  return { scenario, own: ownAddresses(scenario), icmpInputs: icmpInputs(scenario), natPorts, open };
}

function ownAddresses(scenario: Scenario): Set<string> {
  const lines = [...scenario.setup];
  for (const event of scenario.events) if ('cmd' in event) lines.push(event.cmd);
  const own = new Set<string>();
  for (const line of lines) {
    const address = /^\s*ip\s+addr(?:ess)?\s+add\s+([^\s/]+)/.exec(line);
    if (address !== null) own.add(address[1]);
  }
  return own;
}

function icmpInputs(scenario: Scenario): Set<string> {
  const inputs = new Set<string>();
  for (const event of scenario.events) {
    if (!('frame' in event)) continue;
    const { frame } = event;
    const ip = networkOffset(frame);
    if (ip < 0 || frame.length < ip + 22 || frame[ip + IP_PROTOCOL] !== IPPROTO_ICMP) continue;
    const view = viewOf(frame);
    const id = view.getUint16(ip + IP_ID);
    const icmp = ip + ipHdrLen(view, ip);
    inputs.add(`${id}`);
    inputs.add(`${id}/${frame[icmp]}/${frame[icmp + 1]}`);
  }
  return inputs;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where the IPv4 header of a plain or once-tagged frame starts; -1 when it carries something else. */
export function networkOffset(frame: Uint8Array): number {
  if (frame.length < ETH_HLEN) return -1;
  const type = (at: number): number => (frame[at] << 8) | frame[at + 1];
  const tagged = type(ETH_TYPE) === ETH_P_8021Q && frame.length >= VLAN_ETH_HLEN;
  const ip = tagged ? VLAN_ETH_HLEN : ETH_HLEN;
  return type(ip - 2) === ETH_P_IP ? ip : -1;
}

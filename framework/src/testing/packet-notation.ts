/**
 * packet-notation.ts — packets as one line of text that prints and parses: docs/packets.md describes it.
 *
 *     eth a > p0 / ip 10.0.0.2 > 10.1.0.2 ttl 64 id 7 / udp 1000 > 2000 / "text"
 *
 * Lengths and checksums are computed unless the text gives them; printing gives them only where they are not what would
 * be computed. So every frame, sane or not, prints to text that parses back to the same bytes.
 */
import { ETH_P_8021AD, ETH_P_8021Q, ETH_P_ARP, ETH_P_IP } from '../wire/ethernet.ts';
import { IPPROTO_GRE, IPPROTO_ICMP, IPPROTO_IPIP, IPPROTO_TCP, IPPROTO_UDP } from '../wire/ipv4.ts';
import { printArp, readArp } from './packet-arp.ts';
import { printEth, printVlan, readEth, readVlan } from './packet-ethernet.ts';
import { printGre, readGre } from './packet-gre.ts';
import { printIcmp, readIcmp } from './packet-icmp.ts';
import { printIp, readIp } from './packet-ipv4.ts';
import type { Layer, LayerPrinter, LayerReader, PrintedLayer, Stretch } from './packet-layer.ts';
import { atPayload, formatPayload, readPayload } from './packet-payload.ts';
import { printTcp, printUdp, readTcp, readUdp } from './packet-transport.ts';
import { MacNames, type PacketNames, WordReader } from './packet-words.ts';

const READERS: ReadonlyMap<string, LayerReader> = new Map([
  ['eth', readEth],
  ['vlan', readVlan],
  ['arp', readArp],
  ['ip', readIp],
  ['icmp', readIcmp],
  ['udp', readUdp],
  ['tcp', readTcp],
  ['gre', readGre],
]);

const BY_ETHER_TYPE: ReadonlyMap<number, LayerPrinter> = new Map([
  [ETH_P_IP, printIp],
  [ETH_P_ARP, printArp],
  [ETH_P_8021Q, printVlan],
  [ETH_P_8021AD, printVlan],
]);

const BY_PROTOCOL: ReadonlyMap<number, LayerPrinter> = new Map([
  [IPPROTO_ICMP, printIcmp],
  [IPPROTO_IPIP, printIp],
  [IPPROTO_TCP, printTcp],
  [IPPROTO_UDP, printUdp],
  [IPPROTO_GRE, printGre],
]);

/**
 * The bytes of a packet in the notation, from its first layer on: a frame when that is `eth`, an IP packet when it is
 * `ip`. `names` may stand for addresses. Throws PacketSyntaxError.
 */
export function parsePacket(text: string, names: PacketNames = {}): Uint8Array {
  const { layers, payload, padding } = readLayers(new WordReader(text, names));
  let bytes = payload;
  for (let i = layers.length - 1; i >= 0; i--) bytes = layers[i].build(bytes, layers.slice(0, i), layers[i + 1] ?? null);
  return joined(bytes, padding);
}

interface ReadPacket {
  readonly layers: Layer[];
  payload: Uint8Array;
  padding: Uint8Array;
}

function readLayers(words: WordReader): ReadPacket {
  const packet: ReadPacket = { layers: [], payload: NOTHING, padding: NOTHING };
  let hasPayload = false;
  for (;;) {
    const { column } = words;
    if (words.take('pad')) {
      packet.padding = readPayload(words);
      if (!words.done) words.fail('nothing follows pad');
    } else if (!hasPayload && atPayload(words)) {
      packet.payload = readPayload(words);
      hasPayload = true;
    } else {
      const name = words.word('a layer');
      const read = hasPayload ? undefined : READERS.get(name);
      const known = hasPayload ? 'pad' : `${[...READERS.keys()].join(', ')}, "text", 0x…, ramp, pad`;
      if (read === undefined) words.fail(`"${name}" is not what can follow here (${known})`, column);
      packet.layers.push(read(words));
    }
    if (words.done) return packet;
    words.need('/');
  }
}

const NOTHING = new Uint8Array(0);

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length === 0) return a;
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

export interface FormatOptions {
  /** The first layer: a frame unless told. */
  readonly from?: 'eth' | 'ip';
  /** MAC addresses to be written as names. */
  readonly names?: PacketNames;
}

/** A packet in the notation. Any bytes will do: what is not a packet prints as hexadecimal. */
export function formatPacket(bytes: Uint8Array, options: FormatOptions = {}): string {
  const total = bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, total);
  let rest: Stretch = { bytes, view, at: 0, end: total, macNames: new MacNames(options.names ?? {}), eth: -1, ip: -1 };
  const parts: string[] = [];
  let layer: PrintedLayer | null = (options.from === 'ip' ? printIp : printEth)(rest);
  while (layer !== null) {
    rest = layer.rest;
    const next: PrintedLayer | null = printerOf(layer)?.(rest) ?? null;
    const words = next === null && layer.announcement !== '' ? [...layer.words, layer.announcement] : layer.words;
    parts.push(words.join(' '));
    layer = next;
  }
  if (rest.at < rest.end || parts.length === 0) parts.push(formatPayload(bytes.subarray(rest.at, rest.end)));
  if (rest.end < total) parts.push(`pad ${formatPayload(bytes.subarray(rest.end))}`);
  return parts.join(' / ');
}

function printerOf({ announced }: PrintedLayer): LayerPrinter | undefined {
  if (announced === null) return undefined;
  const { etherType, protocol } = announced;
  return etherType === undefined ? BY_PROTOCOL.get(protocol ?? -1) : BY_ETHER_TYPE.get(etherType);
}

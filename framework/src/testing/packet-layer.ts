/**
 * packet-layer.ts — what the layers of the packet notation have in common. A layer is read from words, built from the
 * inside out, and printed from bytes; printing names only the fields that differ from what building would compute.
 */
import type { MacNames, WordReader } from './packet-words.ts';

/** A layer that was read, ready to be built in front of its payload. */
export interface Layer {
  /** EtherType by which `eth`, `vlan` and `gre` announce this layer. */
  readonly etherType?: number;
  /** Protocol number by which `ip` announces this layer. */
  readonly protocol?: number;
  /** MAC addresses of `eth`, from which `arp` takes its own. */
  readonly macs?: { readonly source: Uint8Array; readonly destination: Uint8Array };
  /** Addresses of `ip` for the pseudo header. */
  readonly addresses?: { readonly saddr: number; readonly daddr: number };
  /** The bytes of this layer and its payload. `outer` are the layers in front, the nearest last. */
  build(payload: Uint8Array, outer: readonly Layer[], inner: Layer | null): Uint8Array;
}

/** Reads a layer; its name has been taken. */
export type LayerReader = (words: WordReader) => Layer;

/** A stretch of a packet that is being printed. */
export interface Stretch {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly at: number;
  readonly end: number;
  readonly macNames: MacNames;
  /** Where the Ethernet header starts, or -1. */
  readonly eth: number;
  /** Where the nearest IPv4 header starts, or -1. */
  readonly ip: number;
}

/** A layer in print, and what follows it. */
export interface PrintedLayer {
  /** Name and fields. */
  readonly words: readonly string[];
  readonly rest: Stretch;
  /** What follows, as this layer announces it; null: payload. */
  readonly announced: { readonly etherType?: number; readonly protocol?: number } | null;
  /** Words to add when what was announced does not follow. */
  readonly announcement: string;
}

/** Prints the layer that starts at `s.at`, or gives null when the bytes are not one. */
export type LayerPrinter = (s: Stretch) => PrintedLayer | null;

/** Room for a header of `length` bytes, with the payload behind it. */
export function headerBefore(payload: Uint8Array, length: number): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(length + payload.length);
  bytes.set(payload, length);
  return { bytes, view: new DataView(bytes.buffer) };
}

/** `0x` and at least `digits` digits. */
export function hexNumber(value: number, digits = 1): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}

/** `name value` unless the value is the one that building gives. */
export function unless<T>(value: T, usual: T, name: string, print: (value: T) => string = String): string[] {
  return value === usual ? [] : [`${name} ${print(value)}`];
}

/** core/capture-writer.ts — packets of a running router as a pcapng stream, or as a line of text each. */
import { CAPTURE_INBOUND, CAPTURE_OUTBOUND, CaptureFrame } from '../capture/frame.ts';
import { PcapngWriter } from '../capture/pcapng-writer.ts';
import { OutputBuffer } from '../capture/writer.ts';
import type { CommandIo } from '../command.ts';
import type { Net } from '../net.ts';
import type { NetDevice } from '../netdevice.ts';
import type { SkBuff } from '../skbuff.ts';
import { packetText } from '../walk/walk-text.ts';
import { ETH_HLEN, ETH_P_IP, ETH_TYPE, formatMac } from '../wire/ethernet.ts';

/** What is known of a captured packet besides its bytes. */
export interface CapturePlace {
  /** Device or hook point: the interface of the capture. */
  readonly name: string;
  readonly dev: NetDevice | null;
  /** Direction at the device; null at a hook point. */
  readonly outgoing: boolean | null;
  /** Where the packet came from and goes to, or empty. */
  readonly comment: string;
}

/** Takes packets; nothing is kept of them after a call. */
export interface CaptureSink {
  /** @param bare the packet starts at its network header: an Ethernet header without addresses is put in front */
  take(skb: SkBuff, place: CapturePlace, bare: boolean): void;
  /** Hands over what was collected. */
  flush(): void;
  /** Packets that the reader was too slow for. */
  readonly lost: number;
}

/** Frames are handed over in pieces of about this size, or when somebody flushes. */
const PIECE = 48 * 1024;

/** The stream as bytes of pcapng, an interface for each device or hook point. */
export class PcapngSink implements CaptureSink {
  lost = 0;
  private readonly net: Net;
  private readonly buffer: OutputBuffer;
  private readonly writer: PcapngWriter;
  private readonly frame = new CaptureFrame();
  private readonly interfaces = new Map<string, number>();
  /** The piece that is being collected describes the section or an interface. */
  private described = true;

  constructor(net: Net, outBytes: NonNullable<CommandIo['outBytes']>) {
    this.net = net;
    this.buffer = new OutputBuffer((bytes) => {
      // Interfaces are described among the frames: a piece that has one must not get lost.
      if (!outBytes(bytes, this.described)) this.lost += this.buffer.frames;
      this.described = false;
    }, PIECE);
    this.writer = new PcapngWriter(this.buffer);
    this.writer.begin('packetwalk', `router ${net.name}`);
  }

  take(skb: SkBuff, place: CapturePlace, bare: boolean): void {
    const { frame } = this;
    frame.clearOptions();
    frame.interfaceId = this.interfaces.get(place.name) ?? this.describe(place);
    const now = this.net.softirq.clock.wallClock();
    frame.seconds = Math.floor(now / 1000);
    frame.nanoseconds = Math.floor((now - frame.seconds * 1000) * 1e6);
    if (place.outgoing !== null) frame.direction = place.outgoing ? CAPTURE_OUTBOUND : CAPTURE_INBOUND;
    frame.packetId = skb.trace;
    if (place.comment !== '') frame.comments = [place.comment];
    if (bare) {
      const bytes = withHeader(skb);
      frame.head = { buf: bytes, view: new DataView(bytes.buffer) };
      frame.offset = 0;
      frame.length = bytes.length;
    } else {
      frame.head = skb.head;
      frame.offset = skb.data;
      frame.length = skb.len;
    }
    frame.originalLength = frame.length;
    this.writer.write(frame);
  }

  flush(): void {
    this.buffer.flush();
  }

  private describe({ name, dev }: CapturePlace): number {
    const id = this.writer.addInterface({
      name,
      description: `router ${this.net.name}`,
      ...(dev === null ? {} : { macAddress: dev.address }),
    });
    this.interfaces.set(name, id);
    this.described = true;
    return id;
  }
}

/** A line for each packet: text, or an object. */
export class TextSink implements CaptureSink {
  readonly lost = 0;
  private readonly net: Net;
  private readonly out: (text: string) => void;
  private readonly json: boolean;

  constructor(net: Net, out: (text: string) => void, json: boolean) {
    this.net = net;
    this.out = out;
    this.json = json;
  }

  take(skb: SkBuff, { name, outgoing, comment }: CapturePlace, bare: boolean): void {
    const at = new Date(this.net.softirq.clock.wallClock()).toISOString();
    const { buf, view } = skb.head;
    const start = bare ? skb.data : skb.data + ETH_HLEN;
    const type = bare || skb.len < ETH_HLEN ? skb.protocol : view.getUint16(skb.data + ETH_TYPE);
    const packet = type === ETH_P_IP ? packetText(buf.subarray(start, skb.data + skb.len)) : '';
    const frame = bare ? '' : `${formatMac(buf, skb.data + 6)} > ${formatMac(buf, skb.data)} `;
    const text = packet === '' ? `${frame}ethertype 0x${type.toString(16).padStart(4, '0')}, ${skb.len} bytes` : packet;
    if (this.json) {
      const direction = outgoing === null ? {} : { direction: outgoing ? 'out' : 'in' };
      const length = bare ? skb.len : skb.len - ETH_HLEN;
      const packetOf = { time: at, router: this.net.name, at: name, ...direction, ...(comment === '' ? {} : { comment }), id: skb.trace };
      this.out(`${JSON.stringify({ ...packetOf, length, text })}\n`);
      return;
    }
    const words = [at.slice(11, 23), name, outgoing === null ? comment : outgoing ? 'out' : 'in', text];
    this.out(`${words.filter((word) => word !== '').join(' ')}\n`);
  }

  flush(): void {}
}

function withHeader(skb: SkBuff): Uint8Array {
  const bytes = new Uint8Array(ETH_HLEN + skb.len);
  bytes[ETH_TYPE] = skb.protocol >>> 8;
  bytes[ETH_TYPE + 1] = skb.protocol & 0xff;
  bytes.set(skb.head.buf.subarray(skb.data, skb.data + skb.len), ETH_HLEN);
  return bytes;
}

/** pcap-router-input.ts — makes configs/captures/lan.pcapng, the input of configs/pcap-router.yaml. */
import { CAPTURE_INBOUND, CaptureFrame, OutputBuffer, PcapngWriter, SkbHead } from '@packetwalk/framework';
import { type PacketNames, parsePacket } from '@packetwalk/framework/testing';

/** Stations of the capture; `far` is behind the next hop `isp`. */
export const NAMES: PacketNames = {
  r: { mac: '02:00:00:00:00:01', ip: '192.168.1.1' },
  rwan: { mac: '02:00:00:00:00:02', ip: '203.0.113.2' },
  a: { mac: '02:00:00:00:0a:0a', ip: '192.168.1.10' },
  b: { mac: '02:00:00:00:0a:0b', ip: '192.168.1.11' },
  isp: { mac: '02:00:00:00:00:fe', ip: '203.0.113.1' },
  far: { ip: '198.51.100.7' },
};

/** Each frame in the packet notation, and what is to be said of it. */
const FRAMES: readonly (readonly [comment: string, packet: string])[] = [
  ['a asks for the router', 'eth a > broadcast / arp who-has r tell a'],
  ['a pings the router', 'eth a > r / ip a > r ttl 64 id 1 df / icmp echo id 7 seq 1 / "packetwalk"'],
  ['a pings a host far away: forwarded', 'eth a > r / ip a > far ttl 64 id 2 df / icmp echo id 7 seq 2 / "packetwalk"'],
  ['a datagram: forwarded', 'eth a > r / ip a > far ttl 64 id 3 / udp 40000 > 9000 / "query"'],
  ['the first probe of a traceroute: it ends here', 'eth a > r / ip a > far ttl 1 id 4 / udp 40001 > 33434 / "probe"'],
  ['the second one: forwarded', 'eth a > r / ip a > far ttl 2 id 5 / udp 40001 > 33435 / "probe"'],
  ['to a network that is prohibited', 'eth a > r / ip a > 10.1.2.3 ttl 64 id 6 / udp 40000 > 9000 / "query"'],
  ['to a port of the router that nobody listens on', 'eth a > r / ip a > r ttl 64 id 7 / udp 40000 > 9000 / "query"'],
  ['a talks to b: none of the router’s business', 'eth a > b / ip a > b ttl 64 id 8 / udp 40000 > 9000 / "query"'],
  ['damaged on the way: the header checksum is wrong', 'eth a > r / ip a > far ttl 64 id 9 csum 0x1234 / udp 40000 > 9000 / "query"'],
];

/** 2026-01-01T00:00:00Z */
const START = 1_767_225_600;

/** The capture, a millisecond from frame to frame. */
export function lanCapture(): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writer = new PcapngWriter(new OutputBuffer((bytes) => pieces.push(bytes.slice())));
  writer.begin('packetwalk', 'Input of configs/pcap-router.yaml, made by test/integration/pcap-router-input.ts');
  writer.addInterface({ name: 'lan', description: 'what a router’s LAN interface hears' });
  const frame = new CaptureFrame();
  frame.direction = CAPTURE_INBOUND;
  frame.seconds = START;
  for (const [i, [comment, packet]] of FRAMES.entries()) {
    const bytes = parsePacket(packet, NAMES);
    frame.head = new SkbHead(bytes);
    frame.length = bytes.length;
    frame.originalLength = bytes.length;
    frame.nanoseconds = i * 1_000_000;
    frame.comments = [comment];
    writer.write(frame);
  }
  writer.out.flush();
  return Buffer.concat(pieces);
}

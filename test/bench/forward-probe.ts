/**
 * forward-probe.ts — the bare limit: the least that forwarding a packet takes in JavaScript, without plugins, checks of
 * rare cases, counters or indirection. What the router's path is measured against.
 */

class Packet {
  readonly buf: Uint8Array;
  data = 0;
  len = 0;
  network = 0;
  dst: Destination | null = null;
  dev: Device;

  constructor(buf: Uint8Array, dev: Device) {
    this.buf = buf;
    this.dev = dev;
  }
}

class Device {
  rx = 0;
  tx = 0;
  bytes = 0;
  mtu = 1500;

  xmit(packet: Packet): number {
    this.tx++;
    this.bytes += packet.len;
    pool.push(packet);
    return 0;
  }
}

interface Destination {
  readonly dev: Device;
  readonly header: Uint8Array;
  readonly input: (packet: Packet) => number;
  readonly output: (packet: Packet) => number;
}

type Hook = (packet: Packet) => number;

const BUFFER = 2048;
const HEADROOM = 64;
const ACCEPT = 1;
const pool: Packet[] = [];
const hooks: Hook[][] = [[], [], []];

function hook(point: number, packet: Packet, okfn: Hook): number {
  const chain = hooks[point];
  for (let i = 0; i < chain.length; i++) {
    const verdict = chain[i](packet);
    if (verdict !== ACCEPT) return verdict;
  }
  return okfn(packet);
}

function drop(packet: Packet): number {
  pool.push(packet);
  return -1;
}

function checksum(b: Uint8Array, at: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i += 2) sum += (b[at + i] << 8) | b[at + i + 1];
  sum = (sum & 0xffff) + (sum >>> 16);
  return (sum & 0xffff) + (sum >>> 16);
}

// One byte of next hop for each /24: one load answers a lookup.
const table = new Uint8Array(1 << 24).fill(1);

function receive(packet: Packet): number {
  const b = packet.buf;
  const mac = packet.data;
  const type = (b[mac + 12] << 8) | b[mac + 13];
  packet.data = mac + 14;
  packet.len -= 14;
  packet.dst = null;
  packet.dev.rx++;
  return type === 0x0800 ? ipInput(packet) : drop(packet);
}

function ipInput(packet: Packet): number {
  const b = packet.buf;
  const ip = packet.data;
  packet.network = ip;
  const first = b[ip];
  const hlen = (first & 15) << 2;
  if (first >>> 4 !== 4 || hlen < 20 || checksum(b, ip, hlen) !== 0xffff) return drop(packet);
  const total = (b[ip + 2] << 8) | b[ip + 3];
  if (packet.len < total || total < hlen) return drop(packet);
  packet.len = total;
  return hook(0, packet, route);
}

function route(packet: Packet): number {
  const b = packet.buf;
  const ip = packet.network;
  const daddr = ((b[ip + 16] << 24) | (b[ip + 17] << 16) | (b[ip + 18] << 8) | b[ip + 19]) >>> 0;
  const dst = destinations[table[daddr >>> 8]];
  packet.dst = dst;
  return dst.input(packet);
}

function forward(packet: Packet): number {
  const b = packet.buf;
  const ip = packet.network;
  if (b[ip + 8] <= 1 || packet.len > (packet.dst as Destination).dev.mtu) return drop(packet);
  b[ip + 8]--;
  let check = ((b[ip + 10] << 8) | b[ip + 11]) + 0x100;
  check = (check + (check >>> 16)) & 0xffff;
  b[ip + 10] = check >>> 8;
  b[ip + 11] = check;
  return hook(1, packet, forwardFinish);
}

function forwardFinish(packet: Packet): number {
  return (packet.dst as Destination).output(packet);
}

function output(packet: Packet): number {
  packet.dev = (packet.dst as Destination).dev;
  return hook(2, packet, transmit);
}

function transmit(packet: Packet): number {
  const { header } = packet.dst as Destination;
  packet.data -= 14;
  packet.len += 14;
  const b = packet.buf;
  const mac = packet.data;
  for (let i = 0; i < 14; i++) b[mac + i] = header[i];
  return packet.dev.xmit(packet);
}

const inside = new Device();
const outside = new Device();
const header = Uint8Array.of(2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0);
const destinations: Destination[] = [
  { dev: inside, header, input: drop, output: drop },
  { dev: outside, header, input: forward, output },
];
for (let i = 0; i < 512; i++) pool.push(new Packet(new Uint8Array(BUFFER), inside));

/** Forwards `count` packets made of `frames` in turn; returns how many left. */
export function probeForward(frames: readonly Uint8Array[], count: number): number {
  const before = outside.tx;
  let k = 0;
  for (let i = 0; i < count; i++) {
    const packet = pool.pop() as Packet;
    packet.buf.set(frames[k], HEADROOM);
    if (++k === frames.length) k = 0;
    packet.data = HEADROOM;
    packet.len = frames[k].length;
    packet.dev = inside;
    receive(packet);
  }
  return outside.tx - before;
}

import {
  type DatagramInfo,
  EMSGSIZE,
  formatIpv4,
  InetSockets,
  IPPROTO_ICMP,
  type SocketError,
  type UdpReceiver,
} from '@packetwalk/framework';
import { beforeEach, describe, expect, test } from 'vitest';
import { Ipv4Lab, ip } from './testing/ipv4-lab.ts';

let lab: Ipv4Lab;
let sockets: InetSockets;
beforeEach(() => {
  lab = new Ipv4Lab({ mtu: { p1: 600 } });
  sockets = lab.router.service(InetSockets);
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Hears a socket, and writes down what. */
class Listener implements UdpReceiver {
  readonly name = 'test';
  readonly heard: string[] = [];
  readonly errors: SocketError[] = [];

  message(data: Uint8Array, { saddr, sport, daddr, device, ttl }: DatagramInfo): void {
    this.heard.push(`${formatIpv4(saddr)}:${sport} > ${formatIpv4(daddr)} ${device.name} ttl ${ttl}: ${new TextDecoder().decode(data)}`);
  }

  error(error: SocketError): void {
    this.errors.push({ ...error });
  }
}

describe('a UDP socket', () => {
  test('hears its port, and answers', () => {
    const ear = new Listener();
    const socket = sockets.udp(ear, 5000);
    lab.send('10.0.0.2 > 10.1.0.1 ttl 3 / udp 77 > 5000 / "hello"');
    expect(ear.heard).toEqual(['10.0.0.2:77 > 10.1.0.1 p0 ttl 3: hello']);
    expect(socket.send(bytes('hi'), ip('10.0.0.2'), 77, { source: ip('10.1.0.1'), ttl: 9, tos: 0x10 })).toBe(0);
    expect(lab.out()).toEqual(['p0 ip 10.1.0.1 > 10.0.0.2 ttl 9 tos 0x10 df / udp 5000 > 77 / "hi"']);
    expect(lab.counters('Udp')).toEqual({ InDatagrams: 1, OutDatagrams: 1 });
    socket.close();
    lab.send('10.0.0.2 > 10.1.0.1 / udp 77 > 5000 / "hello"');
    expect(lab.out()).toEqual([expect.stringContaining('icmp port-unreachable')]);
    expect(lab.inUse).toBe(0);
  });

  test('bound to an address or a device is preferred; the same twice is refused', () => {
    const [any, bound, device] = [new Listener(), new Listener(), new Listener()];
    sockets.udp(bound, 5000, { address: ip('10.0.0.1') });
    expect(() => sockets.udp(any, 5000)).toThrow('Address already in use');
    expect(() => sockets.udp(any, 5000, { address: ip('10.0.0.1') })).toThrow('Address already in use');
    sockets.udp(any, 5000, { address: ip('10.1.0.1') });
    sockets.udp(device, 6000, { device: lab.dev('p1') });
    sockets.udp(any, 6000, { device: lab.dev('p0') });
    lab.send('10.0.0.2 > 10.0.0.1 / udp 1 > 5000 / "bound"');
    lab.send('10.0.0.2 > 10.1.0.1 / udp 1 > 5000 / "other"');
    lab.send('10.0.0.2 > 10.1.0.1 / udp 1 > 6000 / "p0"');
    expect([bound.heard.length, any.heard.length, device.heard.length]).toEqual([1, 2, 0]);
  });

  test('gets a free port when it does not mind', () => {
    const ports = Array.from({ length: 50 }, () => sockets.udp(new Listener(), 0).port);
    expect(new Set(ports).size).toBe(50);
    for (const port of ports) expect(port).toBeGreaterThanOrEqual(32768);
  });

  test('hears broadcasts with all others of the port, and sends them', () => {
    const ears = [new Listener(), new Listener()];
    sockets.udp(ears[0], 67, { device: lab.dev('p0') });
    const other = sockets.udp(ears[1], 67, { device: lab.dev('p1') });
    lab.receive('p0', 'eth a > broadcast / ip 0.0.0.0 > 255.255.255.255 / udp 68 > 67 / "discover"');
    expect(ears.map((e) => e.heard)).toEqual([['0.0.0.0:68 > 255.255.255.255 p0 ttl 64: discover'], []]);
    expect(other.send(bytes('offer'), -1, 68, { df: false })).toBe(0);
    expect(lab.out()).toEqual(['p1 ip 10.1.0.1 > 255.255.255.255 / udp 67 > 68 / "offer"']);
    lab.softirq.runToCompletion();
    expect(lab.inUse).toBe(0);
  });

  test('is not given datagrams with a wrong checksum', () => {
    const ear = new Listener();
    sockets.udp(ear, 5000);
    lab.send('10.0.0.2 > 10.0.0.1 / udp 1 > 5000 csum 0x1234 / "broken"');
    lab.send('10.0.0.2 > 10.0.0.1 / udp 1 > 5000 csum 0 / "unchecked"');
    expect(ear.heard).toHaveLength(1);
    expect(lab.counters('Udp')).toMatchObject({ InErrors: 1, InCsumErrors: 1 });
  });

  test('hears of errors about its datagrams, and from whom', () => {
    const ear = new Listener();
    sockets.udp(ear, 5000, { address: ip('10.1.0.1') });
    const quoted = '/ ip 10.1.0.1 > 198.51.100.1 / udp 5000 > 33434';
    lab.receive('p1', `eth b > p1 / ip 10.1.0.2 > 10.1.0.1 / icmp ttl-exceeded ${quoted}`);
    lab.receive('p1', 'eth b > p1 / ip 10.1.0.2 > 10.1.0.1 / icmp ttl-exceeded / ip 10.1.0.1 > 198.51.100.1 / udp 5001 > 33434');
    expect(ear.errors.map(({ type, code, offender, destination }) => [type, code, offender, destination])).toEqual([
      [11, 0, ip('10.1.0.2'), ip('198.51.100.1')],
    ]);
    expect(lab.counters('Icmp')).toMatchObject({ InErrors: 1 });
  });

  test('that throws costs nobody else anything', () => {
    const socket = sockets.udp(
      {
        name: 'clumsy',
        message() {
          throw new Error('oops');
        },
      },
      5000,
    );
    lab.send('10.0.0.2 > 10.0.0.1 / udp 1 > 5000 / "x"');
    expect(lab.softirq.faults.get('clumsy')).toBe(1);
    expect(lab.inUse).toBe(0);
    socket.close();
  });
});

describe('size', () => {
  test('with DF is refused over the path MTU; without it is cut; left open it depends', () => {
    const socket = sockets.udp(new Listener(), 5000);
    const data = new Uint8Array(600);
    expect(socket.send(data, ip('10.1.0.2'), 9, { df: true })).toBe(-EMSGSIZE);
    expect(socket.send(data, ip('10.1.0.2'), 9, { df: false })).toBe(0);
    expect(socket.send(data, ip('10.1.0.2'), 9)).toBe(0);
    expect(socket.send(data.subarray(0, 572), ip('10.1.0.2'), 9)).toBe(0);
    expect(lab.packets().map((p) => [p.length, p[6] & 0x40])).toEqual([
      [596, 0],
      [52, 0],
      [596, 0],
      [52, 0],
      [600, 0x40],
    ]);
    expect(socket.send(new Uint8Array(65_508), ip('10.1.0.2'), 9)).toBe(-EMSGSIZE);
    expect(lab.inUse).toBe(0);
  });

  test('learns from "fragmentation needed"', () => {
    const ear = new Listener();
    const socket = sockets.udp(ear, 5000);
    lab.receive('p1', 'eth b > p1 / ip 10.1.0.2 > 10.1.0.1 / icmp frag-needed mtu 552 / ip 10.1.0.1 > 10.1.0.7 / udp 5000 > 9');
    expect(ear.errors.map(({ info }) => info)).toEqual([552]);
    expect(socket.send(new Uint8Array(560), ip('10.1.0.7'), 9, { df: true })).toBe(-EMSGSIZE);
    expect(socket.send(new Uint8Array(524), ip('10.1.0.7'), 9, { df: true })).toBe(0);
  });

  test('and no route is an error number', () => {
    const socket = sockets.udp(new Listener(), 5000);
    expect(socket.send(bytes('x'), ip('198.51.100.1'), 9)).toBeLessThan(0);
    expect(lab.inUse).toBe(0);
  });
});

describe('a raw socket', () => {
  test('sees packets besides the handler, and sends its own', () => {
    const seen: string[] = [];
    const socket = sockets.raw({ name: 'test', packet: (skb) => seen.push(`${skb.len} bytes by ${skb.dev.name}`) }, IPPROTO_ICMP);
    lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1 / "echo"');
    expect(seen).toEqual(['12 bytes by p0']);
    expect(lab.out()).toEqual(['p0 ip 10.0.0.1 > 10.0.0.2 / icmp echo-reply id 1 seq 1 / "echo"']);
    expect(socket.send(Uint8Array.of(8, 0, 0xf7, 0xfd, 0, 1, 0, 1), ip('10.0.0.2'), { df: false })).toBe(0);
    expect(lab.out()).toEqual(['p0 ip 10.0.0.1 > 10.0.0.2 / icmp echo id 1 seq 1']);
    expect(lab.counters('Icmp')).toMatchObject({ OutEchos: 1 });
    socket.close();
    lab.send('10.0.0.2 > 10.0.0.1 / icmp echo id 1 seq 1 / "echo"');
    expect(seen).toHaveLength(1);
  });

  test('of a protocol without a handler keeps its sender from an error', () => {
    const seen: number[] = [];
    sockets.raw({ name: 'test', packet: (skb) => seen.push(skb.len) }, 89, { address: ip('10.0.0.1') });
    lab.send('10.0.0.2 > 10.0.0.1 proto 89 / "ospf"');
    lab.send('10.0.0.2 > 10.1.0.1 proto 89 / "ospf"');
    expect(seen).toEqual([4]);
    expect(lab.out()).toEqual([expect.stringContaining('protocol-unreachable')]);
    expect(lab.counters('Ip')).toMatchObject({ InDelivers: 1, InUnknownProtos: 1 });
  });
});

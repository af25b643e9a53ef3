/** tracepath.ts — `tracepath`: the routers to a destination and the path MTU, as iputils' tracepath prints them (RFC 1191; tracepath(8)). */
import {
  type Command,
  CommandError,
  type CommandIo,
  EMSGSIZE,
  formatIpv4,
  getUnsigned,
  ICMP_DEST_UNREACH,
  ICMP_FRAG_NEEDED,
  type InetSockets,
  IP_HLEN,
  IPPROTO_UDP,
  parseIpv4,
  type Timer,
  UDP_HLEN,
  type UdpSocket,
} from '@packetwalk/framework';
import { datagramFlow } from './datagram.ts';
import { ipDstMtu } from './ip-mtu.ts';
import type { Ipv4 } from './ipv4.ts';
import { hopsBack, milliseconds, obstacle, type ProbeAnswer, probeAnswer, reached } from './path-probe.ts';

const USAGE = `
Usage
  tracepath [options] <destination>

Options:
  -4             use IPv4
  -b             print both name and ip
  -l <length>    use packet <length>
  -m <hops>      use maximum <hops>
  -n             no dns name resolution
  -p <port>      use destination <port>
  -V             print version and exit
  <destination>  ip address

For more details see tracepath(8).
`;

const BASE_PORT = 44444;
const MAX_HOPS = 30;
/** Probes to a hop that does not answer, and how long each is waited for, ms. */
const TRIES = 3;
const WAIT_MS = 1000;
/** Columns of a host. */
const HOST_COLUMNS = 52;

interface Options {
  readonly daddr: number;
  /** Length of packets, IP header included; 0: the path MTU. */
  readonly length: number;
  readonly maxHops: number;
  readonly port: number;
}

export function tracepathCommand(ipv4: Ipv4, sockets: InetSockets, newTimer: (fire: () => void) => Timer): Command {
  return {
    name: 'tracepath',
    summary: 'show the routers to a destination and the path MTU',
    usage: USAGE,
    run: (args, io) => new Tracepath(ipv4, sockets, parse(args), io, newTimer).run(),
  };
}

function parse(args: readonly string[]): Options {
  let length = 0;
  let maxHops = MAX_HOPS;
  let port = BASE_PORT;
  let destination: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const option = args[i];
    if (!option.startsWith('-')) {
      destination = option;
      continue;
    }
    if (option === '-n' || option === '-b' || option === '-4') continue;
    const value = args[++i];
    const number = (min: number, max: number): number => {
      const n = value === undefined ? null : getUnsigned(value, max);
      if (n === null || n < min) throw new CommandError(`tracepath: invalid argument: '${value ?? ''}'`, 1);
      return n;
    };
    if (option === '-l') length = number(28, 65535);
    else if (option === '-m') maxHops = number(1, 255);
    else if (option === '-p') port = number(0, 65535);
    else throw new CommandError(`tracepath: invalid option -- '${option.slice(1)}'\n${USAGE.trimEnd()}`, 255);
  }
  if (destination === undefined) throw new CommandError(USAGE.trimEnd(), 255);
  const daddr = parseIpv4(destination);
  if (daddr === null) throw new CommandError(`tracepath: ${destination}: Name or service not known`, 1);
  return { daddr, length, maxHops, port };
}

class Tracepath {
  private readonly ipv4: Ipv4;
  private readonly options: Options;
  private readonly io: CommandIo;
  private readonly timer: Timer;
  private readonly socket: UdpSocket;
  private readonly sentAt = new Map<number, { readonly ttl: number; readonly time: number }>();
  private mtu: number;
  private ttl = 1;
  private tries = 0;
  /** The MTU has changed since the hop was asked: whatever it answers, it is asked again, as the original does. */
  private restart = false;
  private probes = 0;
  private hopsTo = -1;
  private hopsFrom = -1;
  private finish: (status: number) => void = () => {};
  private ended = false;

  constructor(ipv4: Ipv4, sockets: InetSockets, options: Options, io: CommandIo, newTimer: (fire: () => void) => Timer) {
    this.ipv4 = ipv4;
    this.options = options;
    this.io = io;
    this.timer = newTimer(() => this.unanswered());
    const receiver = {
      name: 'tracepath',
      message() {},
      error: (error: Parameters<typeof probeAnswer>[0]) => this.answer(probeAnswer(error)),
    };
    this.socket = sockets.udp(receiver, 0);
    this.mtu = options.length === 0 ? 65535 : options.length;
  }

  run(): Promise<number> {
    return new Promise<number>((resolve) => {
      this.finish = resolve;
      this.io.signal.addEventListener('abort', () => this.end(1), { once: true });
      this.send();
    }).finally(() => {
      this.socket.close();
      this.ipv4.net.softirq.delTimer(this.timer);
    });
  }

  /** Sends a probe; what our own link takes is learned here, as the kernel tells it to the original. */
  private send(): void {
    const { ipv4, options, socket } = this;
    for (;;) {
      const port = (options.port + this.probes) & 0xffff;
      const payload = new Uint8Array(Math.max(this.mtu - IP_HLEN - UDP_HLEN, 0));
      this.sentAt.set(port, { ttl: this.ttl, time: ipv4.net.softirq.clock.now() });
      const own = this.localMtu();
      const error = this.mtu > own ? -EMSGSIZE : socket.send(payload, options.daddr, port, { ttl: this.ttl, df: true });
      if (error !== -EMSGSIZE) {
        if (error !== 0) {
          this.refuse();
          return;
        }
        this.probes++;
        break;
      }
      this.mtu = own;
      this.tries = 0;
      this.restart = true;
      this.io.out(`${String(this.ttl).padStart(2)}?: ${'[LOCALHOST]'.padEnd(32)} pmtu ${own}\n`);
    }
    ipv4.net.softirq.modTimer(this.timer, WAIT_MS);
  }

  private localMtu(): number {
    const rt = this.ipv4.routing.routeOutput(datagramFlow(this.options.daddr, IPPROTO_UDP, {}));
    return typeof rt === 'number' ? this.mtu : ipDstMtu(rt, false);
  }

  private refuse(): void {
    this.io.err('tracepath: send failed\n');
    this.end(1);
  }

  private unanswered(): void {
    if (++this.tries < TRIES) {
      this.send();
      return;
    }
    this.io.out(`${String(this.ttl).padStart(2)}:  no reply\n`);
    this.nextHop();
  }

  private nextHop(): void {
    this.ttl++;
    this.tries = 0;
    if (this.ttl <= this.options.maxHops) this.send();
    else {
      this.io.out(`     Too many hops: pmtu ${this.mtu}\n`);
      this.resume();
    }
  }

  private answer(answer: ProbeAnswer): void {
    if (this.ended) return;
    const sent = this.sentAt.get(answer.port);
    if (sent === undefined) return;
    this.sentAt.delete(answer.port);
    const time = this.ipv4.net.softirq.clock.now() - sent.time;
    const host = formatIpv4(answer.from).padEnd(HOST_COLUMNS);
    const line = `${String(sent.ttl).padStart(2)}:  ${host}${milliseconds(time).padStart(7)}ms `;
    if (answer.type === ICMP_DEST_UNREACH && answer.code === ICMP_FRAG_NEEDED && answer.mtu < this.mtu) {
      this.mtu = answer.mtu === 0 ? this.localMtu() : answer.mtu;
      this.io.out(`${line}pmtu ${this.mtu}\n`);
      this.tries = 0;
      this.send();
      return;
    }
    const back = hopsBack(answer.ttl);
    if (reached(answer)) {
      this.hopsTo = sent.ttl;
      this.hopsFrom = back;
    }
    const asymmetric = back === sent.ttl ? '' : `asymm ${String(back).padStart(2)} `;
    const word = reached(answer) ? 'reached' : obstacle(answer);
    this.io.out(`${line}${word === '' ? asymmetric : word}\n`);
    if (this.restart) {
      this.restart = false;
      this.tries = 0;
      this.send();
    } else if (word !== '') this.resume();
    else if (sent.ttl === this.ttl) this.nextHop();
  }

  private resume(): void {
    const to = this.hopsTo < 0 ? '' : `hops ${this.hopsTo} back ${this.hopsFrom} `;
    this.io.out(`     Resume: pmtu ${this.mtu} ${to}\n`);
    this.end(0);
  }

  private end(status: number): void {
    this.ended = true;
    this.finish(status);
  }
}

/** traceroute.ts — `traceroute`: the routers to a destination by time exceeded, as Linux's traceroute prints them (traceroute(8)). */
import {
  type Command,
  CommandError,
  type CommandIo,
  formatIpv4,
  getUnsigned,
  type InetSockets,
  IP_HLEN,
  type Net,
  type NetDevice,
  parseIpv4,
  type SendOptions,
  type Timer,
  UDP_HLEN,
  type UdpSocket,
} from '@packetwalk/framework';
import { milliseconds, obstacle, type ProbeAnswer, probeAnswer, reached } from './path-probe.ts';

const USAGE = `Usage:
  traceroute [ -Fn ] [ -f first_ttl ] [ -i device ] [ -m max_ttl ] [ -p port ] [ -q nqueries ] [ -s src_addr ] [ -t tos ] [ -w MAX ] host [ packetlen ]
`;

const BASE_PORT = 33434;
const DEFAULT_LENGTH = 60;

interface Options {
  daddr: number;
  length: number;
  first: number;
  max: number;
  queries: number;
  /** Milliseconds. */
  wait: number;
  port: number;
  tos: number;
  df: boolean;
  source: number;
  device: NetDevice | null;
  names: boolean;
}

export function tracerouteCommand(net: Net, sockets: InetSockets, newTimer: (fire: () => void) => Timer): Command {
  return {
    name: 'traceroute',
    summary: 'show the routers to a destination',
    usage: USAGE,
    run(args, io) {
      if (args.length === 0 || args[0] === '--help') {
        io.err(USAGE);
        return 0;
      }
      return new Traceroute(net, sockets, parse(args, net), io, newTimer).run();
    },
  };
}

function parse(args: readonly string[], net: Net): Options {
  const o: Options = {
    daddr: 0,
    length: DEFAULT_LENGTH,
    first: 1,
    max: 30,
    queries: 3,
    wait: 5000,
    port: BASE_PORT,
    tos: 0,
    df: false,
    source: 0,
    device: null,
    names: true,
  };
  const places: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const option = args[i];
    if (!option.startsWith('-')) places.push(option);
    else if (option === '-n') o.names = false;
    else if (option === '-F') o.df = true;
    else if (option !== '-4' && option !== '-U') valued(o, option, args[++i], i - 1, net);
  }
  if (places.length === 0) throw new CommandError('Specify "host" missing argument.', 2);
  const daddr = parseIpv4(places[0]);
  if (daddr === null) {
    throw new CommandError(`${places[0]}: Name or service not known\nCannot handle "host" cmdline arg \`${places[0]}' on position 1`, 2);
  }
  o.daddr = daddr;
  if (places[1] !== undefined) o.length = Math.max(getUnsigned(places[1], 65000) ?? wrong('packetlen', places[1]), IP_HLEN + UDP_HLEN);
  return o;
}

function wrong(what: string, word: string): never {
  throw new CommandError(`Cannot handle "${what}" cmdline arg \`${word}'`, 2);
}

function valued(o: Options, option: string, word: string | undefined, at: number, net: Net): void {
  if (!/^-[fmqwptsi]$/.test(option)) throw new CommandError(`Bad option \`${option}' (argc ${at + 1})`, 2);
  if (word === undefined) throw new CommandError(`Option \`${option}' (argc ${at + 1}) requires an argument`, 2);
  const number = (min: number, max: number): number => {
    const n = getUnsigned(word, max);
    return n === null || n < min ? wrong(option, word) : n;
  };
  if (option === '-f') o.first = number(1, 255);
  else if (option === '-m') o.max = number(1, 255);
  else if (option === '-q') o.queries = number(1, 10);
  else if (option === '-p') o.port = number(1, 65535);
  else if (option === '-t') o.tos = number(0, 255);
  else if (option === '-w') {
    const seconds = Number(word.split(',')[0]);
    o.wait = seconds > 0 ? seconds * 1000 : wrong(option, word);
  } else if (option === '-s') o.source = parseIpv4(word) ?? wrong(option, word);
  else o.device = net.device(word) ?? wrong(option, word);
}

/** A probe of the hop that is asked now. */
interface Probe {
  readonly sent: number;
  answer: ProbeAnswer | null;
  /** Milliseconds to the answer. */
  time: number;
  failed: boolean;
}

class Traceroute {
  private readonly net: Net;
  private readonly options: Options;
  private readonly io: CommandIo;
  private readonly timer: Timer;
  private readonly socket: UdpSocket;
  private ttl: number;
  private port: number;
  private probes = new Map<number, Probe>();
  private finish: (status: number) => void = () => {};
  private ended = false;

  constructor(net: Net, sockets: InetSockets, options: Options, io: CommandIo, newTimer: (fire: () => void) => Timer) {
    this.net = net;
    this.options = options;
    this.io = io;
    this.timer = newTimer(() => this.hopDone());
    const receiver = {
      name: 'traceroute',
      message() {},
      error: (error: Parameters<typeof probeAnswer>[0]) => this.answer(probeAnswer(error)),
    };
    this.socket = sockets.udp(receiver, 0);
    this.ttl = options.first;
    this.port = options.port;
  }

  run(): Promise<number> {
    const { options, io } = this;
    const host = formatIpv4(options.daddr);
    io.out(`traceroute to ${host} (${host}), ${options.max} hops max, ${options.length} byte packets\n`);
    return new Promise<number>((resolve) => {
      this.finish = resolve;
      io.signal.addEventListener('abort', () => this.end(1), { once: true });
      this.askHop();
    }).finally(() => {
      this.socket.close();
      this.net.softirq.delTimer(this.timer);
    });
  }

  private askHop(): void {
    const { options, socket } = this;
    this.probes = new Map();
    const how: SendOptions = {
      ttl: this.ttl,
      df: options.df,
      tos: options.tos,
      ...(options.source === 0 ? {} : { source: options.source }),
      ...(options.device === null ? {} : { device: options.device }),
    };
    const payload = new Uint8Array(options.length - IP_HLEN - UDP_HLEN).map((_, i) => 0x40 + (i & 0x3f));
    const ports = Array.from({ length: options.queries }, () => this.port++ & 0xffff);
    for (const port of ports) this.probes.set(port, { sent: this.net.softirq.clock.now(), answer: null, time: 0, failed: false });
    for (const port of ports) {
      if (socket.send(payload, options.daddr, port, how) < 0) (this.probes.get(port) as Probe).failed = true;
    }
    if (ports.every((port) => this.probes.get(port)?.failed === true)) {
      this.io.err('connect: Network is unreachable\n');
      this.end(1);
      return;
    }
    this.net.softirq.modTimer(this.timer, this.complete() ? 0 : options.wait);
  }

  private complete(): boolean {
    return [...this.probes.values()].every((probe) => probe.answer !== null || probe.failed);
  }

  private answer(answer: ProbeAnswer): void {
    const probe = this.probes.get(answer.port);
    if (this.ended || probe === undefined || probe.answer !== null) return;
    probe.answer = answer;
    probe.time = this.net.softirq.clock.now() - probe.sent;
    // The line is printed when the sender of the probes has returned.
    if (this.complete()) this.net.softirq.modTimer(this.timer, 0);
  }

  /** Prints the line of a hop, and goes on behind it unless that was the end. */
  private hopDone(): void {
    let line = `${String(this.ttl).padStart(2)} `;
    let host = 0;
    for (const { answer, time } of this.probes.values()) {
      if (answer === null) {
        line += ' *';
        continue;
      }
      if (answer.from !== host) {
        host = answer.from;
        const text = formatIpv4(host);
        line += ` ${text}${this.options.names ? ` (${text})` : ''}`;
      }
      line += `  ${milliseconds(time)} ms${obstacle(answer) === '' ? '' : ` ${obstacle(answer)}`}`;
    }
    this.io.out(`${line}\n`);
    const last = [...this.probes.values()].some(({ answer }) => answer !== null && (reached(answer) || obstacle(answer) !== ''));
    if (last || this.ttl >= this.options.max) this.end(0);
    else {
      this.ttl++;
      this.askHop();
    }
  }

  private end(status: number): void {
    this.ended = true;
    this.finish(status);
  }
}

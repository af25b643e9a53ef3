/** ping.ts — `ping`: echo requests from this router, as iputils' ping prints them (RFC 792; ping(8)). */
import {
  allocSkb,
  type Command,
  CommandError,
  type CommandIo,
  type Flow,
  formatIpv4,
  getUnsigned,
  ICMP_CHECKSUM,
  ICMP_DEST_UNREACH,
  ICMP_ECHO,
  ICMP_ECHOREPLY,
  ICMP_FRAG_NEEDED,
  ICMP_HLEN,
  ICMP_ID,
  ICMP_REDIRECT,
  ICMP_SEQUENCE,
  ICMP_TIME_EXCEEDED,
  ICMP_TYPE,
  IP_HLEN,
  IP_SADDR,
  IP_TTL,
  IPPROTO_ICMP,
  ipComputeCsum,
  parseIpv4,
  type SkBuff,
  skbPut,
  type Timer,
} from '@packetwalk/framework';
import { ipFlowMtu } from './ip-mtu.ts';
import { ipBuildAndSendPkt } from './ip-output.ts';
import type { Ipv4 } from './ipv4.ts';

const USAGE = `Usage: ping [ -c COUNT ] [ -i INTERVAL ] [ -I ADDRESS|DEVICE ] [ -M do|dont|want ] [ -q ] [ -Q TOS ] [ -s SIZE ] [ -t TTL ]
            [ -w DEADLINE ] [ -W TIMEOUT ] DESTINATION
`;

interface Options {
  daddr: number;
  count: number;
  /** Milliseconds. */
  interval: number;
  deadline: number;
  timeout: number;
  size: number;
  ttl: number;
  tos: number;
  /** `do`: never cut, longer ones are not sent; `want`: cut here where they do not fit; `dont`: others may cut them too. */
  pmtudisc: 'do' | 'dont' | 'want';
  quiet: boolean;
  saddr: number;
  oif: number;
}

/** Bytes that travel in a request to tell its time, when there is room (as a struct timeval would). */
const STAMP = 16;

export function pingCommand(ipv4: Ipv4, newTimer: (fire: () => void) => Timer): Command {
  return {
    name: 'ping',
    summary: 'send echo requests',
    usage: USAGE,
    run(args, io) {
      if (args.length === 0 || args[0] === '-h' || args[0] === '--help') {
        io.err(USAGE);
        return 2;
      }
      return new Ping(ipv4, parse(args, ipv4), io, newTimer).run();
    },
  };
}

function parse(args: readonly string[], ipv4: Ipv4): Options {
  const o: Options = {
    daddr: 0,
    count: 0,
    interval: 1000,
    deadline: 0,
    timeout: 10_000,
    size: 56,
    ttl: 0,
    tos: 0,
    pmtudisc: 'want',
    quiet: false,
    saddr: 0,
    oif: 0,
  };
  let destination: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const option = args[i];
    if (!option.startsWith('-')) {
      destination = option;
      continue;
    }
    if (option === '-n' || option === '-O') continue;
    if (option === '-q') {
      o.quiet = true;
      continue;
    }
    const value = args[++i];
    if (value === undefined) throw new CommandError(`ping: option requires an argument -- '${option.slice(1)}'`, 2);
    set(o, option, value, ipv4);
  }
  if (destination === undefined) throw new CommandError('ping: usage error: Destination address required', 1);
  const daddr = parseIpv4(destination);
  if (daddr === null) throw new CommandError(`ping: ${destination}: Name or service not known`, 2);
  o.daddr = daddr;
  return o;
}

function set(o: Options, option: string, value: string, ipv4: Ipv4): void {
  const number = (max: number, min = 0): number => {
    const n = getUnsigned(value, max);
    if (n === null || n < min) throw new CommandError(`ping: invalid argument: '${value}'`, 1);
    return n;
  };
  const seconds = (): number => {
    const n = Number(value);
    if (value === '' || !(n >= 0) || n > 1e6) throw new CommandError(`ping: bad timing interval: ${value}`, 1);
    return n * 1000;
  };
  if (option === '-c') o.count = number(0x7fffffff, 1);
  else if (option === '-i') o.interval = seconds();
  else if (option === '-w') o.deadline = seconds();
  else if (option === '-W') o.timeout = seconds();
  else if (option === '-s') o.size = number(65507);
  else if (option === '-t') o.ttl = number(255, 1);
  else if (option === '-Q') o.tos = number(255);
  else if (option === '-M') {
    if (value !== 'do' && value !== 'dont' && value !== 'want') {
      throw new CommandError(`ping: invalid -M argument: ${value}`, 1);
    }
    o.pmtudisc = value;
  } else if (option === '-I') {
    const address = parseIpv4(value);
    if (address !== null) o.saddr = address;
    else {
      const dev = ipv4.net.device(value);
      if (dev === undefined) throw new CommandError(`ping: unknown iface: ${value}`, 2);
      o.oif = dev.ifindex;
    }
  } else throw new CommandError(`ping: invalid option -- '${option.slice(1)}'\n${USAGE.trimEnd()}`, 2);
}

class Ping {
  private readonly ipv4: Ipv4;
  private readonly options: Options;
  private readonly io: CommandIo;
  private readonly timer: Timer;
  private readonly id: number;
  private readonly began: number;
  private readonly sentAt = new Map<number, number>();
  private sent = 0;
  private received = 0;
  private duplicates = 0;
  private errors = 0;
  private readonly times: number[] = [];
  private finish: (status: number) => void = () => {};

  constructor(ipv4: Ipv4, options: Options, io: CommandIo, newTimer: (fire: () => void) => Timer) {
    this.ipv4 = ipv4;
    this.options = options;
    this.io = io;
    this.timer = newTimer(() => this.tick());
    this.id = ipv4.net.softirq.random.below(0xffff) + 1;
    this.began = ipv4.net.softirq.jiffies;
  }

  run(): Promise<number> {
    const { options, io, ipv4 } = this;
    // Whether there is a way is known before the first line, as with the original's connect(2).
    const flow = this.flow();
    if (typeof ipv4.routing.routeOutput(flow) === 'number') throw new CommandError('ping: connect: Network is unreachable', 2);
    const from = options.saddr === 0 && options.oif === 0 ? '' : ` from ${formatIpv4(flow.saddr)}`;
    io.out(
      `PING ${formatIpv4(options.daddr)} (${formatIpv4(options.daddr)})${from} ${options.size}(${options.size + ICMP_HLEN + IP_HLEN}) bytes of data.\n`,
    );
    const unlisten = ipv4.raw.add({
      protocol: IPPROTO_ICMP,
      address: 0,
      receive: (skb) => this.receive(skb),
      error: (skb, type, code, info) => this.error(skb, type, code, info),
    });
    return new Promise<number>((resolve) => {
      this.finish = resolve;
      io.signal.addEventListener('abort', () => this.end(), { once: true });
      this.tick();
    }).finally(() => {
      unlisten();
      ipv4.net.softirq.delTimer(this.timer);
    });
  }

  private tick(): void {
    const { options, ipv4 } = this;
    const { softirq } = ipv4.net;
    const elapsed = softirq.jiffies - this.began;
    const all = options.count !== 0 && this.sent >= options.count;
    if ((options.deadline !== 0 && elapsed >= options.deadline) || all) {
      this.end();
      return;
    }
    this.send();
    const last = options.count !== 0 && this.sent >= options.count;
    let wait = last ? options.timeout : options.interval;
    if (options.deadline !== 0) wait = Math.min(wait, options.deadline - elapsed);
    if (!last || this.received + this.errors < this.sent) softirq.modTimer(this.timer, wait);
  }

  private flow(): Flow {
    const { daddr, saddr, oif, tos } = this.options;
    return { daddr, saddr, tos, iif: 0, oif, mark: 0, protocol: IPPROTO_ICMP, scope: 0, sport: 0, dport: 0, flags: 0 };
  }

  private send(): void {
    const { ipv4, options } = this;
    const { net } = ipv4;
    const flow = this.flow();
    const rt = ipv4.routing.routeOutput(flow);
    const sequence = ++this.sent & 0xffff;
    if (typeof rt === 'number') {
      this.io.err('ping: sendmsg: Network is unreachable\n');
      this.errors++;
      this.maybeEnd();
      return;
    }
    const size = ICMP_HLEN + options.size;
    const mtu = ipFlowMtu(rt, { ...flow, sport: ICMP_ECHO });
    const fits = IP_HLEN + size <= mtu;
    if (!fits && options.pmtudisc === 'do') {
      if (!options.quiet) this.io.err(`ping: local error: message too long, mtu=${mtu}\n`);
      this.errors++;
      this.maybeEnd();
      return;
    }
    const skb = allocSkb(net, rt.dev, size);
    const icmp = skbPut(skb, size);
    const { view, buf } = skb.head;
    view.setUint32(icmp, ICMP_ECHO << 24);
    view.setUint16(icmp + ICMP_ID, this.id);
    view.setUint16(icmp + ICMP_SEQUENCE, sequence);
    const data = icmp + ICMP_HLEN;
    if (options.size >= STAMP) view.setFloat64(data, net.softirq.jiffies);
    for (let i = options.size >= STAMP ? STAMP : 0; i < options.size; i++) buf[data + i] = i & 255;
    view.setUint16(icmp + ICMP_CHECKSUM, ipComputeCsum(view, icmp, size));
    this.sentAt.set(sequence, net.softirq.clock.now());
    const ttl = options.ttl === 0 ? {} : { ttl: options.ttl };
    ipBuildAndSendPkt(skb, rt, {
      saddr: flow.saddr,
      daddr: options.daddr,
      protocol: IPPROTO_ICMP,
      tos: options.tos,
      df: options.pmtudisc !== 'dont' && fits && !rt.rtMtuLocked,
      ...ttl,
    });
  }

  private receive(skb: SkBuff): void {
    const { view } = skb.head;
    const icmp = skb.data;
    if (skb.len < ICMP_HLEN || view.getUint8(icmp + ICMP_TYPE) !== ICMP_ECHOREPLY || view.getUint16(icmp + ICMP_ID) !== this.id) return;
    const { softirq } = this.ipv4.net;
    const sequence = view.getUint16(icmp + ICMP_SEQUENCE);
    const sentAt = this.sentAt.get(sequence);
    const time = sentAt === undefined ? 0 : softirq.clock.now() - sentAt;
    const duplicate = sentAt === undefined;
    if (duplicate) this.duplicates++;
    else {
      this.sentAt.delete(sequence);
      this.received++;
      this.times.push(time);
    }
    if (!this.options.quiet) {
      const source = formatIpv4(view.getInt32(skb.networkHeader + IP_SADDR));
      const ttl = view.getUint8(skb.networkHeader + IP_TTL);
      this.io.out(
        `${skb.len} bytes from ${source}: icmp_seq=${sequence} ttl=${ttl} time=${timeText(time)} ms${duplicate ? ' (DUP!)' : ''}\n`,
      );
    }
    this.maybeEnd();
  }

  private error(skb: SkBuff, type: number, code: number, info: number): void {
    const { view } = skb.head;
    const quoted = skb.data + ((view.getUint8(skb.data) & 15) << 2);
    if (skb.len < quoted - skb.data + ICMP_HLEN || view.getUint16(quoted + ICMP_ID) !== this.id) return;
    const sequence = view.getUint16(quoted + ICMP_SEQUENCE);
    if (!this.options.quiet) {
      const from = formatIpv4(view.getInt32(skb.networkHeader + IP_SADDR));
      const colon = type === ICMP_REDIRECT ? ':' : '';
      this.io.out(`From ${from}${colon} icmp_seq=${sequence} ${errorText(type, code, info)}\n`);
    }
    if (type === ICMP_REDIRECT || !this.sentAt.delete(sequence)) return;
    this.errors++;
    this.maybeEnd();
  }

  private maybeEnd(): void {
    const { count } = this.options;
    if (count !== 0 && this.sent >= count && this.received + this.errors >= count) this.end();
  }

  private end(): void {
    const { io, sent, received } = this;
    const loss = sent === 0 ? 0 : Math.floor((100 * (sent - received)) / sent);
    const errors = this.errors === 0 ? '' : `+${this.errors} errors, `;
    const dups = this.duplicates === 0 ? '' : `+${this.duplicates} duplicates, `;
    const elapsed = Math.round(this.ipv4.net.softirq.jiffies - this.began);
    io.out(`\n--- ${formatIpv4(this.options.daddr)} ping statistics ---\n`);
    io.out(`${sent} packets transmitted, ${received} received, ${dups}${errors}${loss}% packet loss, time ${elapsed}ms\n`);
    if (received > 0) io.out(`rtt min/avg/max/mdev = ${roundTrips(this.times)} ms\n`);
    else io.out('\n');
    this.finish(received > 0 ? 0 : 1);
  }
}

/** Three significant digits, as iputils prints a time in ms. */
function timeText(ms: number): string {
  return ms.toFixed(ms >= 100 ? 0 : ms >= 10 ? 1 : ms >= 1 ? 2 : 3);
}

function roundTrips(times: readonly number[]): string {
  const average = times.reduce((a, b) => a + b, 0) / times.length;
  const square = times.reduce((a, b) => a + b * b, 0) / times.length;
  const deviation = Math.sqrt(Math.max(0, square - average * average));
  return [Math.min(...times), average, Math.max(...times), deviation].map((t) => t.toFixed(3)).join('/');
}

const UNREACHABLE = [
  'Destination Net Unreachable',
  'Destination Host Unreachable',
  'Destination Protocol Unreachable',
  'Destination Port Unreachable',
  'Frag needed and DF set',
  'Source Route Failed',
  'Destination Net Unknown',
  'Destination Host Unknown',
  'Source Host Isolated',
  'Destination Net Prohibited',
  'Destination Host Prohibited',
  'Destination Net Unreachable for Type of Service',
  'Destination Host Unreachable for Type of Service',
  'Packet filtered',
  'Precedence Violation',
  'Precedence Cutoff',
];

const REDIRECTS = ['Redirect Network', 'Redirect Host', 'Redirect Type of Service and Network', 'Redirect Type of Service and Host'];

function errorText(type: number, code: number, info: number): string {
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) return `Frag needed and DF set (mtu = ${info})`;
  if (type === ICMP_DEST_UNREACH) return UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`;
  if (type === ICMP_TIME_EXCEEDED) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  if (type === ICMP_REDIRECT) return `${REDIRECTS[code] ?? `Redirect, Bad Code: ${code}`}(New nexthop: ${formatIpv4(info)})`;
  return `type ${type} code ${code}`;
}

/** arping.ts — `arping`: asks for an address until somebody answers, as iputils' arping does (RFC 826, RFC 5227; arping(8)). */
import {
  ARP_OP,
  ARP_SHA,
  ARP_SIP,
  ARP_TIP,
  ARPOP_REPLY,
  ARPOP_REQUEST,
  type Command,
  CommandError,
  type CommandIo,
  ETH_ALEN,
  formatIpv4,
  formatMac,
  getUnsigned,
  IFF_LOOPBACK,
  IFF_NOARP,
  isUp,
  type NetDevice,
  PACKET_HOST,
  parseIpv4,
  RT_SCOPE_LINK,
  type Timer,
} from '@packetwalk/framework';
import type { Arp, ArpHeard } from './arp.ts';
import { arpSend } from './arp-send.ts';
import { hasEthernetHeader } from './link-layer.ts';

const USAGE = `
Usage:
  arping [options] <destination>

Options:
  -f            quit on first reply
  -q            be quiet
  -b            keep on broadcasting, do not unicast
  -D            duplicate address detection mode
  -U            unsolicited ARP mode, update your neighbours
  -A            ARP answer mode, update your neighbours
  -c <count>    how many packets to send
  -w <timeout>  how long to wait for a reply
  -i <interval> set interval between packets (default: 1 second)
  -I <device>   which ethernet device to use
  -s <source>   source ip address
  <destination> ip address

For more details see arping(8).
`;

interface Options {
  target: number;
  quitFirst: boolean;
  quiet: boolean;
  broadcastOnly: boolean;
  /** Duplicate address detection: the source is nobody. */
  detect: boolean;
  /** Nobody is to answer. */
  unsolicited: boolean;
  /** Answers in place of requests. */
  advertise: boolean;
  count: number;
  /** Milliseconds; 0: as long as it takes. */
  timeout: number;
  interval: number;
  device: NetDevice | null;
  source: number;
}

export function arpingCommand(arp: Arp, newTimer: (fire: () => void) => Timer): Command {
  return {
    name: 'arping',
    summary: 'ask for an address by ARP',
    usage: USAGE,
    run: (args, io) => new Arping(arp, complete(arp, parse(arp, args)), io, newTimer).run(),
  };
}

function parse(arp: Arp, args: readonly string[]): Options {
  const o: Options = {
    target: 0,
    quitFirst: false,
    quiet: false,
    broadcastOnly: false,
    detect: false,
    unsolicited: false,
    advertise: false,
    count: 0,
    timeout: 0,
    interval: 1000,
    device: null,
    source: 0,
  };
  let destination: string | undefined;
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (!word.startsWith('-')) {
      destination = word;
      continue;
    }
    for (const letter of word.slice(1)) {
      if (!flag(o, letter)) {
        const value = args[++i];
        if (value === undefined) throw new CommandError(`arping: option requires an argument -- '${letter}'\n${USAGE.trimEnd()}`, 2);
        valued(o, letter, value, arp);
      }
    }
  }
  if (destination === undefined) throw new CommandError(USAGE.trimEnd(), 2);
  const target = parseIpv4(destination);
  if (target === null) throw new CommandError(`arping: ${destination}: Name or service not known`, 2);
  o.target = target;
  return o;
}

function flag(o: Options, letter: string): boolean {
  if (letter === 'f') o.quitFirst = true;
  else if (letter === 'q') o.quiet = true;
  else if (letter === 'b') o.broadcastOnly = true;
  else if (letter === 'D') {
    o.detect = true;
    o.quitFirst = true;
  } else if (letter === 'U') o.unsolicited = true;
  else if (letter === 'A') {
    o.advertise = true;
    o.unsolicited = true;
  } else return false;
  return true;
}

function valued(o: Options, letter: string, value: string, arp: Arp): void {
  const number = (min: number): number => {
    const n = getUnsigned(value, 0x7fffffff);
    if (n === null || n < min) throw new CommandError(`arping: invalid argument: '${value}'`, 1);
    return n;
  };
  if (letter === 'c') o.count = number(1);
  else if (letter === 'w') o.timeout = number(0) * 1000;
  else if (letter === 'i') o.interval = number(0) * 1000;
  else if (letter === 's') {
    const source = parseIpv4(value);
    if (source === null) throw new CommandError(`arping: invalid source ${value}`, 2);
    o.source = source;
  } else if (letter === 'I') {
    const dev = arp.net.device(value);
    if (dev === undefined) throw new CommandError(`arping: Device ${value} not available.`, 2);
    o.device = dev;
  } else throw new CommandError(`arping: invalid option -- '${letter}'\n${USAGE.trimEnd()}`, 2);
}

/** Finds out by which device, and from which address. */
function complete(arp: Arp, o: Options): Options & { device: NetDevice } {
  let { device } = o;
  if (device === null) {
    const flow = { daddr: o.target, saddr: o.source, tos: 0, iif: 0, oif: 0, mark: 0, protocol: 0, scope: 0, sport: 0, dport: 0, flags: 0 };
    const rt = arp.routing.routeOutput(flow);
    if (typeof rt === 'number') throw new CommandError('arping: connect: Network is unreachable', 2);
    device = rt.dev;
  }
  if (!isUp(device)) throw new CommandError(`arping: Interface "${device.name}" is down`, 2);
  if ((device.flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0 || !hasEthernetHeader(device)) {
    throw new CommandError(`Interface "${device.name}" is not ARPable`, o.detect ? 0 : 2);
  }
  // Who tells his own address speaks as its owner; who looks for another owner of it speaks as nobody.
  const own = o.unsolicited ? o.target : arp.devices.selectAddr(device, o.target, RT_SCOPE_LINK);
  return { ...o, device, source: o.source !== 0 || o.detect ? o.source : own };
}

class Arping {
  private readonly arp: Arp;
  private readonly options: Options & { device: NetDevice };
  private readonly io: CommandIo;
  private readonly timer: Timer;
  private readonly began: number;
  private readonly heard: ArpHeard = (dev, view, at, pktType) => this.hear(dev, view, at, pktType);
  /** Who has answered: asked alone from then on. */
  private known: Uint8Array | null = null;
  private sent = 0;
  private broadcasts = 0;
  private received = 0;
  private lastSent = 0;
  private finish: (status: number) => void = () => {};

  constructor(arp: Arp, options: Options & { device: NetDevice }, io: CommandIo, newTimer: (fire: () => void) => Timer) {
    this.arp = arp;
    this.options = options;
    this.io = io;
    this.timer = newTimer(() => this.tick());
    this.began = arp.net.softirq.jiffies;
  }

  run(): Promise<number> {
    const { arp, options, io } = this;
    this.say(`ARPING ${formatIpv4(options.target)} from ${formatIpv4(options.source)} ${options.device.name}\n`);
    arp.listeners.add(this.heard);
    return new Promise<number>((resolve) => {
      this.finish = resolve;
      io.signal.addEventListener('abort', () => this.end(), { once: true });
      this.tick();
    }).finally(() => {
      arp.listeners.delete(this.heard);
      arp.net.softirq.delTimer(this.timer);
    });
  }

  private say(text: string): void {
    if (!this.options.quiet) this.io.out(text);
  }

  private tick(): void {
    const { options } = this;
    const { softirq } = this.arp.net;
    const elapsed = softirq.jiffies - this.began;
    const late = options.timeout !== 0 && elapsed >= options.timeout;
    if (late || (options.count !== 0 && this.sent >= options.count)) {
      this.end();
      return;
    }
    this.send();
    softirq.modTimer(this.timer, options.timeout === 0 ? options.interval : Math.min(options.interval, options.timeout - elapsed));
  }

  private send(): void {
    const { options, arp, known } = this;
    const { target, source, device, advertise, unsolicited } = options;
    const broadcast = known === null || options.broadcastOnly || unsolicited;
    this.sent++;
    if (broadcast) this.broadcasts++;
    this.lastSent = arp.net.softirq.clock.now();
    arpSend(arp, device, {
      op: advertise ? ARPOP_REPLY : ARPOP_REQUEST,
      senderIp: source,
      targetIp: target,
      destHw: broadcast ? null : known,
      // An answer to everybody names its sender as target, a request its own broadcast address.
      targetHw: advertise ? device.address : broadcast ? device.broadcast : known,
    });
  }

  /** An ARP packet has come: is it an answer to us? */
  private hear(dev: NetDevice, view: DataView, at: number, pktType: number): void {
    const { options } = this;
    if (dev !== options.device || options.unsolicited) return;
    const sender = view.getInt32(at + ARP_SIP);
    const target = view.getInt32(at + ARP_TIP);
    const hardware = new Uint8Array(view.buffer, view.byteOffset + at + ARP_SHA, ETH_ALEN).slice();
    if (sender !== options.target) return;
    if (options.detect ? options.source !== 0 && target !== options.source : target !== options.source) return;
    this.received++;
    this.known ??= hardware;
    const op = view.getUint16(at + ARP_OP) === ARPOP_REPLY ? 'reply' : 'request';
    const how = pktType === PACKET_HOST ? 'Unicast' : 'Broadcast';
    const time = this.arp.net.softirq.clock.now() - this.lastSent;
    const mac = formatMac(hardware).toUpperCase();
    this.say(`${how} ${op} from ${formatIpv4(sender)} [${mac}]  ${time.toFixed(3)}ms\n`);
    if (options.quitFirst || (options.count !== 0 && this.sent >= options.count)) this.end();
  }

  private end(): void {
    const { options, sent, received } = this;
    this.say(`Sent ${sent} probes (${this.broadcasts} broadcast(s))\nReceived ${received} response(s)\n`);
    // To find the address taken is bad news, and good news when it was asked for.
    if (options.detect) this.finish(received === 0 ? 0 : 1);
    else this.finish(options.unsolicited || received > 0 ? 0 : 1);
  }
}

/** nettools/ifconfig-command.ts — `ifconfig` (ifconfig(8) of net-tools): each word is done as it is read, as the original does. */
import {
  type Command,
  CommandError,
  type CommandIo,
  devChangeName,
  devClose,
  devOpen,
  devSetAllmulti,
  devSetMacAddress,
  devSetMtu,
  devSetMulticast,
  devSetNoarp,
  devSetPromiscuity,
  getUnsigned,
  IFF_ALLMULTI,
  IFF_PROMISC,
  inetMakeMask,
  type Net,
  type NetDevice,
  parseIpv4,
  parseMac,
} from '@packetwalk/framework';
import type { Devinet } from '../devinet.ts';
import { AddressIoctl, type Refusal } from './address-ioctl.ts';
import { ifconfigText } from './ifconfig-print.ts';
import { interfaceList, shownDevices } from './interface-table.ts';

const USAGE = `Usage:
  ifconfig [-a] [-s] [<interface>] [<address>]
  [[-]broadcast [<address>]]  [[-]pointopoint [<address>]]
  [netmask <address>]  [dstaddr <address>]
  [add <address>[/<prefixlen>]]  [del <address>[/<prefixlen>]]
  [hw ether <address>]  [mtu <NN>]  [txqueuelen <NN>]  [name <newname>]
  [[-]arp]  [[-]allmulti]  [[-]multicast]  [[-]promisc]
  [up|down] ...
`;

/** Exit status of a line whose flags could not be set. */
const FLAGS_STATUS = 255;
/** Exit status of a line that cannot be read. */
const E_USAGE = 3;

export function ifconfigCommand(net: Net, inet: Devinet): Command {
  return {
    name: 'ifconfig',
    summary: 'show and change devices and addresses',
    usage: USAGE,
    run: (args, io) => {
      let all = false;
      let short = false;
      let i = 0;
      for (; i < args.length && args[i].startsWith('-'); i++) {
        const option = args[i];
        if (option === '-a') all = true;
        else if (option === '-s') short = true;
        else if (option === '-h' || option === '-?' || option === '--help') {
          io.err(USAGE);
          return E_USAGE;
        } else if (option !== '-v') {
          io.err(`ifconfig: option \`${option}' not recognised.\nifconfig: \`--help' gives usage information.\n`);
          return 1;
        }
      }
      const name = args[i];
      if (name === undefined) {
        const devices = shownDevices(net, all);
        io.out(short ? interfaceList(devices) : devices.flatMap(entries).join(''));
        return 0;
      }
      const words = args.slice(i + 1);
      return words.length === 0 ? showOne(net, name, short, io) : new Changes(net, inet, name, words, io).run();
    },
  };
}

/** A device, and each other label of its addresses. */
function entries(dev: NetDevice): string[] {
  const list = dev.inDev?.ifaList ?? [];
  const labels = [...new Set(list.map((ifa) => ifa.label))].filter((label) => label !== dev.name);
  const first = (label: string) => list.find((ifa) => ifa.label === label);
  return [ifconfigText(dev, dev.name, first(dev.name)), ...labels.map((label) => ifconfigText(dev, label, first(label)))];
}

function showOne(net: Net, name: string, short: boolean, io: CommandIo): number {
  const dev = net.device(name.split(':')[0]);
  if (dev === undefined) {
    io.err(`${name}: error fetching interface information: Device not found\n`);
    return 1;
  }
  io.out(
    short
      ? interfaceList([dev])
      : ifconfigText(
          dev,
          name,
          dev.inDev?.ifaList.find((ifa) => ifa.label === name),
        ),
  );
  return 0;
}

/** The words behind the name of a device, one change after the other. */
class Changes {
  private readonly net: Net;
  private readonly inet: Devinet;
  private readonly name: string;
  private readonly words: readonly string[];
  private readonly io: CommandIo;
  private at = 0;
  /** 1, or 255 when the flags could not be read or set; 0: all went well. */
  private status = 0;

  constructor(net: Net, inet: Devinet, name: string, words: readonly string[], io: CommandIo) {
    this.net = net;
    this.inet = inet;
    this.name = name;
    this.words = words;
    this.io = io;
  }

  run(): number {
    while (this.at < this.words.length) {
      const status = this.word(this.words[this.at++]);
      if (status !== 0) return status;
    }
    return this.status;
  }

  private get dev(): NetDevice | undefined {
    return this.net.device(this.name.split(':')[0]);
  }

  private get isAlias(): boolean {
    return this.name.includes(':');
  }

  private word(word: string): number {
    const off = word.startsWith('-');
    const what = off ? word.slice(1) : word;
    switch (what) {
      case 'up':
      case 'down':
        this.flag((dev) => this.upOrDown(dev, what === 'up'));
        return 0;
      case 'arp':
        this.flag((dev) => devSetNoarp(dev, off));
        return 0;
      case 'multicast':
        this.flag((dev) => devSetMulticast(dev, !off));
        return 0;
      case 'promisc':
        this.flag((dev) => ((dev.flags & IFF_PROMISC) !== 0) === off && devSetPromiscuity(dev, off ? -1 : 1));
        return 0;
      case 'allmulti':
        this.flag((dev) => ((dev.flags & IFF_ALLMULTI) !== 0) === off && devSetAllmulti(dev, off ? -1 : 1));
        return 0;
      case 'trailers':
      case 'dynamic':
        return 0;
      case 'broadcast':
        return this.broadcast(off);
      case 'pointopoint':
      case 'dstaddr':
        return off ? 0 : this.addressed('SIOCSIFDSTADDR', (ioctl, address) => ioctl.setDestination(address));
      case 'netmask':
        return this.addressed('SIOCSIFNETMASK', (ioctl, address) => ioctl.setNetmask(address));
      case 'mtu':
        return this.mtu();
      case 'txqueuelen':
        return this.number((dev, n) => {
          dev.txqueuelen = n;
        });
      case 'hw':
        return this.hardware();
      case 'name':
        return this.taken((dev, value) => devChangeName(dev, value));
      case 'add':
      case 'del':
        return this.addOrDelete(what);
      default:
        return this.address(word);
    }
  }

  /** Does something at the device; says so when there is none. */
  private flag(work: (dev: NetDevice) => void): void {
    const { dev } = this;
    if (dev === undefined) {
      this.fail(`${this.name}: ERROR while getting interface flags: No such device`);
      return;
    }
    this.guard('SIOCSIFFLAGS', () => work(dev));
  }

  private guard(request: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.fail(`${request}: ${error.message.replace(/^(RTNETLINK answers|Error): /, '')}`);
    }
  }

  private fail(text: string): void {
    if (/flags|^SIOCSIFFLAGS/.test(text)) this.status = FLAGS_STATUS;
    else if (this.status === 0) this.status = 1;
    this.io.err(`${text}\n`);
  }

  private upOrDown(dev: NetDevice, up: boolean): void {
    if (!this.isAlias) {
      if (up) devOpen(dev);
      else devClose(dev);
      return;
    }
    const ioctl = new AddressIoctl(this.inet, dev, this.name);
    this.tell('SIOCSIFFLAGS', up ? (ioctl.find() === undefined ? 'Cannot assign requested address' : null) : ioctl.remove());
  }

  private tell(request: string, refusal: Refusal | 'No such device'): void {
    if (refusal !== null) this.fail(`${request}: ${refusal}`);
  }

  /** The word behind a keyword; undefined when the line ends: the usage is told then. */
  private next(): string | undefined {
    const word = this.words[this.at++];
    if (word === undefined) this.io.err(USAGE);
    return word;
  }

  private host(word: string): number | null {
    if (word === 'default') return 0;
    const address = parseIpv4(word);
    if (address === null) this.io.err(`${word}: Host name lookup failure\nifconfig: \`--help' gives usage information.\n`);
    return address;
  }

  private addressed(request: string, work: (ioctl: AddressIoctl, address: number) => Refusal): number {
    const word = this.next();
    if (word === undefined) return E_USAGE;
    const address = this.host(word);
    if (address === null) return 1;
    const { dev } = this;
    this.tell(request, dev === undefined ? 'No such device' : work(new AddressIoctl(this.inet, dev, this.name), address));
    return 0;
  }

  private broadcast(off: boolean): number {
    const word = this.words[this.at];
    if (off || word === undefined || parseIpv4(word) === null) {
      if (off && this.dev === undefined) {
        this.fail(`${this.name}: ERROR while getting interface flags: No such device`);
        this.fail(`${this.name}: ERROR while testing interface flags: No such device`);
      } else if (off) this.io.err(`Warning: Interface ${this.name} still in BROADCAST mode.\n`);
      return 0;
    }
    return this.addressed('SIOCSIFBRDADDR', (ioctl, address) => ioctl.setBroadcast(address));
  }

  private mtu(): number {
    return this.number((dev, mtu) => {
      if (mtu < dev.minMtu || (dev.maxMtu !== 0 && mtu > dev.maxMtu)) throw new CommandError('Invalid argument');
      devSetMtu(dev, mtu);
    }, 'SIOCSIFMTU');
  }

  private number(work: (dev: NetDevice, value: number) => void, request = 'SIOCSIFTXQLEN'): number {
    const word = this.next();
    if (word === undefined) return E_USAGE;
    const { dev } = this;
    if (dev === undefined) this.tell(request, 'No such device');
    // What is no number is 0, as atoi(3) has it.
    else this.guard(request, () => work(dev, Number.parseInt(word, 10) || 0));
    return 0;
  }

  private hardware(): number {
    const family = this.next();
    if (family === undefined) return E_USAGE;
    if (family !== 'ether') {
      this.io.err(USAGE);
      return E_USAGE;
    }
    const word = this.next();
    if (word === undefined) return E_USAGE;
    const address = parseMac(word);
    if (address === null) {
      this.io.err(`${word}: invalid ether address.\n`);
      return 1;
    }
    const { dev } = this;
    if (dev === undefined) this.tell('SIOCSIFHWADDR', 'No such device');
    else this.guard('SIOCSIFHWADDR', () => devSetMacAddress(dev, address));
    return 0;
  }

  private taken(work: (dev: NetDevice, word: string) => void): number {
    const word = this.next();
    if (word === undefined) return E_USAGE;
    const { dev } = this;
    if (dev === undefined) this.tell('SIOCSIFNAME', 'No such device');
    else this.guard('SIOCSIFNAME', () => work(dev, word));
    return 0;
  }

  /** One more address, at the first label that is free; or one of them away. */
  private addOrDelete(verb: 'add' | 'del'): number {
    const word = this.next();
    if (word === undefined) return E_USAGE;
    const [text, length = ''] = word.split('/');
    const address = this.host(text);
    if (address === null) return 1;
    const { dev } = this;
    if (dev === undefined) {
      this.tell('SIOCSIFADDR', 'No such device');
      return 0;
    }
    const list = dev.inDev?.ifaList ?? [];
    if (verb === 'del') {
      const ifa = list.find((i) => i.local === address && i.label !== dev.name);
      if (ifa === undefined) this.tell('SIOCDIFADDR', 'Cannot assign requested address');
      else this.inet.delAddress(ifa);
      return 0;
    }
    let n = 0;
    while (list.some((ifa) => ifa.label === `${dev.name}:${n}`)) n++;
    const ioctl = new AddressIoctl(this.inet, dev, `${dev.name}:${n}`);
    this.guard('SIOCSIFADDR', () => this.tell('SIOCSIFADDR', ioctl.setAddress(address)));
    const bits = getUnsigned(length, 32);
    if (bits !== null) this.tell('SIOCSIFNETMASK', ioctl.setNetmask(inetMakeMask(bits)));
    return 0;
  }

  /** An address alone: the label has it from now on, and the device is up. */
  private address(word: string): number {
    const value = word === 'inet' ? this.next() : word;
    if (value === undefined) return E_USAGE;
    const [text, length] = value.split('/');
    const address = this.host(text);
    if (address === null) return 1;
    const { dev } = this;
    if (dev === undefined) {
      this.tell('SIOCSIFADDR', 'No such device');
      this.fail(`${this.name}: ERROR while getting interface flags: No such device`);
      return 0;
    }
    const ioctl = new AddressIoctl(this.inet, dev, this.name);
    this.guard('SIOCSIFADDR', () => this.tell('SIOCSIFADDR', ioctl.setAddress(address)));
    const bits = length === undefined ? null : getUnsigned(length, 32);
    if (bits !== null) this.tell('SIOCSIFNETMASK', ioctl.setNetmask(inetMakeMask(bits)));
    this.guard('SIOCSIFFLAGS', () => devOpen(dev));
    return 0;
  }
}

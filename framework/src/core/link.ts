/** core/link.ts — `ip link`: devices and what can be set at them (ip-link(8)). */
import type { Command, CommandIo } from '../command.ts';
import { duparg2, invarg, matches, onOff, toLladdr, Words } from '../command-words.ts';
import {
  checkDevName,
  devChangeName,
  devClose,
  devOpen,
  devSetAllmulti,
  devSetCarrier,
  devSetMacAddress,
  devSetMtu,
  devSetMulticast,
  devSetNoarp,
  devSetPromiscuity,
  isDevName,
  unregisterNetdev,
} from '../dev.ts';
import { CommandError } from '../errors.ts';
import { iprouteJson } from '../iproute-json.ts';
import type { Net } from '../net.ts';
import { IFF_ALLMULTI, IFF_PROMISC, isUp, type NetDevice } from '../netdevice.ts';
import type { LinkKind } from '../plugin.ts';
import type { NamedRegistry } from '../registries.ts';
import { ETH_ALEN } from '../wire/ethernet.ts';
import { linkJson, linkText } from './link-print.ts';
import { linkChange, linkEnslave, linkRelease } from './link-slave.ts';

/** Exit status of a few refusals: EINVAL, as iproute2 hands it on. */
const EINVAL_STATUS = 22;

const USAGE = `Usage: ip link add [link DEV] [ name ] NAME [ address ADDRESS ] [ mtu MTU ] type TYPE [ ARGS ]
       ip link delete { DEVICE | dev DEVICE }
       ip link set { DEVICE | dev DEVICE } [ { up | down } ] [ arp { on | off } ] [ promisc { on | off } ]
               [ allmulticast { on | off } ] [ txqueuelen PACKETS ] [ name NEWNAME ] [ address LLADDR ] [ mtu MTU ]
               [ alias NAME ] [ group GROUP ] [ master DEVICE ] [ nomaster ] [ type TYPE ARGS ]
       ip link show [ DEVICE ] [ up ] [ master DEVICE ] [ type TYPE ]
`;

export function ipLinkCommand(net: Net, kinds: NamedRegistry<LinkKind>): Command {
  return {
    name: 'ip link',
    summary: 'show and change devices',
    usage: USAGE,
    run(args, io) {
      const words = new Words(args);
      const word = words.done ? 'show' : words.next();
      if (matches(word, 'add')) add(words, net, kinds);
      else if (matches(word, 'set') || matches(word, 'change')) linkSet(words, net, kinds);
      else if (matches(word, 'delete')) del(words, net, kinds);
      else if (matches(word, 'show') || matches(word, 'lst') || matches(word, 'list')) show(words, net, kinds, io);
      else if (matches(word, 'help')) {
        io.err(USAGE);
        return 255;
      } else throw new CommandError(`Command "${word}" is unknown, try "ip link help".`, 255);
      return 0;
    },
  };
}

function show(words: Words, net: Net, kinds: NamedRegistry<LinkKind>, io: CommandIo): void {
  let only: NetDevice | null = null;
  const tests: ((dev: NetDevice) => boolean)[] = [];
  while (!words.done) {
    const word = words.next();
    if (word === 'up') tests.push(isUp);
    else if (word === 'master') {
      const master = needMaster(net, words.next());
      tests.push((dev) => dev.master === master);
    } else if (word === 'type') {
      const kind = words.next();
      tests.push((dev) => dev.kind === kind || (kind.endsWith('_slave') && dev.master?.kind === kind.slice(0, -6)));
    } else if (word === 'group') {
      const group = words.u32('Invalid "group" value\n');
      tests.push((dev) => dev.group === group);
    } else {
      const name = word === 'dev' ? words.next() : word;
      if (only !== null) duparg2('dev', name);
      only = need(net, name);
    }
  }
  const shown = (only === null ? net.devices() : [only]).filter((dev) => tests.every((t) => t(dev)));
  if (io.flags.has('json'))
    io.out(
      `${iprouteJson(
        shown.map((dev) => linkJson(dev, kinds, io.flags, true)),
        io.flags.has('pretty'),
      )}\n`,
    );
  else io.out(shown.map((dev) => linkText(dev, kinds, io.flags, true)).join(''));
}

function need(net: Net, name: string): NetDevice {
  const dev = net.device(name);
  if (dev === undefined) throw new CommandError(`Device "${name}" does not exist.`);
  return dev;
}

function needMaster(net: Net, name: string): NetDevice {
  return net.device(name) ?? invarg('Device does not exist\n', name);
}

/** A kernel-like default name: the kind and the first free number (`bridge0`; dev_alloc_name). */
function freeName(net: Net, kind: string): string {
  for (let n = 0; ; n++) if (net.device(`${kind}${n}`) === undefined) return `${kind}${n}`;
}

function add(words: Words, net: Net, kinds: NamedRegistry<LinkKind>): void {
  let name = '';
  let link: NetDevice | null = null;
  let mtu: number | undefined;
  let address: Uint8Array | undefined;
  let txqueuelen: number | undefined;
  while (!words.done) {
    const word = words.next();
    if (word === 'link') link = need(net, words.next());
    else if (word === 'mtu') mtu = words.s32('Invalid "mtu" value\n');
    else if (matches(word, 'address')) address = macAddress(words.next());
    else if (matches(word, 'txqueuelen') || word === 'qlen') txqueuelen = words.u32('Invalid "txqueuelen" value\n', 0x7fffffff);
    else if (matches(word, 'type')) {
      const kind = words.next();
      const made = kinds.get(kind);
      if (made === undefined) throw new CommandError('Error: Unknown device type.', 2);
      if (name === '') name = freeName(net, kind);
      checkDevName(name);
      const dev = made.create(net, name, link, words, {
        ...(mtu === undefined ? {} : { mtu }),
        ...(address === undefined ? {} : { address }),
      });
      if (txqueuelen !== undefined) dev.txqueuelen = txqueuelen;
      return;
    } else {
      const value = word === 'name' || word === 'dev' ? words.next() : word;
      if (name !== '') duparg2('name', value);
      name = value;
    }
  }
  throw new CommandError('Not enough information: "type" argument is required');
}

function macAddress(word: string): Uint8Array {
  const bytes = toLladdr(word);
  if (bytes.length !== ETH_ALEN) throw new CommandError(`Invalid address length ${bytes.length} - must be ${ETH_ALEN} bytes`);
  return bytes;
}

function del(words: Words, net: Net, kinds: NamedRegistry<LinkKind>): void {
  let dev: NetDevice | undefined;
  while (!words.done) {
    const word = words.next();
    if (matches(word, 'type')) words.next();
    else dev = net.needDevice(word === 'dev' ? words.next() : word);
  }
  if (dev === undefined) throw new CommandError('Not enough information: "dev" argument is required.', 255);
  // What a driver or the kernel itself made stays.
  const kind = kinds.get(dev.kind);
  if (kind === undefined) throw new CommandError('RTNETLINK answers: Operation not supported', 2);
  if (kind.remove === undefined) unregisterNetdev(dev);
  else kind.remove(dev);
}

/** Does what follows `ip link set`. */
export function linkSet(words: Words, net: Net, kinds: NamedRegistry<LinkKind>): void {
  let dev: NetDevice | null = null;
  // iproute2 sends one message with everything: what is wrong in the line leaves the device as it is.
  const steps: ((dev: NetDevice) => void)[] = [];
  while (!words.done) {
    const word = words.next();
    if (word === 'up') steps.push(bringUp);
    else if (word === 'down') steps.push(devClose);
    else if (word === 'mtu') {
      const mtu = words.s32('Invalid "mtu" value\n');
      steps.push((d) => devSetMtu(d, mtu));
    } else if (matches(word, 'address')) {
      const address = macAddress(words.next());
      steps.push((d) => devSetMacAddress(d, address));
    } else if (word === 'arp') {
      const on = onOff('arp', words.next());
      steps.push((d) => devSetNoarp(d, !on));
    } else if (word === 'promisc') {
      const on = onOff('promisc', words.next());
      steps.push((d) => ((d.flags & IFF_PROMISC) !== 0) !== on && devSetPromiscuity(d, on ? 1 : -1));
    } else if (word === 'allmulticast') {
      const on = onOff('allmulticast', words.next());
      steps.push((d) => ((d.flags & IFF_ALLMULTI) !== 0) !== on && devSetAllmulti(d, on ? 1 : -1));
    } else if (word === 'multicast') {
      const on = onOff('multicast', words.next());
      steps.push((d) => devSetMulticast(d, on));
    } else if (word === 'carrier') {
      const state = words.next();
      const on = state === 'on';
      if (!on && state !== 'off') {
        throw new CommandError(`Error: argument of "carrier" must be one of "off", "on", not "${state}"`, EINVAL_STATUS);
      }
      steps.push((d) => devSetCarrier(d, on));
    } else if (word === 'trailers' || word === 'dynamic') onOff(word, words.next());
    else if (matches(word, 'txqueuelen') || word === 'qlen' || matches(word, 'txqlen')) {
      const length = words.u32('Invalid "txqueuelen" value\n', 0x7fffffff);
      steps.push((d) => {
        d.txqueuelen = length;
      });
    } else if (word === 'name') {
      const name = words.next();
      if (!isDevName(name)) invarg('"name" not a valid ifname', name);
      steps.push((d) => devChangeName(d, name));
    } else if (matches(word, 'alias')) {
      const alias = words.next();
      steps.push((d) => {
        d.alias = alias;
      });
    } else if (word === 'group') {
      const group = words.u32('Invalid "group" value\n');
      steps.push((d) => {
        d.group = group;
      });
    } else if (word === 'master') {
      const master = needMaster(net, words.next());
      steps.push((d) => linkEnslave(d, master, kinds));
    } else if (word === 'nomaster') steps.push((d) => linkRelease(d, kinds));
    else if (matches(word, 'type')) {
      const kind = words.next();
      steps.push(linkChange(kind, words.rest(), kinds));
    } else {
      const name = word === 'dev' ? words.next() : word;
      if (dev !== null) duparg2('dev', name);
      dev = net.needDevice(name);
    }
  }
  if (dev === null) throw new CommandError('Not enough information: "dev" argument is required.', 255);
  for (const step of steps) step(dev);
}

function bringUp(dev: NetDevice): void {
  try {
    devOpen(dev);
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`RTNETLINK answers: ${error instanceof Error ? error.message : String(error)}`, 2);
  }
}

/** arp-command.ts — `arp` of net-tools (arp(8)): addresses are never looked up by name, as with `-n`. */
import { ARPHRD_ETHER, type Command, CommandError, type CommandIo, parseIpv4, parseMac } from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import {
  ArpIoctlError,
  type ArpRequest,
  ATF_COM,
  ATF_DONTPUB,
  ATF_NETMASK,
  ATF_PERM,
  ATF_PUBL,
  arpReqDelete,
  arpReqSet,
} from './arp-ioctl.ts';
import { type ArpOptions, parseArpOptions } from './arp-options.ts';
import { arpShow } from './arp-show.ts';

const USAGE = `Usage: arp [-vn] [-H HW] [-i DEV] [-a] [-e] [ADDR]             show the ARP cache
       arp [-v] [-i DEV] -d ADDR [pub] [dev DEV]              delete an entry
       arp [-v] [-H HW] [-i DEV] -s ADDR LLADDR [temp] [pub]  add an entry
       arp [-v] [-H HW] [-i DEV] -Ds ADDR DEV [netmask NM] pub
  -a  BSD style          -e  Linux style      -s, --set      add
  -d, --delete           -v, --verbose        -n, --numeric  (always so)
  -i, --device DEV       -D, --use-device     -A, -p, --protocol inet
  HW is ether
`;

/** net-tools ends with -1 when something fails, and 3 after a line that it cannot read. */
const FAILED = 255;
const BAD_USAGE = 3;

export function arpCommand(arp: Arp): Command {
  return {
    name: 'arp',
    summary: 'show and change the ARP cache',
    usage: USAGE,
    run(args, io) {
      const options = parseArpOptions(args, usage);
      if (options.mode === 'help') io.err(USAGE);
      else if (options.mode === 'set') set(arp, options, io);
      else if (options.mode === 'delete') del(arp, options, io);
      else arpShow(arp, options, io);
    },
  };
}

/** Refuses a line, with the usage behind what is wrong. */
function usage(wrong = ''): never {
  throw new CommandError(wrong + USAGE.trimEnd(), BAD_USAGE);
}

function fail(text: string): never {
  throw new CommandError(text, FAILED);
}

/** The words behind the addresses. */
interface Modifiers {
  flags: number;
  netmask: number;
  dev: string;
}

function parseModifiers(words: readonly string[], dev: string, flags: number): Modifiers {
  const modifiers: Modifiers = { flags, netmask: -1, dev };
  const value = (i: number): string => words[i] ?? usage();
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word === 'pub') modifiers.flags |= ATF_PUBL;
    else if (word === 'priv') modifiers.flags &= ~ATF_PUBL;
    else if (word === 'temp') modifiers.flags &= ~ATF_PERM;
    else if (word === 'dontpub') modifiers.flags |= ATF_DONTPUB;
    else if (word === 'dev') modifiers.dev = value(++i);
    else if (word === 'netmask') {
      modifiers.netmask = resolve(value(++i));
      if (modifiers.netmask !== -1) modifiers.flags |= ATF_NETMASK;
    } else if (word !== 'trail' && word !== 'auto') usage();
  }
  return modifiers;
}

function resolve(host: string): number {
  return parseIpv4(host) ?? fail(`${host}: Host name lookup failure`);
}

function set(arp: Arp, options: ArpOptions, io: CommandIo): void {
  const [host, hw, ...rest] = options.words;
  if (host === undefined) fail('arp: need host name');
  const address = resolve(host);
  if (hw === undefined) fail('arp: need hardware address');
  const lladdr = options.useDevice ? deviceAddress(arp, hw) : (parseHardware(hw) ?? fail('arp: invalid hardware address'));
  const request: ArpRequest = { address, lladdr, hardware: ARPHRD_ETHER, ...parseModifiers(rest, options.dev, ATF_PERM | ATF_COM) };
  if (options.verbose) io.err('arp: SIOCSARP()\n');
  ioctl('SIOCSARP', () => arpReqSet(arp, request));
}

function deviceAddress(arp: Arp, name: string): Uint8Array {
  const dev = arp.net.device(name);
  if (dev === undefined) fail(`arp: cant get HW-Address for \`${name}': No such device.`);
  return dev.address;
}

/** Six bytes with colons, or twelve digits. */
function parseHardware(text: string): Uint8Array | null {
  if (/^[0-9a-f]{12}$/i.test(text)) return parseMac(text.replace(/..(?!$)/g, '$&:'));
  return text.includes('-') ? null : parseMac(text);
}

/** Deletes the entry, and if there is none, the answer on behalf of another. */
function del(arp: Arp, options: ArpOptions, io: CommandIo): void {
  const [host, ...rest] = options.words;
  if (host === undefined) fail('arp: need host name');
  const request: ArpRequest = {
    address: resolve(host),
    lladdr: null,
    hardware: ARPHRD_ETHER,
    ...parseModifiers(rest, options.dev, ATF_PERM),
  };
  const pub = (request.flags & ATF_PUBL) !== 0;
  if (!pub) {
    if (options.verbose) io.err('arp: SIOCDARP(dontpub)\n');
    if (ioctl('SIOCDARP(dontpub)', () => arpReqDelete(arp, request))) return;
  }
  if (options.verbose) io.err('arp: SIOCDARP(pub)\n');
  if (ioctl('SIOCDARP(pub)', () => arpReqDelete(arp, { ...request, flags: request.flags | ATF_PUBL }))) return;
  io.out(`No ARP entry for ${host}\n`);
  throw new CommandError('', FAILED);
}

function ioctl<T>(name: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof ArpIoctlError) fail(`${name}: ${error.message}`);
    throw error;
  }
}

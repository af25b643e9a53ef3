/** arp-show.ts — the ARP cache as `arp` prints it: in columns, or with `-a` in BSD's sentences (arp(8)). */
import { ARPHRD_ETHER, CommandError, type CommandIo, formatIpv4, parseIpv4 } from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { ATF_COM, ATF_PERM, ATF_PUBL } from './arp-ioctl.ts';
import type { ArpOptions } from './arp-options.ts';
import { type ArpLine, arpLines } from './arp-proc.ts';

const HEADING = 'Address                  HWtype  HWaddress           Flags Mask            Iface\n';

export function arpShow(arp: Arp, options: ArpOptions, io: CommandIo): void {
  const [host] = options.words;
  const address = host === undefined ? null : parseIpv4(host);
  if (host !== undefined && address === null) throw new CommandError(`${host}: Host name lookup failure`, 255);
  const lines = arpLines(arp);
  const shown = lines.filter((line) => {
    if (address !== null && line.address !== address) return false;
    if (options.hardware && line.hardware !== ARPHRD_ETHER) return false;
    return options.dev === '' || line.dev === options.dev;
  });
  if (shown.length > 0 && !options.bsd) io.out(HEADING);
  for (const line of shown) io.out(options.bsd ? bsdLine(line) : columns(line));
  if (options.verbose) io.out(`Entries: ${lines.length}\tSkipped: ${lines.length - shown.length}\tFound: ${shown.length}\n`);
  if (shown.length > 0) return;
  if (address !== null && !options.bsd) io.out(`${host} (${formatIpv4(address)}) -- no entry\n`);
  else if (address !== null || options.hardware || options.dev !== '') io.out(`arp: in ${lines.length} entries no match found.\n`);
}

function columns({ address, hardware, flags, lladdr, dev }: ArpLine): string {
  let hwtype = '';
  let hwaddress = '(incomplete)';
  if ((flags & ATF_COM) !== 0) {
    hwtype = hardwareName(hardware);
    hwaddress = lladdr;
  } else if ((flags & ATF_PUBL) !== 0) {
    hwtype = '*';
    hwaddress = '<from_interface>';
  }
  let marks = (flags & ATF_COM) !== 0 ? 'C' : '';
  if ((flags & ATF_PERM) !== 0) marks += 'M';
  if ((flags & ATF_PUBL) !== 0) marks += 'P';
  return `${formatIpv4(address).padEnd(25)}${hwtype.padEnd(8)}${hwaddress.padEnd(20)}${marks.padEnd(22)}${dev}\n`;
}

function bsdLine({ address, hardware, flags, lladdr, dev }: ArpLine): string {
  let text = `? (${formatIpv4(address)}) at `;
  if ((flags & ATF_COM) !== 0) text += `${lladdr} [${hardwareName(hardware)}] `;
  else text += (flags & ATF_PUBL) !== 0 ? '<from_interface> ' : '<incomplete> ';
  if ((flags & ATF_PERM) !== 0) text += 'PERM ';
  if ((flags & ATF_PUBL) !== 0) text += 'PUB ';
  return `${text}on ${dev}\n`;
}

function hardwareName(hardware: number): string {
  return hardware === ARPHRD_ETHER ? 'ether' : 'generic';
}

/**
 * ifreq.ts — settings of the host's network interfaces by name (netdevice(7)).
 *
 *      0                       16                 40
 *      +-----------------------+-------------------+
 *      | ifr_name, NUL-padded  | value             |    struct ifreq
 *      +-----------------------+-------------------+
 */
import { IFNAMSIZ } from '../dev.ts';
import { AF_INET, type Libc, O_CLOEXEC, SOCK_DGRAM } from './libc.ts';

const SIZE = 40;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;

/** Writes an ifreq with this name, and a value of 0, to the scratch memory; the name has less than 16 characters. */
export function putIfreq(libc: Libc, name: string): void {
  const { scratch } = libc;
  scratch.fill(0, 0, SIZE);
  new TextEncoder().encodeInto(name, scratch.subarray(0, IFNAMSIZ - 1));
}

/** The value of the ifreq in the scratch memory, as `short` (flags) or `int` (the rest). */
export function ifreqFlags(libc: Libc): Int16Array {
  return new Int16Array(libc.scratch.buffer, IFNAMSIZ, 1);
}

export function ifreqInt(libc: Libc): Int32Array {
  return new Int32Array(libc.scratch.buffer, IFNAMSIZ, 1);
}

/** The name that the kernel has put into the ifreq. */
export function ifreqName(libc: Libc): string {
  const end = libc.scratch.indexOf(0);
  return new TextDecoder().decode(libc.scratch.subarray(0, end));
}

/** MTU of an interface of the current network namespace, bytes. */
export function getIfMtu(libc: Libc, name: string): number {
  putIfreq(libc, name);
  ifreqIoctl(libc, SIOCGIFMTU, `MTU of ${name}`);
  return ifreqInt(libc)[0];
}

export function setIfMtu(libc: Libc, name: string, mtu: number): void {
  putIfreq(libc, name);
  ifreqInt(libc)[0] = mtu;
  ifreqIoctl(libc, SIOCSIFMTU, `MTU of ${name}`);
}

/** Any socket answers for all interfaces of its namespace. */
function ifreqIoctl(libc: Libc, request: number, what: string): void {
  const socket = libc.check(libc.socket(AF_INET, SOCK_DGRAM | O_CLOEXEC, 0), 'socket');
  try {
    libc.check(libc.ioctl(socket, request, libc.scratchAddress), what);
  } finally {
    libc.close(socket);
  }
}

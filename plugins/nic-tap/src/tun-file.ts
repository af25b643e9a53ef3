/**
 * tun-file.ts — an open /dev/net/tun: our end of a TAP or TUN interface of the host (Linux Documentation/networking/tuntap.rst).
 *
 * The interface itself is the host's end. It may have been renamed or moved to another network namespace since: the
 * descriptor still knows it.
 */
import { CommandError } from '@packetwalk/framework';
import {
  CLONE_NEWNET,
  getIfMtu,
  ifreqFlags,
  ifreqName,
  type Libc,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  POLLERR,
  POLLOUT,
  putIfreq,
  SyscallError,
  setIfMtu,
} from '@packetwalk/framework/runtime';

const TUN_PATH = '/dev/net/tun';

const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOWNER = 0x400454cc;
const TUNGETIFF = 0x800454d2;
const TUNSETCARRIER = 0x400454e2;
const TUNGETDEVNETNS = 0x54e3;

const IFF_TUN = 0x1;
const IFF_TAP = 0x2;
/** Packets come without the four bytes of flags and protocol in front. */
const IFF_NO_PI = 0x1000;

/** tap: Ethernet frames; tun: IP packets. */
export type TunMode = 'tap' | 'tun';

export class TunFile {
  readonly fd: number;
  readonly libc: Libc;

  /**
   * Opens our end of interface `name`, which is made when the host has none of that name.
   * @throws CommandError that says in one line what stands in the way
   */
  constructor(libc: Libc, name: string, mode: TunMode) {
    this.libc = libc;
    this.fd = attempt(
      () => libc.check(libc.open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC), TUN_PATH),
      (code) => OPEN_FAILURES[code],
    );
    try {
      attempt(
        () => {
          putIfreq(libc, name);
          ifreqFlags(libc)[0] = (mode === 'tap' ? IFF_TAP : IFF_TUN) | IFF_NO_PI;
          libc.check(libc.ioctl(this.fd, TUNSETIFF, libc.scratchAddress), name);
        },
        (code) => ATTACH_FAILURES[code]?.(name, mode),
      );
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.libc.close(this.fd);
  }

  /** Name of the host's end as it is now. */
  name(): string {
    putIfreq(this.libc, '');
    this.libc.check(this.libc.ioctl(this.fd, TUNGETIFF, this.libc.scratchAddress), 'TUNGETIFF');
    return ifreqName(this.libc);
  }

  /** The interface stays when this end is closed. */
  setPersist(): void {
    this.libc.check(this.libc.ioctl(this.fd, TUNSETPERSIST, 1), `persist ${this.name()}`);
  }

  /** Lets a user open the interface without privileges. */
  setOwner(uid: number): void {
    this.libc.check(this.libc.ioctl(this.fd, TUNSETOWNER, uid), `owner of ${this.name()}`);
  }

  /** What the host sees of our end: link, or a cable that is not plugged in. Kernels before 5.0 always see link. */
  setCarrier(on: boolean): void {
    new Int32Array(this.libc.scratch.buffer, 0, 1)[0] = on ? 1 : 0;
    this.libc.ioctl(this.fd, TUNSETCARRIER, this.libc.scratchAddress);
  }

  /** Is the host's end up? Null when it has been removed. */
  isHostUp(): boolean | null {
    const { scratch, scratchAddress } = this.libc;
    new Int32Array(scratch.buffer, 0, 1)[0] = this.fd;
    const events = new Int16Array(scratch.buffer, 4, 2);
    events[0] = POLLOUT;
    events[1] = 0;
    this.libc.poll(scratchAddress, 1, 0);
    return (events[1] & POLLERR) !== 0 ? null : (events[1] & POLLOUT) !== 0;
  }

  hostMtu(): number {
    const name = this.name();
    return this.inHostNamespace(() => getIfMtu(this.libc, name));
  }

  /** @throws CommandError when the kernel refuses it */
  setHostMtu(mtu: number): void {
    const name = this.name();
    attempt(
      () => this.inHostNamespace(() => setIfMtu(this.libc, name, mtu)),
      (code) =>
        code === 'EPERM' ? `no permission to change the MTU of ${name}, as root do: ip link set dev ${name} mtu ${mtu}` : undefined,
    );
  }

  /** Does `work` where the interface is, when that is elsewhere and the kernel lets us go there. */
  private inHostNamespace<T>(work: () => T): T {
    const { libc } = this;
    const there = libc.ioctl(this.fd, TUNGETDEVNETNS, 0);
    if (there < 0) return work();
    const here = libc.open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC);
    try {
      if (here < 0 || libc.setns(there, CLONE_NEWNET) < 0) return work();
      try {
        return work();
      } finally {
        libc.check(libc.setns(here, CLONE_NEWNET), 'setns');
      }
    } finally {
      libc.close(there);
      if (here >= 0) libc.close(here);
    }
  }
}

const NO_TUN = `no ${TUN_PATH}: load the kernel’s module (modprobe tun), or let the container have the device`;
const NO_ACCESS = `no permission to open ${TUN_PATH}: run as root, or let this user read and write it`;

const OPEN_FAILURES: Record<string, string> = { ENOENT: NO_TUN, ENODEV: NO_TUN, ENXIO: NO_TUN, EACCES: NO_ACCESS, EPERM: NO_ACCESS };

const ATTACH_FAILURES: Record<string, (name: string, mode: TunMode) => string> = {
  EPERM: (name, mode) =>
    `no permission to make or open ${name}: run as root, or as root do: ip tuntap add dev ${name} mode ${mode} user USER`,
  EBUSY: (name) => `${name} is busy: another process has it open`,
  EINVAL: (name, mode) => `${name} exists on the host and is not a ${mode.toUpperCase()} interface`,
};

/** Runs `work`; a failed system call becomes a line for the person who runs the router. */
function attempt<T>(work: () => T, explain: (code: string) => string | undefined): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new CommandError(explain(error.code) ?? error.message, 2);
  }
}

/**
 * libc.ts — the system calls that drivers make, through koffi, on Node and Deno alike (man-pages sections 2 and 7).
 *
 * Memory is passed by its address as a number: user-space addresses stay below 2^47, and a number costs a call nothing,
 * where a pointer object or a buffer costs more than the call. V8 never moves the bytes of an ArrayBuffer, but frees them
 * with the last reference: whoever passes an address keeps the buffer.
 */
import { createRequire } from 'node:module';
import type { SkbHead } from '../skbuff.ts';

/** poll(2) */
export const POLLIN = 0x1;
export const POLLOUT = 0x4;
export const POLLERR = 0x8;

/** open(2), socket(2), setns(2) */
export const O_RDONLY = 0;
export const O_RDWR = 2;
export const O_NONBLOCK = 0x800;
export const O_CLOEXEC = 0x80000;
export const AF_INET = 2;
export const SOCK_DGRAM = 2;
export const CLONE_NEWNET = 0x40000000;

/** epoll_ctl(2); the events of poll(2) are epoll's too. */
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLONESHOT = 0x40000000;

const EFD_FLAGS: number = O_NONBLOCK | O_CLOEXEC;

/** A foreign function. `async` runs it on a thread of its own and calls back on the event loop's. */
type ForeignFunction<A extends unknown[]> = ((...args: A) => number) & {
  async(...args: [...A, (error: unknown, result: number) => void]): void;
};

/** What koffi.node.poll gives: a watched descriptor (uv_poll_t). It must be kept: a collected one ends the watch. */
export interface KoffiPollHandle {
  start(events: KoffiPollEvents, callback: KoffiPollCallback): void;
  stop(): void;
  close(): void;
}

export interface KoffiPollEvents {
  readonly readable: boolean;
  readonly writable: boolean;
}

/** `status` is 0, or a negated errno: then the watch has ended. */
export type KoffiPollCallback = (status: number, events: KoffiPollEvents) => void;

interface Koffi {
  load(path: null): { func(prototype: string): unknown };
  address(buffer: ArrayBufferLike): bigint;
  errno(): number;
  readonly os: { readonly errno: Readonly<Record<string, number>> };
  readonly node: { poll(fd: number, events: KoffiPollEvents, callback: KoffiPollCallback): KoffiPollHandle };
}

/** A system call failed; the message is `call: what strerror says`. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError';
  readonly errno: number;
  /** `EPERM`, `EBUSY` …, or the number for one without a name. */
  readonly code: string;

  constructor(call: string, errno: number, code: string, text: string) {
    super(`${call}: ${text}`);
    this.errno = errno;
    this.code = code;
  }
}

/**
 * The C library. Functions return what the system call does, -1 for a failure that {@link Libc.errno} tells; `check`
 * turns it into an exception where speed does not matter.
 */
export class Libc {
  readonly open: ForeignFunction<[path: string, flags: number]>;
  readonly close: ForeignFunction<[fd: number]>;
  readonly read: ForeignFunction<[fd: number, address: number, length: number]>;
  readonly write: ForeignFunction<[fd: number, address: number, length: number]>;
  /** The last argument is a number or an address, as the request has it. */
  readonly ioctl: ForeignFunction<[fd: number, request: number, argument: number]>;
  readonly poll: ForeignFunction<[fds: number, count: number, milliseconds: number]>;
  readonly epollCtl: ForeignFunction<[epoll: number, op: number, fd: number, event: number]>;
  readonly epollWait: ForeignFunction<[epoll: number, events: number, max: number, milliseconds: number]>;
  readonly socket: ForeignFunction<[family: number, type: number, protocol: number]>;
  readonly setns: ForeignFunction<[fd: number, type: number]>;
  /** Room for the arguments of one ioctl; `scratchAddress` is its address. */
  readonly scratch: Uint8Array = new Uint8Array(64);
  readonly scratchAddress: number;
  /** Errors by name: `EAGAIN` … */
  readonly errors: Readonly<Record<string, number>>;
  /** errno of the call before. */
  readonly errno: () => number;
  /** koffi.node.poll, see readiness.ts. */
  readonly uvPoll: Koffi['node']['poll'];
  private readonly epollCreate: ForeignFunction<[flags: number]>;
  private readonly eventfd2: ForeignFunction<[count: number, flags: number]>;
  private readonly strerror: (errno: number) => string;
  private readonly addressOfBuffer: Koffi['address'];

  constructor(koffi: Koffi) {
    // The process has a C library loaded already: glibc's or musl's.
    const libc = koffi.load(null);
    const func = <A extends unknown[]>(prototype: string): ForeignFunction<A> => libc.func(prototype) as ForeignFunction<A>;
    this.open = func('int open(const char *path, int flags)');
    this.close = func('int close(int fd)');
    this.read = func('intptr_t read(int fd, intptr_t address, size_t length)');
    this.write = func('intptr_t write(int fd, intptr_t address, size_t length)');
    this.ioctl = func('int ioctl(int fd, unsigned long request, intptr_t argument)');
    this.poll = func('int poll(intptr_t fds, unsigned long count, int milliseconds)');
    this.epollCreate = func('int epoll_create1(int flags)');
    this.epollCtl = func('int epoll_ctl(int epoll, int op, int fd, intptr_t event)');
    this.epollWait = func('int epoll_wait(int epoll, intptr_t events, int max, int milliseconds)');
    this.socket = func('int socket(int family, int type, int protocol)');
    this.setns = func('int setns(int fd, int type)');
    this.eventfd2 = func('int eventfd(unsigned int count, int flags)');
    this.strerror = libc.func('const char *strerror(int errno)') as (errno: number) => string;
    this.errors = koffi.os.errno;
    this.errno = koffi.errno;
    this.uvPoll = koffi.node.poll;
    this.addressOfBuffer = koffi.address;
    this.scratchAddress = this.addressOf(this.scratch);
  }

  /** Address of the first byte: good as long as the buffer is referenced. */
  addressOf({ buffer, byteOffset }: ArrayBufferView): number {
    // V8 keeps very small typed arrays in its heap, and moves them, until somebody asks for their buffer.
    return Number(this.addressOfBuffer(buffer)) + byteOffset;
  }

  /** Address of a packet's memory, asked for once a head. */
  skbAddress(head: SkbHead): number {
    if (head.address === 0) head.address = this.addressOf(head.buf);
    return head.address;
  }

  /** Passes a result on; throws SyscallError for -1. */
  check(result: number, call: string): number {
    if (result >= 0) return result;
    const errno = this.errno();
    const code = Object.keys(this.errors).find((name) => this.errors[name] === errno) ?? String(errno);
    throw new SyscallError(call, errno, code, this.strerror(errno));
  }

  /** A counter that poll(2) can wait for (eventfd(2)), not blocking. */
  eventfd(): number {
    return this.check(this.eventfd2(0, EFD_FLAGS), 'eventfd');
  }

  /** A set of descriptors to wait for (epoll_create1(2)). */
  epoll(): number {
    return this.check(this.epollCreate(O_CLOEXEC), 'epoll_create1');
  }
}

let loaded: Libc | null = null;

/**
 * The C library, bound on first use.
 * @param from `import.meta.url` of the driver, whose package depends on koffi
 * @throws Error in one line when koffi has no binary for this machine
 */
export function loadLibc(from: string): Libc {
  if (loaded === null) {
    let koffi: Koffi;
    try {
      koffi = createRequire(from)('koffi') as Koffi;
    } catch (error) {
      const [reason] = String(error instanceof Error ? error.message : error).split('\n');
      throw new Error(`koffi, the way to the kernel's interfaces, does not load on ${process.platform}-${process.arch}: ${reason}`);
    }
    loaded = new Libc(koffi);
  }
  return loaded;
}

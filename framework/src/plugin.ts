/**
 * plugin.ts — what a plugin is and what it may do. One default-exported object; everything it registers through its
 * context is undone by the framework, last first.
 */
import type { Clock, Random } from './clock.ts';
import type { Command } from './command.ts';
import type { Words } from './command-words.ts';
import type { ConfigIssue, ConfigPath } from './errors.ts';
import type { FibBackendFactory } from './fib.ts';
import type { Log } from './log.ts';
import type { Net, PacketType } from './net.ts';
import type { NetDevice, NetDeviceInit, NetDeviceOps, RxHandler } from './netdevice.ts';
import type { NfHookOps } from './netfilter.ts';
import type { NetEvents } from './notifier.ts';
import type { SavedConfig } from './saved-config.ts';
import type { InetProtocol } from './services/inet-protocol.ts';
import type { SysctlDef } from './sysctl.ts';
import type { Timer } from './timer.ts';
import type { Token } from './token.ts';

/** A JSON Schema (draft-07), as ajv takes it. */
export type SchemaObject = { readonly [keyword: string]: unknown };

export interface Plugin<O extends object = object> {
  /** Short name: letters, digits, hyphens. */
  readonly name: string;
  /** Services it registers, and those it needs: they decide the order of set-up. */
  readonly provides?: readonly Token<unknown>[];
  readonly requires?: readonly Token<unknown>[];
  /** Services it uses when somebody provides them; set up before it then. */
  readonly optional?: readonly Token<unknown>[];
  /** Schema of its `options:`; ajv checks them and fills in defaults before `setup`. */
  readonly schema?: SchemaObject;
  /** Top-level keys of the config that it owns, with their schemas. */
  readonly sections?: Readonly<Record<string, SchemaObject>>;
  /** Names of the slots of `ctx.counters`. */
  readonly counters?: readonly string[];
  /** Registers what the plugin does. Synchronous, no I/O: `packetwalk check` runs it. */
  setup(ctx: PluginContext, options: O): Lifecycle | void;
}

/** What a plugin with I/O or state of its own adds. */
export interface Lifecycle {
  /** The router starts: devices exist, sections are applied. */
  start?(): void | Promise<void>;
  /** The router stops: in reverse order of start. */
  stop?(): void | Promise<void>;
  dispose?(): void;
  /** State for the plugin's successor when the config is loaded anew. */
  handover?(): unknown;
}

/** A value that another plugin may provide later: read `value` on the path, null while nobody has. */
export interface Slot<T> {
  value: T | null;
}

/** A NIC driver: makes devices of one kind from entries of `devices:`. */
export interface Driver<C extends object = object> {
  /** `driver:` in the config. */
  readonly name: string;
  /** Schema of the driver's own keys of a device; the common ones are checked already. */
  readonly schema?: SchemaObject;
  /** Makes the device's operations. No I/O here: that is `open`'s. */
  create(config: C & DeviceConfig, ctx: DriverContext): DriverDevice;
}

export interface DriverDevice {
  readonly ops: NetDeviceOps;
  readonly init?: Omit<NetDeviceInit, 'name' | 'kind'>;
}

/** Keys that every device has in the config. */
export interface DeviceConfig {
  readonly name: string;
  readonly driver: string;
  readonly mac?: string;
  readonly mtu?: number;
  readonly addresses?: readonly string[];
  /** False: the device starts down. */
  readonly up?: boolean;
  /** What follows `ip link set dev NAME`. */
  readonly set?: string;
  /** The bridge or bond that it is a port of. */
  readonly master?: string;
  /** What follows `type KIND_slave` in `ip link set`: of a port of `master`. */
  readonly port?: string;
  /** Of a device whose `driver` is a {@link LinkKind}: the one it stands on, and what follows `type KIND` in `ip link add`. */
  readonly link?: string;
  readonly args?: string;
}

export interface DriverContext {
  readonly net: Net;
  readonly log: Log;
  /** Folder of the config file: relative paths start there. */
  readonly baseDir: string;
}

/** A kind of virtual device that `ip link add … type KIND` makes (rtnl_link_ops). */
export interface LinkKind {
  readonly kind: string;
  /** Makes the device from the words behind `type KIND`; throws CommandError. */
  create(net: Net, name: string, link: NetDevice | null, words: Words, init: { mtu?: number; address?: Uint8Array }): NetDevice;
  /** `ip link del DEV`; unregisters the device unless told (rtnl_link_ops dellink). */
  remove?(dev: NetDevice): void;
  /** `ip link set DEV type KIND …`. */
  change?(dev: NetDevice, words: Words): void;
  /** `ip link set SLAVE type KIND_slave …` and the options of a member. */
  changeSlave?(dev: NetDevice, words: Words): void;
  /** `ip link set SLAVE master DEV` and `nomaster`. */
  addSlave?(master: NetDevice, slave: NetDevice): void;
  delSlave?(master: NetDevice, slave: NetDevice): void;
  /** What `ip -d link show` prints behind the kind. */
  details?(dev: NetDevice): string;
  /** The same for `ip -j -d link show`: the members of `linkinfo.info_data`. */
  detailsJson?(dev: NetDevice): object;
  /** What must follow `type KIND` in `ip link add` to make the same device again, and `type KIND_slave` for a port of one. */
  args?(dev: NetDevice): string;
  portArgs?(dev: NetDevice): string;
}

export interface PluginContext {
  /** Name of this instance: the plugin's, or `use` … `as` of the config. */
  readonly id: string;
  readonly net: Net;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  /** Slots as the manifest's `counters` says. */
  readonly counters: Float64Array;
  /** A timer of this plugin; deleted with it. */
  timer(fire: () => void): Timer;
  /** The value of a top-level key that the manifest claims, or undefined. */
  section<T>(name: string): T | undefined;
  /** Called once devices exist, in set-up order: apply the sections here. `check` runs it too. */
  onConfigure(apply: () => void): void;
  /**
   * Called when the running router is saved as a config: writes what makes the plugin's part of it again, in its own sections,
   * or as command lines of `setup`. Sections stand there as they were in the config that the router was made from.
   */
  onSave(write: (config: SavedConfig) => void): void;
  /** Reports something wrong with the config; set-up goes on, the router does not start. */
  configIssue(issue: ConfigIssue): void;
  /** Reports what `work` throws (CommandError) as wrong at `path`. */
  configTry(path: ConfigPath, work: () => void): void;
  /** Where a path of the config stands: `router.yaml:12:7`; `line` counts from 0 in a literal block. */
  position(path: ConfigPath, line?: number): string;

  /**
   * What `file:PATH` or `env:NAME` of the config stands for: a key, a password. Throws CommandError without a word of it. Not for the
   * path, and to be forgotten when it was used.
   */
  secret(reference: string): string;

  inject<T>(token: Token<T>): T;
  /** The service if somebody provides it: named in `optional`. */
  injectOptional<T>(token: Token<T>): T | undefined;
  /** The service whenever it comes: for plugins that need each other. */
  slot<T>(token: Token<T>): Slot<T>;
  provide<T>(token: Token<T>, value: T): void;

  nfHook(ops: NfHookOps): () => void;
  packetType(ptype: PacketType): void;
  rxHandler(dev: NetDevice, handler: RxHandler, data: object): void;
  inetProtocol(protocol: InetProtocol): void;
  driver<C extends object>(driver: Driver<C>): void;
  linkKind(kind: LinkKind): void;
  fibBackend(factory: FibBackendFactory): void;
  on<E extends keyof NetEvents>(event: E, listener: NetEvents[E]): void;
  command(command: Command): void;
  sysctl(def: SysctlDef): void;
  /** A `/proc` file of this router. */
  proc(path: string, read: () => string, write?: (text: string) => void): void;
  /** Registers a drop reason of this plugin. */
  dropReason(name: string, text: string): number;
  /** Reserves an `ext` slot of packets. */
  skbExt(): number;
  /** What the predecessor handed over when the config was loaded anew. */
  readonly previous: unknown;
  /** Runs `undo` when the plugin goes, last registered first. */
  defer(undo: () => void): void;
}

/** Gives a plugin object its types; returns it as it is. */
export function definePlugin<O extends object = object>(plugin: Plugin<O>): Plugin<O> {
  return plugin;
}

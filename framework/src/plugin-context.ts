/** plugin-context.ts — a plugin's hands: all it registers is remembered and undone, last first. */
import type { DependencyContainer } from 'tsyringe';
import type { Clock, Random } from './clock.ts';
import type { Command, CommandRegistry } from './command.ts';
import { devClearRxHandler, devSetRxHandler } from './dev.ts';
import { dropReason } from './drop-reason.ts';
import { CommandError, ConfigError, type ConfigIssue, type ConfigPath } from './errors.ts';
import type { FibBackendFactory } from './fib.ts';
import { type Log, namedLog } from './log.ts';
import type { Net, PacketType } from './net.ts';
import type { NetDevice, RxHandler } from './netdevice.ts';
import type { NfHookOps } from './netfilter.ts';
import type { NetEvents } from './notifier.ts';
import type { Driver, LinkKind, PluginContext, Slot } from './plugin.ts';
import type { PluginInstance } from './plugin-order.ts';
import { Drivers, FibBackends, LinkKinds, type ProcFile, ProcFs } from './registries.ts';
import type { SavedConfig } from './saved-config.ts';
import { type InetProtocol, InetProtocols } from './services/inet-protocol.ts';
import { SKB_EXT_SLOTS } from './skbuff.ts';
import type { SysctlDef } from './sysctl.ts';
import { Timer } from './timer.ts';
import type { Token } from './token.ts';

/** What the router gives each of its plugins' contexts. */
export interface PluginHost {
  readonly net: Net;
  readonly container: DependencyContainer;
  readonly commands: CommandRegistry;
  /** Filled slots and those that wait, by token. */
  readonly slots: Map<symbol, Slot<unknown>>;
  readonly configure: (() => void)[];
  readonly saving: ((config: SavedConfig) => void)[];
  section(name: string): unknown;
  issue(issue: ConfigIssue): void;
  position(path: ConfigPath, line?: number): string;
  previous(id: string): unknown;
  secret(reference: string): string;
}

// Slots are few and never given back: a plugin that is loaded again gets the one it had.
const extSlots = new Map<string, number>();

export class HostedContext implements PluginContext {
  readonly id: string;
  readonly net: Net;
  readonly log: Log;
  readonly clock: Clock;
  readonly random: Random;
  readonly counters: Float64Array;
  private readonly host: PluginHost;
  private readonly instance: PluginInstance;
  private readonly undo: (() => void)[] = [];

  constructor(host: PluginHost, instance: PluginInstance) {
    this.host = host;
    this.instance = instance;
    this.id = instance.id;
    this.net = host.net;
    this.log = namedLog(host.net.log, instance.id);
    this.clock = host.net.softirq.clock;
    this.random = host.net.softirq.random;
    const names = instance.plugin.counters ?? [];
    this.counters = new Float64Array(names.length);
    if (names.length > 0) {
      this.counters = host.net.metrics.group(instance.id, names).values;
      this.defer(() => host.net.metrics.remove(instance.id));
    }
  }

  /** Undoes everything, last first; one that throws does not keep the others from running. */
  dispose(): void {
    for (let undo = this.undo.pop(); undo !== undefined; undo = this.undo.pop()) this.net.softirq.guard(this.id, undo);
  }

  get previous(): unknown {
    return this.host.previous(this.id);
  }

  defer(undo: () => void): void {
    this.undo.push(undo);
  }

  timer(fire: () => void): Timer {
    const timer = new Timer(this.id, fire);
    this.defer(() => this.net.softirq.delTimer(timer));
    return timer;
  }

  section<T>(name: string): T | undefined {
    return this.host.section(name) as T | undefined;
  }

  onConfigure(apply: () => void): void {
    this.host.configure.push(apply);
  }

  onSave(write: (config: SavedConfig) => void): void {
    this.host.saving.push(write);
  }

  configIssue(issue: ConfigIssue): void {
    this.host.issue(issue);
  }

  configTry(path: ConfigPath, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ConfigError) for (const issue of error.issues) this.host.issue({ ...issue, path: [...path, ...issue.path] });
      else if (error instanceof CommandError)
        this.host.issue({ code: error.status === REFUSED ? 'refused' : 'bad-line', path, message: oneLine(error.message) });
      else throw error;
    }
  }

  position(path: ConfigPath, line?: number): string {
    return this.host.position(path, line);
  }

  secret(reference: string): string {
    return this.host.secret(reference);
  }

  inject<T>(token: Token<T>): T {
    if (!this.host.container.isRegistered(token.key, true)) throw new Error(`${this.id} injects ${token.name}, which nobody provides`);
    return this.host.container.resolve<T>(token.key);
  }

  injectOptional<T>(token: Token<T>): T | undefined {
    return this.host.container.isRegistered(token.key, true) ? this.host.container.resolve<T>(token.key) : undefined;
  }

  slot<T>(token: Token<T>): Slot<T> {
    let slot = this.host.slots.get(token.key);
    if (slot === undefined) {
      slot = { value: this.injectOptional(token) ?? null };
      this.host.slots.set(token.key, slot);
    }
    return slot as Slot<T>;
  }

  provide<T>(token: Token<T>, value: T): void {
    this.host.container.register<T>(token.key, { useValue: value });
    const slot = this.host.slots.get(token.key);
    if (slot !== undefined) slot.value = value;
    this.defer(() => {
      const filled = this.host.slots.get(token.key);
      if (filled !== undefined) filled.value = null;
    });
  }

  nfHook(ops: NfHookOps): () => void {
    const undo = this.net.nf.register({ name: this.id, ...ops });
    this.defer(undo);
    return undo;
  }

  packetType(ptype: PacketType): void {
    this.defer(this.net.addPacketType(ptype));
  }

  rxHandler(dev: NetDevice, handler: RxHandler, data: object): void {
    devSetRxHandler(dev, handler, data);
    this.defer(() => {
      if (dev.rxHandler === handler) devClearRxHandler(dev);
    });
  }

  inetProtocol(protocol: InetProtocol): void {
    this.defer(this.inject(InetProtocols).add(protocol));
  }

  driver<C extends object>(driver: Driver<C>): void {
    this.defer(this.inject(Drivers).add(driver.name, driver as unknown as Driver));
  }

  linkKind(kind: LinkKind): void {
    this.defer(this.inject(LinkKinds).add(kind.kind, kind));
  }

  fibBackend(factory: FibBackendFactory): void {
    this.defer(this.inject(FibBackends).add(factory.name, factory));
  }

  on<E extends keyof NetEvents>(event: E, listener: NetEvents[E]): void {
    // eventemitter3's types cannot see that E and its listener belong together.
    const fn = listener as (...args: unknown[]) => void;
    const { notifier } = this.net;
    notifier.on(event, fn as never);
    this.defer(() => notifier.off(event, fn as never));
  }

  command(command: Command): void {
    this.defer(this.host.commands.add(command));
  }

  sysctl(def: SysctlDef): void {
    this.defer(this.net.sysctl.define(def));
  }

  proc(path: string, read: () => string, write?: (text: string) => void): void {
    const file: ProcFile = write === undefined ? { read } : { read, write };
    this.defer(this.inject(ProcFs).add(path.replace(/^\/?proc\//, ''), file));
  }

  dropReason(name: string, text: string): number {
    return dropReason(name, text);
  }

  skbExt(): number {
    const known = extSlots.get(this.instance.plugin.name);
    if (known !== undefined) return known;
    if (extSlots.size === SKB_EXT_SLOTS) throw new Error(`${this.id}: all ${SKB_EXT_SLOTS} packet extension slots are taken`);
    extSlots.set(this.instance.plugin.name, extSlots.size);
    return extSlots.size - 1;
  }
}

/** Status of a line that was understood and refused, as iproute2 ends when the kernel says no. */
const REFUSED = 2;

/** iproute2's refusals as part of a longer line. */
export function oneLine(message: string): string {
  return message.replace(/^(RTNETLINK answers|Error): /, '').replaceAll('\n', '; ');
}

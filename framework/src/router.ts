/**
 * router.ts — composes one router from plugins and a checked config: set-up, devices, sections, start, stop.
 *
 *      plugins ──order──▶ setup ──▶ devices ──▶ sysctl ──▶ sections (onConfigure) ──▶ start
 *
 * A dry router does all of it without opening anything: `packetwalk check`, and the first half of `packetwalk run`,
 * so that nothing is half-started when the config turns out wrong.
 */
import 'reflect-metadata';
import { type DependencyContainer, container as rootContainer } from 'tsyringe';
import { SeededRandom, VirtualClock } from './clock.ts';
import { BufferIo, CommandRegistry, splitWords } from './command.ts';
import { suggestion } from './config/did-you-mean.ts';
import { ConfiguredDevices, LINK_SCHEMA } from './configured-devices.ts';
import { corePlugin } from './core/plugin.ts';
import { unregisterNetdev } from './dev.ts';
import { CommandError, ConfigError, type ConfigIssue, type ConfigPath } from './errors.ts';
import { type Log, namedLog, silentLog } from './log.ts';
import { Net } from './net.ts';
import type { DeviceConfig, Driver, Lifecycle, Slot } from './plugin.ts';
import { HostedContext, oneLine, type PluginHost } from './plugin-context.ts';
import { orderPlugins, type PluginInstance } from './plugin-order.ts';
import { Cables, Drivers, FibBackends, LinkKinds, NamedRegistry, ProcFiles, ProcFs } from './registries.ts';
import { changedSettings, type SavedConfig, savedPlugins } from './saved-config.ts';
import { Commands } from './services/commands.ts';
import { Ebtables } from './services/ebtables.ts';
import { SaveRouter } from './services/save-router.ts';
import { Xtables } from './services/xtables.ts';
import { Softirq } from './softirq.ts';
import type { Token } from './token.ts';
import { Tracer } from './trace.ts';

/** A router's config after the schema has passed it: the framework's own keys, and the plugins' sections. */
export interface RouterConfig {
  readonly devices?: Readonly<Record<string, Omit<DeviceConfig, 'name'>>>;
  readonly sysctl?: Readonly<Record<string, string | number | boolean>>;
  /** Command lines, run last. */
  readonly setup?: readonly string[];
  readonly [section: string]: unknown;
}

/** What a reference stands for; throws CommandError. */
export type SecretReader = (reference: string, baseDir: string) => string;

export interface RouterOptions {
  readonly name: string;
  readonly softirq: Softirq;
  readonly tracer: Tracer;
  readonly log: Log;
  readonly plugins: readonly PluginInstance[];
  readonly config: RouterConfig;
  /** Folder that relative paths of the config start at. */
  readonly baseDir: string;
  /** Check only: open nothing, send nothing. */
  readonly dry?: boolean;
  /** Set the plugins up and stop there: to see what they register. */
  readonly setupOnly?: boolean;
  /** Make the devices and stop there: settings and sections are left as they are. */
  readonly devicesOnly?: boolean;
  /** Cables between the routers of a lab. */
  readonly cables?: Cables;
  /** `file:line:col` of a path of this router's config, or of a line of the literal block there. */
  readonly position?: (path: ConfigPath, line?: number) => string;
  /** Reads secrets that the config names (`file:…`, `env:…`), given its folder; without it there are none. */
  readonly secret?: SecretReader;
  /** What plugins of a router before this one handed over, by instance id. */
  readonly previous?: ReadonlyMap<string, unknown>;
}

interface Running {
  readonly instance: PluginInstance;
  readonly context: HostedContext;
  readonly lifecycle: Lifecycle;
}

export class Router {
  readonly name: string;
  readonly net: Net;
  readonly commands: CommandRegistry = new CommandRegistry();
  private readonly options: RouterOptions;
  private readonly container: DependencyContainer;
  private readonly running: Running[] = [];
  private readonly started: Running[] = [];
  private readonly issues: ConfigIssue[] = [];
  private readonly configure: (() => void)[] = [];
  private readonly saving: ((config: SavedConfig) => void)[] = [];
  private devices: ConfiguredDevices | null = null;

  /** Builds the router: everything but `start`. Throws ConfigError with all that is wrong, and leaves nothing behind. */
  constructor(options: RouterOptions) {
    this.options = options;
    this.name = options.name;
    this.net = new Net(options.name, options.softirq, namedLog(options.log, options.name), options.tracer);
    this.container = rootContainer.createChildContainer();
    try {
      this.build();
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** The service behind a token, for whoever composes the router (CLI, tests); plugins use their context. */
  service<T>(token: Token<T>): T {
    return this.container.resolve<T>(token.key);
  }

  /** Ids of the plugins, in set-up order. */
  plugins(): string[] {
    return this.running.map((r) => r.instance.id);
  }

  /** Starts the plugins. What fails stops those already started and goes on to the caller. */
  async start(): Promise<void> {
    for (const r of this.running) {
      try {
        await r.lifecycle.start?.();
        this.started.push(r);
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  /** Stops the plugins, last first, closes the devices and undoes everything. */
  async stop(): Promise<void> {
    for (let r = this.started.pop(); r !== undefined; r = this.started.pop()) {
      try {
        await r.lifecycle.stop?.();
      } catch (error) {
        this.net.softirq.fault(r.instance.id, error);
      }
    }
    this.dispose();
  }

  /** State that plugins hand to their successors, by instance id. */
  handover(): Map<string, unknown> {
    const state = new Map<string, unknown>();
    for (const r of this.running) if (r.lifecycle.handover !== undefined) state.set(r.instance.id, r.lifecycle.handover());
    return state;
  }

  private build(): void {
    const { options, container } = this;
    const drivers = new NamedRegistry<Driver>('driver');
    const given: [Token<unknown>, unknown][] = [
      [Drivers, drivers],
      [LinkKinds, new NamedRegistry('link kind')],
      [FibBackends, new NamedRegistry('FIB backend')],
      [ProcFs, new ProcFiles()],
      [Xtables, { matches: new NamedRegistry('match'), targets: new NamedRegistry('target') }],
      [Ebtables, { matches: new NamedRegistry('match'), watchers: new NamedRegistry('watcher'), targets: new NamedRegistry('target') }],
      [Commands, this.commands],
      [SaveRouter, { save: () => this.save() }],
      [Cables, options.cables ?? { peer: () => null }],
    ];
    for (const [token, value] of given) container.register(token.key, { useValue: value });
    const instances = [{ id: 'core', plugin: corePlugin, options: {} }, ...options.plugins];
    const { order, problems } = orderPlugins(instances, new Set(given.map(([token]) => token.key)));
    for (const p of problems) this.issues.push({ code: 'plugin-order', path: pluginPath(options.plugins, p.instance), message: p.message });
    this.throwIssues();
    this.setup(order);
    this.throwIssues();
    if (options.setupOnly === true) return;
    this.devices = new ConfiguredDevices(this.net, drivers, this.service(LinkKinds), options, this.issues);
    this.devices.create();
    if (options.devicesOnly === true) {
      this.throwIssues();
      return;
    }
    this.applySysctl();
    for (const apply of this.configure) apply();
    this.runSetup();
    this.throwIssues();
  }

  private setup(order: readonly PluginInstance[]): void {
    const { options, container, commands, issues, configure, net } = this;
    const slots = new Map<symbol, Slot<unknown>>();
    const host: PluginHost = {
      net,
      container,
      commands,
      slots,
      configure,
      saving: this.saving,
      section: (name) => options.config[name],
      issue: (issue) => issues.push(issue),
      position: (path, line) => options.position?.(path, line) ?? '',
      previous: (id) => options.previous?.get(id),
      secret: (reference) => {
        if (options.secret === undefined) throw new CommandError(`${reference}: no secrets are read here`);
        return options.secret(reference, options.baseDir);
      },
    };
    for (const instance of order) {
      const context = new HostedContext(host, instance);
      const running = { instance, context, lifecycle: {} as Lifecycle };
      this.running.push(running);
      try {
        running.lifecycle = instance.plugin.setup(context, instance.options) ?? {};
      } catch (error) {
        if (error instanceof ConfigError) throw error;
        const text = error instanceof Error ? error.message : String(error);
        issues.push({
          code: 'plugin-setup',
          path: pluginPath(options.plugins, instance),
          message: `plugin ${instance.id} failed to set up: ${text}`,
        });
        return;
      }
    }
  }

  private applySysctl(): void {
    const { sysctl } = this.net;
    for (const [name, value] of Object.entries(this.options.config.sysctl ?? {})) {
      if (sysctl.find(name) === undefined) {
        const message = `is no setting of this router${suggestion(name, sysctl.names())}`;
        this.issues.push({ code: 'sysctl', path: ['sysctl', name], message });
        continue;
      }
      try {
        sysctl.set(name, String(typeof value === 'boolean' ? Number(value) : value));
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        this.issues.push({
          code: 'sysctl',
          path: ['sysctl', name],
          message: error.message.replace(/^sysctl: (setting key "[^"]*": )?/, ''),
        });
      }
    }
  }

  /** Runs the lines of `setup:`; one that is refused, or that would take time, is an issue. */
  private runSetup(): void {
    for (const [i, line] of (this.options.config.setup ?? []).entries()) {
      const path: ConfigPath = ['setup', i];
      const io = new BufferIo();
      try {
        const status = this.commands.run(splitWords(line), io);
        if (typeof status !== 'number') {
          this.issues.push({ code: 'setup', path, message: 'is a command that takes time, and cannot be part of the set-up' });
        } else if (status !== 0) {
          this.issues.push({ code: 'setup', path, message: oneLine(io.stderr.trim()) || `ended with status ${status}` });
        }
      } catch (error) {
        if (!(error instanceof CommandError)) throw error;
        this.issues.push({ code: 'setup', path, message: error.message });
      }
    }
  }

  /** The router as it is now, as the config that makes it again. */
  save(): SavedConfig {
    const { config, plugins } = this.options;
    const saved: SavedConfig = { hostname: this.name, ...config, plugins: savedPlugins(plugins), devices: {}, sysctl: {}, setup: [] };
    // A script ends the router that it is run in.
    delete saved.script;
    this.devices?.save(saved);
    for (const write of this.saving) write(saved);
    const fresh = new Router({
      ...this.options,
      softirq: new Softirq(new VirtualClock(), new SeededRandom(1), silentLog),
      config: { ...saved, sysctl: {}, setup: [] },
      dry: true,
      devicesOnly: true,
    });
    saved.sysctl = changedSettings(this.net.sysctl, fresh.net.sysctl);
    fresh.dispose();
    return saved;
  }

  private throwIssues(): void {
    if (this.issues.length > 0) throw new ConfigError(this.issues);
  }

  /** Closes the devices and undoes everything that was registered; for a router that was never started, or is stopped. */
  dispose(): void {
    for (const dev of this.net.devices().reverse()) unregisterNetdev(dev);
    for (let r = this.running.pop(); r !== undefined; r = this.running.pop()) {
      const { lifecycle, instance } = r;
      this.net.softirq.guard(instance.id, () => lifecycle.dispose?.());
      r.context.dispose();
    }
    this.container.clearInstances();
    this.container.reset();
  }
}

function pluginPath(plugins: readonly PluginInstance[], instance: PluginInstance): ConfigPath {
  const i = plugins.indexOf(instance);
  return i < 0 ? ['plugins'] : ['plugins', i];
}

/**
 * What `driver:` may name, for the schema of `devices:`: the drivers that plugins register, and the kinds of links. Null
 * when the plugins cannot be set up: why is told when the router is built.
 */
export function registeredDrivers(
  plugins: readonly PluginInstance[],
  config: RouterConfig,
): ReadonlyMap<string, Pick<Driver, 'schema'>> | null {
  const softirq = new Softirq(new VirtualClock(), new SeededRandom(1), silentLog);
  const options = {
    name: 'probe',
    softirq,
    tracer: new Tracer(),
    log: silentLog,
    plugins,
    config,
    baseDir: '',
    dry: true,
    setupOnly: true,
  };
  try {
    const router = new Router(options);
    const found = new Map<string, Pick<Driver, 'schema'>>(
      router
        .service(Drivers)
        .values()
        .map((d) => [d.name, d]),
    );
    for (const kind of router.service(LinkKinds).names()) found.set(kind, { schema: LINK_SCHEMA });
    router.dispose();
    return found;
  } catch {
    return null;
  }
}

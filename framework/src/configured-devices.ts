/** configured-devices.ts — from `devices:` of a config to the devices of a router. */
import { quoteWord, splitWords } from './command.ts';
import { Words } from './command-words.ts';
import { linkSet } from './core/link.ts';
import { linkChange, linkEnslave } from './core/link-slave.ts';
import { devOpen, registerNetdev } from './dev.ts';
import { CommandError, ConfigError, type ConfigIssue, type ConfigPath } from './errors.ts';
import { namedLog } from './log.ts';
import type { Net } from './net.ts';
import { DEFAULT_TX_QUEUE_LEN, IFF_ALLMULTI, IFF_NOARP, IFF_PROMISC, isUp, type NetDevice, type NetDeviceOps } from './netdevice.ts';
import type { DeviceConfig, Driver, LinkKind, SchemaObject } from './plugin.ts';
import { oneLine } from './plugin-context.ts';
import type { NamedRegistry } from './registries.ts';
import type { SavedConfig } from './saved-config.ts';
import { consumeSkb } from './skbuff.ts';
import { ARPHRD_ETHER } from './wire/arp.ts';
import { ETH_DATA_LEN, formatMac, parseMac } from './wire/ethernet.ts';

type DeviceEntry = Omit<DeviceConfig, 'name'>;

/** What of a router's options its devices depend on. */
interface DeviceOptions {
  readonly config: { readonly devices?: Readonly<Record<string, DeviceEntry>> };
  readonly baseDir: string;
  readonly dry?: boolean;
  readonly position?: (path: ConfigPath) => string;
}

/** Keys of a device that `ip link add` makes: of a bridge, a VLAN, a tunnel. */
export const LINK_SCHEMA: SchemaObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    link: { description: 'The device it stands on.', type: 'string', format: 'interface-name' },
    args: { description: 'What follows `type KIND` in `ip link add`: id 10.', type: 'string' },
  },
};

/** Takes the place of a driver's operations while checking. */
const DRY_OPS: NetDeviceOps = {
  startXmit(skb) {
    consumeSkb(skb);
    return 0;
  },
};

export class ConfiguredDevices {
  private readonly net: Net;
  private readonly drivers: NamedRegistry<Driver>;
  private readonly kinds: NamedRegistry<LinkKind>;
  private readonly options: DeviceOptions;
  private readonly issues: ConfigIssue[];
  private readonly made = new Map<NetDevice, DeviceEntry>();

  /** @param issues takes what is wrong with `devices:` */
  constructor(net: Net, drivers: NamedRegistry<Driver>, kinds: NamedRegistry<LinkKind>, options: DeviceOptions, issues: ConfigIssue[]) {
    this.net = net;
    this.drivers = drivers;
    this.kinds = kinds;
    this.options = options;
    this.issues = issues;
  }

  /** Makes the devices: those of drivers, those that stand on others, ports of others; then opens them, in the config's order. */
  create(): void {
    const entries = Object.entries(this.options.config.devices ?? {});
    const { kinds } = this;
    const made = new Map<string, NetDevice>();
    const make = (name: string, entry: DeviceEntry, create: () => NetDevice | null): void => {
      this.deviceTry(['devices', name], () => {
        const dev = create();
        if (dev === null) return;
        made.set(name, dev);
        this.made.set(dev, entry);
      });
    };
    for (const [name, entry] of entries) {
      if (kinds.get(entry.driver) === undefined) make(name, entry, () => this.createDevice(name, entry));
    }
    for (const [name, entry] of entries) {
      const kind = kinds.get(entry.driver);
      if (kind !== undefined) make(name, entry, () => this.createLink(kind, name, entry));
    }
    for (const [name, entry] of entries) {
      const dev = made.get(name);
      const { master, port } = entry;
      if (dev === undefined || master === undefined) continue;
      this.deviceTry(['devices', name, 'master'], () => linkEnslave(dev, this.net.needDevice(master), kinds));
      if (port !== undefined) {
        this.deviceTry(['devices', name, 'port'], () =>
          linkChange(`${this.net.needDevice(master).kind}_slave`, splitWords(port), kinds)(dev),
        );
      }
    }
    for (const [name, { set }] of entries) {
      if (set === undefined || !made.has(name)) continue;
      this.deviceTry(['devices', name, 'set'], () => linkSet(new Words(['dev', name, ...splitWords(set)]), this.net, kinds));
    }
    for (const [name, entry] of entries) {
      const dev = made.get(name);
      if (dev !== undefined && entry.up !== false) this.open(dev, ['devices', name]);
    }
  }

  /** Takes what `work` refuses as wrong at `path`. */
  private deviceTry(path: ConfigPath, work: () => void): void {
    try {
      work();
    } catch (error) {
      if (error instanceof ConfigError) for (const i of error.issues) this.issues.push({ ...i, path: [...path, ...i.path] });
      else if (error instanceof CommandError) this.issues.push({ code: 'device', path, message: oneLine(error.message) });
      else throw error;
    }
  }

  private createDevice(name: string, entry: DeviceEntry): NetDevice | null {
    const { drivers, kinds } = this;
    const { baseDir, dry } = this.options;
    const path: ConfigPath = ['devices', name];
    const driver = drivers.get(entry.driver);
    if (driver === undefined) {
      const known = [...drivers.names(), ...kinds.names()].join(', ') || 'none: no plugin of this router has one';
      this.issues.push({
        code: 'unknown-driver',
        path: [...path, 'driver'],
        message: `no driver "${entry.driver}" (known here: ${known})`,
      });
      return null;
    }
    const made = driver.create({ ...entry, name }, { net: this.net, log: namedLog(this.net.log, name), baseDir });
    const address = entry.mac === undefined ? made.init?.address : (parseMac(entry.mac) as Uint8Array);
    const dev = registerNetdev(this.net, dry === true ? DRY_OPS : made.ops, {
      ...made.init,
      name,
      kind: entry.driver,
      address: address ?? this.localAddress(),
      ...(entry.mtu === undefined ? {} : { mtu: entry.mtu }),
    });
    dev.origin = this.options.position?.(path) ?? '';
    if (dev.mtu < dev.minMtu || (dev.maxMtu !== 0 && dev.mtu > dev.maxMtu)) {
      const message = `must be between ${dev.minMtu} and ${dev.maxMtu} for driver ${entry.driver}`;
      this.issues.push({ code: 'bad-value', path: [...path, 'mtu'], message });
    }
    return dev;
  }

  /** A device that `ip link add [link LINK] NAME type KIND ARGS` would make. */
  private createLink(kind: LinkKind, name: string, entry: DeviceEntry): NetDevice {
    const link = entry.link === undefined ? null : this.net.needDevice(entry.link);
    const dev = kind.create(this.net, name, link, new Words(splitWords(entry.args ?? '')), {
      ...(entry.mtu === undefined ? {} : { mtu: entry.mtu }),
      ...(entry.mac === undefined ? {} : { address: parseMac(entry.mac) as Uint8Array }),
    });
    dev.origin = this.options.position?.(['devices', name]) ?? '';
    return dev;
  }

  private open(dev: NetDevice, path: ConfigPath): void {
    try {
      devOpen(dev);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.issues.push({ code: 'device-open', path, message });
    }
  }

  /** A random locally administered unicast address, for devices whose config and driver have none. */
  private localAddress(): Uint8Array {
    const { random } = this.net.softirq;
    return Uint8Array.from([2, ...Array.from({ length: 5 }, () => random.below(256))]);
  }

  /** Writes the devices as they are now. */
  save(saved: SavedConfig): void {
    for (const dev of this.net.devices()) {
      const { name } = dev;
      const entry = this.made.get(dev);
      const kind = this.kinds.get(dev.kind);
      if (entry === undefined && kind === undefined) continue;
      const own = kind === undefined ? this.ownKeys(entry as DeviceEntry) : linkKeys(dev, kind);
      saved.devices[name] = {
        driver: dev.kind,
        ...own,
        ...(dev.type === ARPHRD_ETHER ? { mac: formatMac(dev.address) } : {}),
        ...(dev.mtu === ETH_DATA_LEN && entry?.mtu === undefined ? {} : { mtu: dev.mtu }),
        ...(isUp(dev) ? {} : { up: false }),
        ...this.portKeys(dev),
        ...setKey(dev),
      };
    }
  }

  /** Keys of the driver itself, as the config has them. */
  private ownKeys(entry: DeviceEntry): object {
    const schema = this.drivers.get(entry.driver)?.schema ?? {};
    const properties = (schema.properties ?? {}) as Record<string, { default?: unknown } | undefined>;
    return Object.fromEntries(Object.entries(entry).filter(([key, value]) => key in properties && properties[key]?.default !== value));
  }

  private portKeys(dev: NetDevice): object {
    const { master } = dev;
    if (master === null) return {};
    const port = this.kinds.get(master.kind)?.portArgs?.(dev) ?? '';
    return { master: master.name, ...(port === '' ? {} : { port }) };
  }
}

function linkKeys(dev: NetDevice, kind: LinkKind): object {
  const args = kind.args?.(dev) ?? '';
  return { ...(dev.link === null ? {} : { link: dev.link.name }), ...(args === '' ? {} : { args }) };
}

/** What only `ip link set` can say. */
function setKey(dev: NetDevice): { set?: string } {
  const set: string[] = [];
  if (dev.txqueuelen !== DEFAULT_TX_QUEUE_LEN) set.push(`txqueuelen ${dev.txqueuelen}`);
  if (dev.alias !== '') set.push(`alias ${quoteWord(dev.alias)}`);
  if (dev.group !== 0) set.push(`group ${dev.group}`);
  if (dev.type === ARPHRD_ETHER && (dev.flags & IFF_NOARP) !== 0) set.push('arp off');
  if ((dev.flags & IFF_PROMISC) !== 0) set.push('promisc on');
  if ((dev.flags & IFF_ALLMULTI) !== 0) set.push('allmulticast on');
  return set.length === 0 ? {} : { set: set.join(' ') };
}

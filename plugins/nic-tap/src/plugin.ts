/** plugin.ts — driver nic-tap: devices whose cable ends at a TAP or TUN interface of the Linux host. */
import {
  ARPHRD_NONE,
  ConfigError,
  definePlugin,
  ETH_HLEN,
  IFF_MULTICAST,
  IFF_NOARP,
  IFF_POINTOPOINT,
  type NetDeviceInit,
  type Plugin,
  type SchemaObject,
} from '@packetwalk/framework';
import { TapDevice } from './tap-device.ts';
import type { TunMode } from './tun-file.ts';

interface TapConfig {
  readonly interface?: string;
  readonly mode?: TunMode;
  readonly persist?: boolean;
  readonly owner?: number;
}

const schema: SchemaObject = {
  type: 'object',
  properties: {
    interface: {
      description: 'Name of the host’s interface, made when there is none; the device’s own name unless told.',
      type: 'string',
      format: 'interface-name',
    },
    mode: { description: 'tap (unless told): Ethernet frames. tun: IP packets, no MAC addresses, no ARP.', enum: ['tap', 'tun'] },
    persist: { description: 'True: the host’s interface stays when the router ends.', type: 'boolean' },
    owner: { description: 'User id that may open the host’s interface without privileges.', type: 'integer', minimum: 0 },
  },
  dependencies: { owner: ['persist'] },
};

/** Longest packet the kernel takes from /dev/net/tun, link-layer header included. */
const TUN_MAX = 65535;

const TAP: Omit<NetDeviceInit, 'name' | 'kind'> = { maxMtu: TUN_MAX - ETH_HLEN };
const TUN: Omit<NetDeviceInit, 'name' | 'kind'> = {
  type: ARPHRD_NONE,
  hardHeaderLen: 0,
  flags: IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST,
  maxMtu: TUN_MAX,
};

const plugin: Plugin = definePlugin({
  name: 'nic-tap',
  setup(ctx) {
    ctx.driver<TapConfig>({
      name: 'nic-tap',
      schema,
      create({ name, mac, mtu, interface: host = name, mode = 'tap', persist = false, owner = null }, { log }) {
        if (mode === 'tun' && mac !== undefined) {
          throw new ConfigError([{ code: 'bad-value', path: ['mac'], message: 'must be left out: a TUN device has no MAC address' }]);
        }
        const ops = new TapDevice({ interface: host, mode, persist, owner, ownMtu: mtu !== undefined }, log);
        return { ops, init: mode === 'tap' ? TAP : TUN };
      },
    });
  },
});
export default plugin;

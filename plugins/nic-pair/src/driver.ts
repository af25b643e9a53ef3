/** driver.ts — `driver: nic-pair`: an end of a cable that the lab's `links:` or the device's `peer:` says. */
import { type Cables, ConfigError, type Driver, type NetDevice } from '@packetwalk/framework';
import { CableEnd } from './cable.ts';

interface PairConfig {
  /** Device of the same router at the other end. */
  readonly peer?: string;
}

export function pairDriver(cables: Cables): Driver<PairConfig> {
  return {
    name: 'nic-pair',
    schema: {
      type: 'object',
      properties: {
        peer: { type: 'string', description: 'Device of the same router at the other end; in a lab, `links:` says it' },
      },
    },
    create({ name, peer }) {
      if (peer === name) throw new ConfigError([{ code: 'bad-value', path: ['peer'], message: 'must be another device' }]);
      const inside = (dev: NetDevice): NetDevice | null => {
        const other = dev.net.device(peer as string);
        return other === undefined || !(other.ops instanceof CableEnd) ? null : other;
      };
      return { ops: new CableEnd(peer === undefined ? (dev) => cables.peer(dev) : inside) };
    },
  };
}

/** veth.ts — `ip link add NAME type veth peer name PEER`: both ends of a cable in one router. */
import {
  CommandError,
  duparg2,
  type LinkKind,
  matches,
  type Net,
  type NetDevice,
  registerNetdev,
  unregisterNetdev,
} from '@packetwalk/framework';
import { CableEnd } from './cable.ts';

/** Both ends of a pair go together. */
class VethEnd extends CableEnd {
  uninit(dev: NetDevice): void {
    const peer = this.peer(dev);
    if (peer?.registered === true) unregisterNetdev(peer);
  }
}

function make(net: Net, name: string, other: { dev: NetDevice | null }, init: { mtu?: number; address?: Uint8Array }): NetDevice {
  const address = init.address ?? Uint8Array.from([2, ...Array.from({ length: 5 }, () => net.softirq.random.below(256))]);
  return registerNetdev(net, new VethEnd(() => other.dev), { ...init, name, kind: 'veth', address, carrier: false });
}

export function vethKind(): LinkKind {
  return {
    kind: 'veth',
    create(net, name, _link, words, init) {
      let peerName = '';
      while (!words.done) {
        const word = words.next();
        if (word !== 'peer') duparg2('type', word);
        while (!words.done) {
          const key = words.next();
          if (matches(key, 'name')) peerName = words.next();
          else peerName = key;
        }
      }
      for (let n = 0; peerName === ''; n++) if (net.device(`veth${n}`) === undefined && name !== `veth${n}`) peerName = `veth${n}`;
      if (peerName === name || net.device(peerName) !== undefined) throw new CommandError('RTNETLINK answers: File exists', 2);
      const near: { dev: NetDevice | null } = { dev: null };
      const far: { dev: NetDevice | null } = { dev: null };
      // The kernel makes the peer first: it has the lower index.
      far.dev = make(net, peerName, near, {});
      near.dev = make(net, name, far, init);
      near.dev.link = far.dev;
      far.dev.link = near.dev;
      return near.dev;
    },
  };
}

/** core/link-slave.ts — devices and their masters: bridges and bonds (ip-link(8) `master`, `type`; cf. Linux do_set_master). */
import { incompleteCommand, Words } from '../command-words.ts';
import { CommandError } from '../errors.ts';
import type { NetDevice } from '../netdevice.ts';
import type { LinkKind } from '../plugin.ts';
import type { NamedRegistry } from '../registries.ts';

/** `ip link set DEV master MASTER`. */
export function linkEnslave(dev: NetDevice, master: NetDevice, kinds: NamedRegistry<LinkKind>): void {
  if (dev.master === master) return;
  const kind = kinds.get(master.kind);
  if (kind?.addSlave === undefined) throw new CommandError('RTNETLINK answers: Operation not supported', 2);
  linkRelease(dev, kinds);
  kind.addSlave(master, dev);
}

/** `ip link set DEV nomaster`. */
export function linkRelease(dev: NetDevice, kinds: NamedRegistry<LinkKind>): void {
  if (dev.master !== null) kinds.get(dev.master.kind)?.delSlave?.(dev.master, dev);
}

/** `ip link set DEV type KIND ARGS`, or `type KIND_slave ARGS`: what it will do to the device. */
export function linkChange(name: string, args: readonly string[], kinds: NamedRegistry<LinkKind>): (dev: NetDevice) => void {
  const slave = name.endsWith('_slave');
  const kind = kinds.get(slave ? name.slice(0, -6) : name);
  if (args.length === 0) incompleteCommand();
  if (kind === undefined) throw new CommandError(`Garbage instead of arguments "${args[0]} ...". Try "ip link help".`);
  return (dev) => {
    const words = new Words(args);
    if (slave && kind.changeSlave !== undefined && dev.master?.kind === kind.kind) kind.changeSlave(dev, words);
    else if (!slave && kind.change !== undefined && dev.kind === kind.kind) kind.change(dev, words);
    else throw new CommandError('RTNETLINK answers: Operation not supported', 2);
  };
}

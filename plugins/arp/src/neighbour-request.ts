/**
 * neighbour-request.ts — what `ip neigh` asks of the kernel, and its refusals (cf. Linux net/core/neighbour.c
 * neigh_add, neigh_delete; RTM_NEWNEIGH, RTM_DELNEIGH).
 */
import {
  CommandError,
  NEIGH_UPDATE_F_ADMIN,
  NEIGH_UPDATE_F_OVERRIDE,
  type NetDevice,
  NUD_FAILED,
  NUD_PERMANENT,
} from '@packetwalk/framework';
import type { Arp } from './arp.ts';
import { NTF_EXT_LEARNED, NTF_MANAGED, NTF_ROUTER } from './neighbour-entry.ts';
import { neighEventSend } from './neighbour-state.ts';
import {
  NEIGH_UPDATE_F_EXT_LEARNED,
  NEIGH_UPDATE_F_ISROUTER,
  NEIGH_UPDATE_F_MANAGED,
  NEIGH_UPDATE_F_OVERRIDE_ISROUTER,
  NEIGH_UPDATE_F_USE,
  NEIGH_UPDATED,
  neighUpdate,
} from './neighbour-update.ts';

/** More flags that a request may have (NTF_*). */
export const NTF_USE = 0x01;
export const NTF_PROXY = 0x08;

/** What to do when there is no such entry, or when there is one (NLM_F_*). */
export interface NeighVerb {
  readonly create: boolean;
  /** Refuse an entry that is there already. */
  readonly exclusive: boolean;
  readonly replace: boolean;
}

export interface NeighRequest {
  /** int32 */
  readonly address: number;
  /** Null: an answer on behalf of another, on every device. */
  readonly dev: NetDevice | null;
  /** Null: none was given. */
  readonly lladdr: Uint8Array | null;
  readonly nudState: number;
  /** NTF_* */
  readonly flags: number;
  /** RTPROT_*, or 0. */
  readonly protocol: number;
}

/** Refusal by an errno's text. */
function answer(text: string): CommandError {
  return new CommandError(`RTNETLINK answers: ${text}`, 2);
}

/** Refusal with a text of its own (extack). */
function refusal(text: string): CommandError {
  return new CommandError(`Error: ${text}.`, 2);
}

export function neighAdd(arp: Arp, request: NeighRequest, verb: NeighVerb): void {
  const { address, dev, lladdr, nudState, flags } = request;
  if (dev !== null && lladdr !== null && lladdr.length < dev.addrLen) throw refusal('Invalid link address');
  const permanent = (nudState & NUD_PERMANENT) !== 0;
  if ((flags & NTF_PROXY) !== 0) {
    if ((flags & NTF_MANAGED) !== 0) throw refusal('Invalid NTF_* flag combination');
    arp.proxies.create(address, dev, flags, request.protocol, permanent);
    return;
  }
  if (dev === null) throw refusal('Device not specified');
  const known = arp.tbl.find(address, dev);
  if (known === null && !verb.create) throw answer('No such file or directory');
  if (known !== null && verb.exclusive) throw answer('File exists');
  if (known === null && permanent && (flags & NTF_MANAGED) !== 0) throw refusal('Invalid NTF_* flag for permanent entry');
  const exempt = permanent || (flags & NTF_EXT_LEARNED) !== 0;
  const neigh = known ?? arp.tbl.create(address, dev, flags & (NTF_EXT_LEARNED | NTF_MANAGED), exempt);
  if (neigh === null) throw answer('No buffer space available');
  if (request.protocol !== 0) neigh.protocol = request.protocol;
  const override = known === null || verb.replace ? NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_OVERRIDE_ISROUTER : 0;
  // An entry made for a request that is refused here stays, in state NONE: nothing is known of it.
  if (neighUpdate(neigh, lladdr, nudState, NEIGH_UPDATE_F_ADMIN | override | updateFlags(flags)) !== NEIGH_UPDATED) {
    throw refusal('No link layer address given');
  }
  if ((flags & (NTF_USE | NTF_MANAGED)) !== 0) neighEventSend(neigh, null);
}

function updateFlags(flags: number): number {
  return (
    ((flags & NTF_ROUTER) !== 0 ? NEIGH_UPDATE_F_ISROUTER : 0) |
    ((flags & NTF_EXT_LEARNED) !== 0 ? NEIGH_UPDATE_F_EXT_LEARNED : 0) |
    ((flags & NTF_USE) !== 0 ? NEIGH_UPDATE_F_USE : 0) |
    ((flags & NTF_MANAGED) !== 0 ? NEIGH_UPDATE_F_MANAGED : 0)
  );
}

/** Deletes an entry, or with `proxy` an answer on behalf of another. */
export function neighDelete(arp: Arp, address: number, dev: NetDevice | null, proxy: boolean): void {
  if (proxy) {
    if (!arp.proxies.delete(address, dev)) throw answer('No such file or directory');
    return;
  }
  if (dev === null) throw refusal('Device not specified');
  const neigh = arp.tbl.find(address, dev);
  if (neigh === null) throw answer('No such file or directory');
  neighUpdate(neigh, null, NUD_FAILED, NEIGH_UPDATE_F_OVERRIDE | NEIGH_UPDATE_F_ADMIN);
  arp.tbl.removeOne(neigh);
}

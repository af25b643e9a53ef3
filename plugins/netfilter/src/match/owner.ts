/**
 * match/owner.ts — `-m owner`: who has made a packet (cf. Linux net/netfilter/xt_owner.c). What this router makes belongs
 * to no process: it has no user, no group and no socket, as what the kernel itself makes.
 */
import {
  defineMatch,
  NF_IP_LOCAL_OUT,
  NF_IP_POST_ROUTING,
  type Rtable,
  type SkBuff,
  type XtGiven,
  type XtMatch,
  XtProblem,
  type XtValue,
  xtNumeral,
} from '@packetwalk/framework';
import { words } from './words.ts';

type Ids = readonly [number, number];

/** A number, a range, or `root`: other names are not known here. */
const ids: XtValue<Ids> = (text, at) => {
  if (text === 'root') return [0, 0];
  const first = xtNumeral(text);
  if (first === null) throw at.bad();
  if (first.rest === '') return [first.value, first.value];
  const last = first.rest.startsWith('-') ? xtNumeral(first.rest.slice(1)) : null;
  if (last === null || last.rest !== '') throw at.bad();
  return [first.value, last.value];
};

interface Owner {
  readonly uid: XtGiven<Ids> | null;
  readonly gid: XtGiven<Ids> | null;
  readonly socket: boolean | null;
  readonly supplGroups: boolean;
}

export const owner: XtMatch = defineMatch({
  name: 'owner',
  pure: true,
  hooks: (1 << NF_IP_LOCAL_OUT) | (1 << NF_IP_POST_ROUTING),
  options: {
    'uid-owner': { value: ids, invert: true },
    'gid-owner': { value: ids, invert: true },
    'socket-exists': { invert: true },
    'suppl-groups': { also: ['gid-owner'] },
  },
  init(o): Owner {
    const uid = o['uid-owner'] ?? null;
    const gid = o['gid-owner'] ?? null;
    const socket = o['socket-exists'];
    if (uid === null && gid === null && socket === undefined) {
      throw new XtProblem('owner: At least one of --uid-owner, --gid-owner or --socket-exists is required');
    }
    return { uid, gid, socket: socket === undefined ? null : !socket.invert, supplGroups: o['suppl-groups'] !== undefined };
  },
  save({ uid, gid, socket, supplGroups }) {
    const option = (name: string, given: XtGiven<Ids> | null): string =>
      given === null ? '' : `${given.invert ? '! ' : ''}--${name} ${range(given.value)}`;
    return words(
      socket === null ? '' : `${socket ? '' : '! '}--socket-exists`,
      option('uid-owner', uid),
      option('gid-owner', gid),
      supplGroups ? '--suppl-groups' : '',
    );
  },
  print({ uid, gid, socket, supplGroups }, numeric) {
    const name = (value: Ids): string => (!numeric && value[0] === 0 && value[1] === 0 ? 'root' : range(value));
    const text = (label: string, given: XtGiven<Ids> | null): string =>
      given === null ? '' : `${given.invert ? '! ' : ''}owner ${label} match ${name(given.value)}`;
    return words(
      socket === null ? '' : `${socket ? '' : '! '}owner socket exists`,
      text('UID', uid),
      text('GID', gid),
      supplGroups ? 'incl. suppl. groups' : '',
    );
  },
  // Packets of the router itself have a socket that nobody owns, as the kernel's ICMP and TCP have.
  match: (skb, _par, { uid, gid, socket }) =>
    (uid === null || uid.invert) && (gid === null || gid.invert) && (socket === null || socket === isMadeHere(skb)),
});

function isMadeHere({ dst }: SkBuff): boolean {
  return dst !== null && !(dst as Rtable).rtIsInput;
}

function range([first, last]: Ids): string {
  return first === last ? String(first) : `${first}-${last}`;
}

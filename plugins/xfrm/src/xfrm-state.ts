/**
 * xfrm-state.ts — a security association: keys, replay window, lifetimes of one direction (RFC 4301 §4.4.2; cf. Linux struct
 * xfrm_state).
 */
import {
  CommandError,
  IP_HLEN,
  IPPROTO_AH,
  IPPROTO_ESP,
  IPPROTO_IPIP,
  type Random,
  Timer,
  type XfrmTransform,
} from '@packetwalk/framework';
import { Ah } from './ah.ts';
import {
  AEAD_ALGORITHMS,
  AUTH_ALGORITHMS,
  aeadIvs,
  algorithmByName,
  authenc,
  COMP_ALGORITHMS,
  ENC_ALGORITHMS,
} from './crypto/algorithms.ts';
import { Esp } from './esp.ts';
import { Ipcomp } from './ipcomp.ts';
import { Ipip } from './ipip.ts';
import { larvalState } from './larval-state.ts';
import { createReplay, type Replay } from './replay.ts';
import { Lifetime, type LifetimeConfig, type Mark, NEVER, NO_LIMITS } from './xfrm-lifetime.ts';
import type { Selector } from './xfrm-selector.ts';
import type { XfrmType } from './xfrm-type.ts';

/** Flags (XFRM_STATE_*). */
export const XFRM_STATE_NOECN = 1;
export const XFRM_STATE_DECAP_DSCP = 2;
export const XFRM_STATE_NOPMTUDISC = 4;
export const XFRM_STATE_WILDRECV = 8;
export const XFRM_STATE_ICMP = 16;
export const XFRM_STATE_AF_UNSPEC = 32;
export const XFRM_STATE_ALIGN4 = 64;
export const XFRM_STATE_ESN = 128;
/** Extra flags (XFRM_SA_XFLAG_*). */
export const XFRM_SA_XFLAG_DONT_ENCAP_DSCP = 1;
export const XFRM_SA_XFLAG_OSEQ_MAY_WRAP = 2;

/** Where in its life a state is (XFRM_STATE_VALID and the others). */
export type KmState = 'acq' | 'valid' | 'error' | 'expired' | 'dead';

/** An algorithm with its key. */
export interface KeyedAlgorithm {
  readonly name: string;
  readonly key: Uint8Array;
  /** ICV length in bits; 0: the algorithm's own. */
  readonly icvBits: number;
  /** Where the key came from, when not from the line itself: `file:…` or `env:…`. */
  readonly reference?: string;
  /** The length was said: `auth-trunc`. */
  readonly truncated?: boolean;
}

export interface Encapsulation {
  readonly type: 'espinudp';
  readonly sport: number;
  readonly dport: number;
  readonly oaddr: number;
}

/** What `ip xfrm state add` says of a state. */
export interface XfrmStateConfig {
  readonly daddr: number;
  readonly saddr: number;
  readonly spi: number;
  readonly proto: number;
  readonly mode: 'transport' | 'tunnel';
  readonly reqid: number;
  readonly seq: number;
  readonly replayWindow: number;
  readonly replaySeq: number;
  readonly replayOseq: number;
  readonly replaySeqHi: number;
  readonly replayOseqHi: number;
  readonly flags: number;
  readonly extraFlags: number;
  readonly sel: Selector;
  readonly limits: LifetimeConfig;
  readonly mark: Mark;
  readonly outputMark: Mark;
  readonly ifId: number;
  readonly tfcpad: number;
  readonly encap: Encapsulation | null;
  readonly aead: KeyedAlgorithm | null;
  readonly auth: KeyedAlgorithm | null;
  readonly enc: KeyedAlgorithm | null;
  readonly comp: string | null;
}

export class XfrmState implements XfrmTransform {
  // What lookups look at comes first: one line of the cache has it.
  declare readonly markMask: number;
  declare readonly markValue: number;
  declare readonly ifId: number;
  /** Its selector takes every packet. */
  declare readonly anything: boolean;
  /** It may be chosen for packets that go out (not `wildrecv`). */
  declare readonly sends: boolean;
  readonly config: XfrmStateConfig;
  declare readonly spi: number;
  declare readonly protocol: number;
  declare readonly reqid: number;
  declare readonly saddr: number;
  declare readonly daddr: number;
  declare readonly mode: 'transport' | 'tunnel';
  declare readonly tunnel: boolean;
  /** Octets that it adds in front: of the protocol, and of the outer IP header. */
  declare readonly headerLen: number;
  /** Null of a larval state, which has no keys yet. */
  declare readonly type: XfrmType | null;
  declare readonly replay: Replay;
  /** ESP and AH have sequence numbers. */
  declare readonly replayProtected: boolean;
  declare kmState: KmState;
  /** Its soft limit has been reached: a better one is preferred. */
  declare dying: boolean;
  limits: LifetimeConfig;
  encap: Encapsulation | null;
  readonly curlft: Lifetime = new Lifetime();
  /** Counters of `ip -s xfrm state`. */
  statReplayWindow = 0;
  statReplay = 0;
  statIntegrityFailed = 0;
  /** Of the state that takes what tunnels of IPComp did not compress: how many of them there are. Such a state is the kernel's own. */
  tunnelUsers = 0;
  /** Milliseconds since 1970 of its last packet. */
  lastUsed: number = NEVER;
  readonly timer: Timer;

  /** @param type null: a larval state */
  constructor(config: XfrmStateConfig, type: XfrmType | null) {
    const { sel } = config;
    this.markMask = config.mark.mask;
    this.markValue = config.mark.value;
    this.ifId = config.ifId;
    const any = (sel.saddrLen | sel.daddrLen | sel.proto | sel.sportMask | sel.dportMask | sel.ifindex) === 0;
    this.anything = !sel.inet || any;
    this.sends = (config.flags & XFRM_STATE_WILDRECV) === 0;
    this.config = config;
    this.spi = config.spi;
    this.protocol = config.proto;
    this.reqid = config.reqid;
    this.saddr = config.saddr;
    this.daddr = config.daddr;
    this.mode = config.mode;
    this.tunnel = config.mode === 'tunnel';
    this.type = type;
    this.headerLen = (type?.headerLen ?? 0) + (this.tunnel ? IP_HLEN : 0);
    this.replay = createReplay(config.replayWindow, (config.flags & XFRM_STATE_ESN) !== 0);
    this.replay.seq = config.replaySeq;
    this.replay.seqHi = config.replaySeqHi;
    this.replay.oseq = config.replayOseq;
    this.replay.oseqHi = config.replayOseqHi;
    this.replayProtected = config.proto === IPPROTO_ESP || config.proto === IPPROTO_AH;
    this.kmState = type === null ? 'acq' : 'valid';
    this.dying = false;
    this.limits = config.limits;
    this.encap = config.encap;
    this.timer = new Timer('xfrm', () => {});
  }

  /** Clears the keys; the state is not used again. */
  destroy(): void {
    this.kmState = 'dead';
    this.type?.destroy();
    for (const algorithm of [this.config.aead, this.config.auth, this.config.enc]) algorithm?.key.fill(0);
  }

  /** Largest packet that comes to at most `mtu` octets when it has been through this state (xfrm_state_mtu). */
  mtu(mtu: number): number {
    if (this.type === null) return mtu;
    // In transport mode the IP header stays in front: it is no part of the payload.
    const outside = this.tunnel ? 0 : IP_HLEN;
    return this.type.payloadFor(mtu - this.headerLen - outside) + outside;
  }
}

/** The state for what a tunnel of IPComp does not compress (ipcomp_tunnel_create). */
export function ipipState({ saddr, daddr, config }: XfrmState): XfrmState {
  const { sel, mode, flags, mark, ifId } = config;
  const known = { saddr, daddr, spi: saddr, proto: IPPROTO_IPIP, mode, reqid: 0, seq: 0, mark };
  return new XfrmState({ ...larvalState(known), limits: NO_LIMITS, sel, flags, ifId }, new Ipip());
}

const einval = (): never => {
  throw new CommandError('RTNETLINK answers: Invalid argument', 2);
};
const noCrypto = (): never => {
  throw new CommandError('Error: Kernel was unable to initialize cryptographic operations.', 2);
};
const enosys = (): never => {
  throw new CommandError('RTNETLINK answers: Function not implemented', 2);
};

/** Finds an algorithm and sees to its key (xfrm_*_get_byname, then the crypto API's setkey). */
function keyed<A extends { name: string; takesKey(octets: number): boolean }>(algorithms: readonly A[], { name, key }: KeyedAlgorithm): A {
  const algorithm = algorithmByName(algorithms, name) ?? enosys();
  if (!algorithm.takesKey(key.length)) einval();
  return algorithm;
}

/** Makes the transform that a config asks for; refuses what the kernel refuses, in its words. */
export function createXfrmType(config: XfrmStateConfig, random: Random): XfrmType {
  const { proto, aead, auth, enc, comp, flags, tfcpad } = config;
  const esn = (flags & XFRM_STATE_ESN) !== 0;
  if (proto === IPPROTO_ESP) {
    if (comp !== null || (aead === null && auth === null && enc === null) || (aead !== null && (auth !== null || enc !== null))) einval();
    if (tfcpad !== 0 && config.mode !== 'tunnel') einval();
    const { encap } = config;
    if (aead !== null) {
      const algorithm = algorithmByName(AEAD_ALGORITHMS, aead.name) ?? enosys();
      if (!algorithm.takesKey(aead.key.length)) noCrypto();
      if (!algorithm.icvBits.includes(aead.icvBits)) einval();
      return new Esp(algorithm.create(aead.key, aead.icvBits >> 3, esn, aeadIvs(random)), encap, tfcpad);
    }
    if (enc === null) return einval();
    const cipher = keyed(ENC_ALGORITHMS, enc).create(enc.key);
    const mac = auth === null ? null : macOf(auth);
    return new Esp(authenc(cipher, mac ?? AUTH_ALGORITHMS[0].create(new Uint8Array(0), 0), esn, random), encap, tfcpad);
  }
  if (proto === IPPROTO_AH) {
    if (auth === null || aead !== null || enc !== null || comp !== null || tfcpad !== 0) return einval();
    if (config.encap !== null) throw new CommandError('Error: AH is not compatible with encapsulation.', 2);
    const algorithm = keyed(AUTH_ALGORITHMS, auth);
    return new Ah(macOf(auth), algorithm.icvFullBits >> 3, esn, (flags & XFRM_STATE_ALIGN4) !== 0);
  }
  if (comp === null || aead !== null || auth !== null || enc !== null || config.encap !== null || tfcpad !== 0) return einval();
  if (!COMP_ALGORITHMS.includes(comp)) return enosys();
  return new Ipcomp();
}

function macOf(auth: KeyedAlgorithm) {
  const algorithm = keyed(AUTH_ALGORITHMS, auth);
  const bits = auth.icvBits === 0 ? algorithm.icvTruncBits : auth.icvBits;
  if (bits > algorithm.icvFullBits) return einval();
  return algorithm.create(auth.key, bits >> 3);
}

/** iproute/state-command.ts — `ip xfrm state` (ip-xfrm(8); cf. iproute2 ip/xfrm_state.c). */
import {
  CommandError,
  type CommandIo,
  duparg,
  getUnsigned,
  IPPROTO_AH,
  IPPROTO_COMP,
  IPPROTO_ESP,
  invarg,
  matches,
  type Net,
  toAddress,
  type Words,
} from '@packetwalk/framework';
import { AEAD_ALGORITHMS, AUTH_ALGORITHMS, algorithmByName, COMP_ALGORITHMS, ENC_ALGORITHMS } from '../crypto/algorithms.ts';
import { larvalState } from '../larval-state.ts';
import { NO_MARK } from '../xfrm-lifetime.ts';
import type { XfrmNet } from '../xfrm-net.ts';
import { ANY_SELECTOR, type Selector } from '../xfrm-selector.ts';
import {
  createXfrmType,
  type KeyedAlgorithm,
  XFRM_STATE_AF_UNSPEC,
  XFRM_STATE_ESN,
  XfrmState,
  type XfrmStateConfig,
} from '../xfrm-state.ts';
import { EXTRA_FLAGS, STATE_FLAGS, stateText } from './xfrm-print.ts';
import {
  anySelector,
  type Draft,
  noLimits,
  PROTOCOL_NAMES,
  takeFlags,
  takeId,
  takeLimit,
  takeMark,
  takeSelector,
  type XfrmId,
  xfrmMode,
  xfrmProtocol,
} from './xfrm-words.ts';

export const STATE_USAGE = `Usage: ip xfrm state { add | update } ID [ ALGO-LIST ] [ mode MODE ]
        [ mark MARK [ mask MASK ] ] [ reqid REQID ] [ seq SEQ ]
        [ replay-window SIZE ] [ replay-seq SEQ ] [ replay-oseq SEQ ]
        [ replay-seq-hi SEQ ] [ replay-oseq-hi SEQ ]
        [ flag FLAG-LIST ] [ sel SELECTOR ] [ LIMIT-LIST ] [ encap ENCAP ]
        [ output-mark OUTPUT-MARK [ mask MASK ] ] [ if_id IF_ID ]
        [ tfcpad LENGTH ] [ extra-flag EXTRA-FLAG-LIST ]
       ip xfrm state allocspi ID [ mode MODE ] [ mark MARK [ mask MASK ] ]
        [ reqid REQID ] [ seq SEQ ] [ min SPI max SPI ]
       ip xfrm state { delete | get } ID [ mark MARK [ mask MASK ] ]
       ip xfrm state deleteall [ ID ] [ mode MODE ] [ reqid REQID ] [ flag FLAG-LIST ]
       ip xfrm state list [ nokeys ] [ ID ] [ mode MODE ] [ reqid REQID ] [ flag FLAG-LIST ]
       ip xfrm state flush [ proto XFRM-PROTO ]
       ip xfrm state count
ID := [ src ADDR ] [ dst ADDR ] [ proto XFRM-PROTO ] [ spi SPI ]
XFRM-PROTO := esp | ah | comp
ALGO-LIST := [ ALGO-LIST ] ALGO
ALGO := { enc | auth } ALGO-NAME ALGO-KEYMAT |
        auth-trunc ALGO-NAME ALGO-KEYMAT ALGO-TRUNC-LEN |
        aead ALGO-NAME ALGO-KEYMAT ALGO-ICV-LEN |
        comp ALGO-NAME
MODE := transport | tunnel
FLAG-LIST := [ FLAG-LIST ] FLAG
FLAG := noecn | decap-dscp | nopmtudisc | wildrecv | icmp | af-unspec | align4 | esn
EXTRA-FLAG-LIST := [ EXTRA-FLAG-LIST ] EXTRA-FLAG
EXTRA-FLAG := dont-encap-dscp | oseq-may-wrap
SELECTOR := [ src ADDR[/PLEN] ] [ dst ADDR[/PLEN] ] [ dev DEV ] [ UPSPEC ]
UPSPEC := proto { { tcp | udp | sctp | dccp } [ sport PORT ] [ dport PORT ] |
                  icmp [ type NUMBER ] [ code NUMBER ] | gre [ key NUMBER ] | PROTO }
LIMIT-LIST := [ LIMIT-LIST ] limit LIMIT
LIMIT := { time-soft | time-hard | time-use-soft | time-use-hard } SECONDS |
         { byte-soft | byte-hard } SIZE | { packet-soft | packet-hard } COUNT
ENCAP := espinudp SPORT DPORT OADDR
`;

/** Most packets of a replay window (XFRMA_REPLAY_ESN_MAX). */
const REPLAY_WINDOW_MAX = 4096;

/** Reads key material that does not stand in the line itself: `file:…` or `env:…` of a config. */
export type KeyReader = (reference: string) => Uint8Array;

/** ALGO-KEYMAT: hexadecimal with 0x in front, else the characters themselves. */
export function keyMaterial(word: string): Uint8Array {
  if (!/^0x/i.test(word)) return Uint8Array.from(word, (c) => c.charCodeAt(0) & 255);
  const digits = word.slice(2);
  // ip shows the word; a key is not for logs.
  if (!/^[0-9a-f]*$/i.test(digits)) invarg('its value is invalid', 'ALGO-KEYMAT');
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Uint8Array.from({ length: even.length / 2 }, (_, i) => Number.parseInt(even.slice(2 * i, 2 * i + 2), 16));
}

/** Reads what follows `ip xfrm state add`. */
export function parseState(words: Words, net: Net, secret: KeyReader | null = null): XfrmStateConfig {
  const id: XfrmId = { saddr: 0, daddr: 0, proto: 0, spi: 0 };
  const limits = noLimits();
  let sel: Draft<Selector> | null = null;
  let identified = false;
  const config: Draft<Omit<XfrmStateConfig, 'sel' | 'limits' | 'saddr' | 'daddr' | 'proto' | 'spi'>> = {
    mode: 'transport',
    reqid: 0,
    seq: 0,
    replayWindow: 0,
    replaySeq: 0,
    replayOseq: 0,
    replaySeqHi: 0,
    replayOseqHi: 0,
    flags: 0,
    extraFlags: 0,
    mark: NO_MARK,
    outputMark: NO_MARK,
    ifId: 0,
    tfcpad: 0,
    encap: null,
    aead: null,
    auth: null,
    enc: null,
    comp: null,
  };
  const number = (word: string): number => words.u32(`value after "${word}" is invalid`) | 0;
  while (!words.done) {
    const word = words.next();
    if (word === 'mode') config.mode = xfrmMode(words.next());
    else if (word === 'reqid') config.reqid = words.u32('REQID value is invalid') | 0;
    else if (word === 'seq') config.seq = words.u32('SEQ value is invalid') | 0;
    else if (word === 'replay-window') config.replayWindow = words.u32('value after "replay-window" is invalid');
    else if (word === 'replay-seq') config.replaySeq = number(word);
    else if (word === 'replay-oseq') config.replayOseq = number(word);
    else if (word === 'replay-seq-hi') config.replaySeqHi = number(word);
    else if (word === 'replay-oseq-hi') config.replayOseqHi = number(word);
    else if (word === 'flag') config.flags |= takeFlags(STATE_FLAGS, words);
    else if (word === 'extra-flag') config.extraFlags |= takeFlags(EXTRA_FLAGS, words);
    else if (word === 'mark') config.mark = takeMark(words);
    else if (word === 'output-mark') config.outputMark = takeOutputMark(words);
    else if (word === 'if_id') config.ifId = number(word);
    else if (word === 'tfcpad') config.tfcpad = number(word);
    else if (word === 'limit') takeLimit(limits, words);
    else if (word === 'sel') {
      sel = anySelector();
      const first = words.next();
      if (!takeSelector(sel, first, words, net)) unknown(first);
    } else if (word === 'encap') config.encap = takeEncap(words);
    else if (word === 'aead' || word === 'enc' || word === 'auth' || word === 'auth-trunc' || word === 'comp')
      takeAlgorithm(config, word, words, secret);
    else if (word === 'coa' || word === 'ctx' || word === 'offload') throw new CommandError(`"${word}" is not built into this router`, 2);
    else {
      if (identified) unknown(word);
      identified = true;
      takeId(id, word, words);
    }
  }
  if ((config.flags & XFRM_STATE_ESN) !== 0 && config.replayWindow === 0) {
    throw new CommandError('Error: esn flag set without replay-window.', 255);
  }
  if (config.replayWindow > REPLAY_WINDOW_MAX) {
    throw new CommandError(`Error: replay-window (${config.replayWindow}) > XFRMA_REPLAY_ESN_MAX (${REPLAY_WINDOW_MAX}).`, 255);
  }
  if (!identified) throw new CommandError('Not enough information: ID is required', 1);
  checkProtocol(id.proto, config);
  const inet = sel !== null || (config.flags & XFRM_STATE_AF_UNSPEC) === 0;
  return { ...id, ...config, limits, sel: { ...(sel ?? ANY_SELECTOR), inet } };
}

/** Refuses a word that belongs to nothing. */
export function unknown(word: string): never {
  return invarg('unknown', word);
}

/** OUTPUT-MARK [ mask MASK ] */
function takeOutputMark(words: Words): XfrmStateConfig['outputMark'] {
  const value = words.u32('value after "output-mark" is invalid');
  const mask = words.take('mask') ? words.u32('mask value is invalid') : 0xffffffff;
  return { value: value | 0, mask: mask | 0 };
}

function takeEncap(words: Words): XfrmStateConfig['encap'] {
  const type = words.next();
  if (type !== 'espinudp') {
    if (type === 'espinudp-nonike' || type === 'espintcp') throw new CommandError(`encap ${type} is not built into this router`, 2);
    invarg('ENCAP-TYPE value is invalid', type);
  }
  const sport = words.u32('SPORT value after "encap" is invalid', 0xffff);
  const dport = words.u32('DPORT value after "encap" is invalid', 0xffff);
  return { type: 'espinudp', sport, dport, oaddr: toAddress(words.next(), 'unspec').address };
}

type Algorithms = { aead: KeyedAlgorithm | null; auth: KeyedAlgorithm | null; enc: KeyedAlgorithm | null; comp: string | null };

function takeAlgorithm(config: Algorithms, kind: string, words: Words, secret: KeyReader | null): void {
  const slot = kind === 'auth-trunc' ? 'auth' : (kind as keyof Algorithms);
  if (config[slot] !== null || (slot === 'aead' && (config.enc ?? config.auth) !== null)) duparg('ALGO-TYPE', kind);
  const name = words.need('ALGO-NAME');
  if (kind === 'comp') {
    config.comp = name;
    return;
  }
  const word = words.need('ALGO-KEYMAT');
  const referred = secret !== null && /^(file|env):/.test(word);
  const keymat = referred ? { key: secret(word), reference: word } : { key: keyMaterial(word) };
  let icvBits = 0;
  if (kind === 'aead' || kind === 'auth-trunc') {
    const what = kind === 'aead' ? 'ALGO-ICV-LEN' : 'ALGO-TRUNC-LEN';
    const length = words.need(what);
    icvBits = getUnsigned(length) ?? invarg(`${what} value is invalid`, length);
  }
  if (kind === 'enc') config.enc = { name: algorithmByName(ENC_ALGORITHMS, name)?.name ?? name, ...keymat, icvBits };
  else if (kind === 'aead') config.aead = { name, ...keymat, icvBits };
  else config.auth = { name: algorithmByName(AUTH_ALGORITHMS, name)?.name ?? name, ...keymat, icvBits, truncated: kind === 'auth-trunc' };
}

/** What iproute2 and the kernel refuse of a combination, in their words. */
function checkProtocol(proto: number, config: Algorithms & { tfcpad: number; mode: string }): void {
  const { aead, auth, enc, comp } = config;
  const behind = `with XFRM-PROTO value "${PROTOCOL_NAMES.get(proto)}"`;
  const say = (types: string): never => {
    throw new CommandError(`ALGO-TYPE ${types} ${behind}`, 1);
  };
  if (proto === IPPROTO_ESP) {
    if (comp !== null) say('value "comp" is invalid');
    if (enc === null && aead === null) say('value "enc" or "aead" is required');
  } else if (proto === IPPROTO_AH) {
    if (enc !== null || aead !== null || comp !== null) say('values "enc", "aead", and "comp" are invalid');
    if (auth === null) say('value "auth" or "auth-trunc" is required');
  } else {
    if (enc !== null || aead !== null || auth !== null) say('values "enc", "auth", "auth-trunc", and "aead" are invalid');
    if (comp === null) say('value "comp" is required');
  }
  const refuse = (why: string): never => {
    throw new CommandError(`Error: ${why}.`, 2);
  };
  if (config.tfcpad !== 0 && config.mode !== 'tunnel') refuse('TFC padding can only be used in tunnel mode');
  if (aead !== null && !algorithmByName(AEAD_ALGORITHMS, aead.name)?.icvBits.includes(aead.icvBits)) missing('AEAD');
  if (auth !== null) {
    const algorithm = algorithmByName(AUTH_ALGORITHMS, auth.name) ?? missing(auth.truncated === true ? 'AUTH_TRUNC' : 'AUTH');
    if (auth.icvBits > algorithm.icvFullBits) refuse('Invalid length requested for truncated ICV');
  }
  if (enc !== null && algorithmByName(ENC_ALGORITHMS, enc.name) === undefined) missing('CRYPT');
  if (comp !== null && !COMP_ALGORITHMS.includes(comp)) missing('COMP');
}

function missing(kind: string): never {
  throw new CommandError(`Error: Requested ${kind} algorithm not found.`, 2);
}

/** Puts a state in; throws CommandError, with nothing changed (xfrm_state_add, xfrm_state_update). */
export function addState(xfrm: XfrmNet, config: XfrmStateConfig, update: boolean): XfrmState {
  const old = xfrm.sad.lookup(config.mark.value, config.daddr, config.spi, config.proto);
  if (update) {
    if (old === null) throw new CommandError('RTNETLINK answers: No such process', 2);
    if (old.kmState === 'valid') {
      xfrm.sad.setLimits(old, config.limits);
      if (config.encap !== null && old.encap !== null) old.encap = config.encap;
      xfrm.monitors.emit({ kind: 'updsa', state: old });
      return old;
    }
  }
  const state = new XfrmState(config, createXfrmType(config, xfrm.net.softirq.random));
  if (old !== null && old.kmState === 'acq') xfrm.sad.remove(old);
  const awaited = xfrm.sad.larval(state.daddr, state.saddr, state);
  if (awaited !== null) xfrm.sad.remove(awaited);
  xfrm.sad.add(state);
  xfrm.stateAdded(state);
  xfrm.monitors.emit({ kind: 'newsa', state });
  return state;
}

export function removeState(xfrm: XfrmNet, state: XfrmState): void {
  xfrm.monitors.emit({ kind: 'delsa', state });
  xfrm.sad.remove(state);
}

export function stateCommand(xfrm: XfrmNet, words: Words, io: CommandIo): void {
  const { net, sad } = xfrm;
  const stats = io.flags.has('stats');
  const word = words.done ? 'list' : words.next();
  if (word === 'add' || word === 'update') {
    addState(xfrm, parseState(words, net), word === 'update');
  } else if (word === 'allocspi') {
    io.out(stateText(allocSpi(xfrm, words), net, { stats, nokeys: false }));
  } else if (matches(word, 'delete') || matches(word, 'get')) {
    const state = lookupState(xfrm, words);
    if (matches(word, 'delete')) {
      if (state.tunnelUsers !== 0) throw new CommandError('RTNETLINK answers: Operation not permitted', 2);
      removeState(xfrm, state);
    } else io.out(stateText(state, net, { stats, nokeys: false }));
  } else if (matches(word, 'deleteall') || matches(word, 'delall')) {
    deleteAll(xfrm, parseFilter(words).takes);
  } else if (matches(word, 'list') || word === 'show' || word === 'lst') {
    const { takes, nokeys } = parseFilter(words);
    for (const state of sad.list().filter(takes)) io.out(stateText(state, net, { stats, nokeys }));
  } else if (matches(word, 'flush')) {
    const proto = words.take('proto') ? xfrmProtocol(words.next()) : 0;
    if (!words.done) unknown(words.next());
    for (const state of sad.list()) if (state.tunnelUsers === 0 && (proto === 0 || state.protocol === proto)) sad.remove(state);
    xfrm.monitors.emit({ kind: 'flushsa', proto });
  } else if (matches(word, 'count')) {
    io.out(`\t SAD count ${sad.size}${stats ? ` (buckets count ${sad.buckets} Max 1048576)` : ''}\n`);
  } else if (word === 'help') {
    throw new CommandError(STATE_USAGE.trimEnd(), 255);
  } else throw new CommandError(`Command "${word}" is unknown, try "ip xfrm state help".`, 255);
}

/** Those that the kernel does not let go do not keep the others. */
function deleteAll(xfrm: XfrmNet, takes: (state: XfrmState) => boolean): void {
  let refusal: string | null = null;
  for (const state of xfrm.sad.list().filter(takes)) {
    if (state.spi === 0) refusal ??= 'No such process';
    else if (state.tunnelUsers !== 0) refusal ??= 'Operation not permitted';
    else removeState(xfrm, state);
  }
  if (refusal !== null) throw new CommandError(`Failed to send delete-all request\n: ${refusal}`, 1);
}

function lookupState({ sad }: XfrmNet, words: Words): XfrmState {
  const id: XfrmId = { saddr: 0, daddr: 0, proto: 0, spi: 0 };
  let mark = NO_MARK;
  let identified = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'mark') mark = takeMark(words);
    else {
      if (identified) unknown(word);
      identified = true;
      takeId(id, word, words);
    }
  }
  if (!identified) throw new CommandError('RTNETLINK answers: Invalid argument', 2);
  const state = sad.lookup(mark.value & mark.mask, id.daddr, id.spi, id.proto);
  if (state === null) throw new CommandError('RTNETLINK answers: No such process', 2);
  return state;
}

function parseFilter(words: Words): { takes: (state: XfrmState) => boolean; nokeys: boolean } {
  const id: XfrmId = { saddr: 0, daddr: 0, proto: 0, spi: 0 };
  let mode = '';
  let reqid = 0;
  let flags = 0;
  let nokeys = false;
  let identified = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'nokeys') nokeys = true;
    else if (word === 'mode') mode = xfrmMode(words.next());
    else if (word === 'reqid') reqid = words.u32('REQID value is invalid') | 0;
    else if (word === 'flag') flags |= takeFlags(STATE_FLAGS, words);
    else {
      if (identified || !['src', 'dst', 'proto', 'spi'].includes(word)) unknown(word);
      identified = true;
      takeId(id, word, words, true);
    }
  }
  const takes = (s: XfrmState): boolean =>
    (id.saddr === 0 || id.saddr === s.saddr) &&
    (id.daddr === 0 || id.daddr === s.daddr) &&
    (id.proto === 0 || id.proto === s.protocol) &&
    (id.spi === 0 || id.spi === s.spi) &&
    (mode === '' || mode === s.mode) &&
    (reqid === 0 || reqid === s.reqid) &&
    (s.config.flags & flags) === flags;
  return { takes, nokeys };
}

/** A larval state with an SPI that nobody has: a key daemon will fill it in (xfrm_alloc_userspi). */
function allocSpi(xfrm: XfrmNet, words: Words): XfrmState {
  const id: XfrmId = { saddr: 0, daddr: 0, proto: 0, spi: 0 };
  let mode: 'transport' | 'tunnel' = 'transport';
  let reqid = 0;
  let mark = NO_MARK;
  let min: number | null = null;
  let max: number | null = null;
  let identified = false;
  while (!words.done) {
    const word = words.next();
    if (word === 'mode') mode = xfrmMode(words.next());
    else if (word === 'reqid') reqid = words.u32('REQID value is invalid') | 0;
    else if (word === 'seq') words.u32('SEQ value is invalid');
    else if (word === 'mark') mark = takeMark(words);
    else if (word === 'min') min = words.u32('value after "min" is invalid');
    else if (word === 'max') max = words.u32('value after "max" is invalid');
    else {
      if (identified) unknown(word);
      identified = true;
      takeId(id, word, words);
    }
  }
  if (!identified) throw new CommandError('Not enough information: ID is required', 1);
  const [low, high] = spiRange(min, max, id.proto);
  const { sad, net } = xfrm;
  const { random } = net.softirq;
  // Who asked before and got none waits still.
  const larval = new XfrmState(larvalState({ ...id, spi: 0, mode, reqid, seq: 0, mark }), null);
  const waiting = sad.larval(id.daddr, id.saddr, larval);
  if (waiting !== null && waiting.spi === 0) sad.remove(waiting);
  for (let tries = 0; tries < Math.min(high - low + 1, 10_000); tries++) {
    const spi = (low + random.below(high - low + 1)) | 0;
    if (sad.lookup(mark.value, id.daddr, spi, id.proto) !== null) continue;
    const state = new XfrmState({ ...larval.config, spi }, null);
    sad.add(state);
    return state;
  }
  sad.addLarval(larval);
  throw new CommandError('RTNETLINK answers: No such file or directory', 2);
}

/** SPIs to choose from: as told, or the kernel's own (xfrm_state_allocspi, verify_spi_info). */
function spiRange(min: number | null, max: number | null, proto: number): [number, number] {
  if (min === null && max === null) return proto === IPPROTO_COMP ? [0x100, 0xffff] : [0x100, 0x0fffffff];
  if (min === null) throw new CommandError('"min" is missing', 1);
  if (max === null) throw new CommandError('"max" is missing', 1);
  if (min > max) throw new CommandError('value after "min" is larger than value after "max"', 1);
  if (proto === IPPROTO_COMP && max > 0xffff) {
    throw new CommandError('value after "max" is too large with XFRM-PROTO value "comp"', 1);
  }
  return [min, max];
}

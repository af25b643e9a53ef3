/**
 * services/ebtables.ts — matches, watchers and targets of ebtables rules: the interface that any plugin may add to, and the
 * ebtables plugin reads (cf. Linux include/linux/netfilter_bridge/ebtables.h, ebtables' include/ebtables_u.h).
 *
 *      --option value ─▶ parse(data, …)   once for each option, in order; no -m: the option alone says whose it is
 *                        finish, check    once the whole rule is known, and where it stands
 *      data ─▶ save                       when rules are listed
 *      frame ─▶ match | watch | target
 *
 * A plugin adds one with `ctx.defer(ctx.inject(Ebtables).matches.add(m.name, m))`.
 */
import type { NfHookState } from '../netfilter.ts';
import type { NamedRegistry } from '../registries.ts';
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Verdicts of a target (include/uapi/linux/netfilter_bridge/ebtables.h). */
export const EBT_ACCEPT = -1;
export const EBT_DROP = -2;
/** On with the next rule. */
export const EBT_CONTINUE = -3;
/** Back to the rule behind the jump; from a built-in chain to its policy. */
export const EBT_RETURN = -4;

/** The text of a rule is wrong; the message has no program's name in front. */
export class EbtProblem extends Error {
  override readonly name = 'EbtProblem';
  /** Exit status of the command; 2 also points at the help. */
  readonly status: number;

  constructor(message: string, status = 2) {
    super(message);
    this.status = status;
  }
}

/** What a rule is evaluated with. Valid during the call only: it is used again for the next frame. */
export interface EbtParam {
  /** Hook and devices. */
  state: NfHookState;
  /** Type field as rules see it: 0x8100 for a frame whose tag was taken off, a length below 0x0600 for 802.3. */
  etherType: number;
}

/** What a rule asks of every frame, as far as its extensions may care. */
export interface EbtRuleHead {
  /** `-p`: 0 for any, -1 for LENGTH. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
}

/** The place of a rule: the table, and a bit (1 << NF_BR_*) for each hook from which it can be reached. */
export interface EbtPlace extends EbtRuleHead {
  readonly table: string;
  readonly hooks: number;
}

/** One option of an extension. `D` is what the extension keeps for a rule. */
export interface EbtOption<D> {
  /** Other names of it. */
  readonly aliases?: readonly string[];
  /** It has no argument. */
  readonly flag?: true;
  /** Reads the argument into `data`; throws EbtProblem. `invert`: with `!` in front of it or of the argument. */
  parse(data: D, text: string, invert: boolean): void;
}

export interface EbtExtension<D> {
  readonly name: string;
  /** By the name without hyphens. */
  readonly options: Readonly<Record<string, EbtOption<D>>>;
  /** An option given twice is refused; unless set, the last one counts. */
  readonly once?: true;
  /** What a rule keeps, before its options are read. */
  create(): D;
  /** All options were read; throws EbtProblem. */
  finish?(data: D, head: EbtRuleHead): void;
  /** May the rule stand there? False: the kernel's "Invalid argument". */
  check?(data: D, place: EbtPlace): boolean;
  /** Options as listings write them; empty for nothing. */
  save(data: D): string;
}

export interface EbtMatch<D = unknown> extends EbtExtension<D> {
  match(skb: SkBuff, par: EbtParam, data: D): boolean;
}

/** Sees the frames that a rule has matched, before the rule's target does. */
export interface EbtWatcher<D = unknown> extends EbtExtension<D> {
  watch(skb: SkBuff, par: EbtParam, data: D): void;
}

export interface EbtTarget<D = unknown> extends EbtExtension<D> {
  /** EBT_ACCEPT, EBT_DROP, EBT_CONTINUE or EBT_RETURN. */
  target(skb: SkBuff, par: EbtParam, data: D): number;
}

/** Gives a match its place among others; returns it as it is. */
export function defineEbtMatch<D>(match: EbtMatch<D>): EbtMatch {
  return match as unknown as EbtMatch;
}

export function defineEbtWatcher<D>(watcher: EbtWatcher<D>): EbtWatcher {
  return watcher as unknown as EbtWatcher;
}

export function defineEbtTarget<D>(target: EbtTarget<D>): EbtTarget {
  return target as unknown as EbtTarget;
}

/** The extensions of a router, by name. Several plugins may add; those of ebtables are in it. */
export interface Ebtables {
  readonly matches: NamedRegistry<EbtMatch>;
  readonly watchers: NamedRegistry<EbtWatcher>;
  readonly targets: NamedRegistry<EbtTarget>;
}

export const Ebtables: Token<Ebtables> = token<Ebtables>('Ebtables');

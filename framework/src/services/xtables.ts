/**
 * services/xtables.ts — matches and targets of iptables rules: the interface that any plugin may add to, and the netfilter
 * plugin reads (cf. Linux include/linux/netfilter/x_tables.h, iptables' include/xtables.h).
 *
 *      -m NAME --option value        -j NAME --option value
 *        │          │ XtValue             │
 *        └ init(options) ─▶ data ◀────────┘      once a rule, when it is read
 *                           data ─▶ save, print  when rules are listed
 *      packet ─▶ match(skb, par, data) ─▶ yes or no;  target(skb, par, data) ─▶ verdict
 *
 * A plugin adds one with `ctx.defer(ctx.inject(Xtables).matches.add(m.name, m))`, m from {@link defineMatch}.
 */
import type { NfHookState } from '../netfilter.ts';
import type { NamedRegistry } from '../registries.ts';
import type { SkBuff } from '../skbuff.ts';
import { type Token, token } from '../token.ts';

/** Verdict of a target after which the next rule is looked at; every other one is an NF_* verdict. */
export const XT_CONTINUE = -1;
/** Verdict: on behind the rule that jumped here, or to the policy. */
export const XT_RETURN = -5;

/** Exit statuses of iptables (xtables_exittype). */
export const XT_OTHER_PROBLEM = 1;
export const XT_PARAMETER_PROBLEM = 2;
export const XT_VERSION_PROBLEM = 3;
export const XT_RESOURCE_PROBLEM = 4;

/** The text of a rule is wrong. The message has no program's name in front and no full stop behind unless iptables has. */
export class XtProblem extends Error {
  override readonly name = 'XtProblem';
  /** Exit status of the command; XT_PARAMETER_PROBLEM also points at the help. */
  readonly status: number;
  /** The match or target that says so, once it is known; empty when the rule itself is wrong. */
  about = '';

  constructor(message: string, status: number = XT_PARAMETER_PROBLEM) {
    super(message);
    this.status = status;
  }
}

/**
 * What a rule is evaluated with (xt_action_param). Valid during the call only: it is used again for the next packet.
 */
export interface XtParam {
  /** Hook, devices, and the drop reason to be set when the target drops. */
  state: NfHookState;
  /** Length of the IP header: the transport header is at `skb.networkHeader + thoff`, if the packet reaches that far. */
  thoff: number;
  /** Fragment offset in units of 8 bytes: 0 for whole packets and first fragments, which alone have a transport header. */
  fragoff: number;
  /** A match sets it for a packet that cannot be judged (a header that lies): dropped at once, whatever the rule says. */
  hotdrop: boolean;
}

/** Where an argument was given, for its messages. */
export interface XtArgument {
  /** Name of the match or target. */
  readonly extension: string;
  /** Name of the option, without hyphens. */
  readonly option: string;
  /** The second word of an option with `words: 2`; undefined when there was none. */
  readonly second: string | undefined;
  /** `tcp: Bad value for "--dport" option: "x"` */
  bad(): XtProblem;
}

/** Reads the argument of an option; throws XtProblem. Ready-made ones are in xtables-values.ts. */
export type XtValue<T> = (text: string, at: XtArgument) => T;

/** One option of a match or target. */
export interface XtOption {
  /** Reads its argument; absent: it has none. */
  readonly value?: XtValue<unknown>;
  /** It takes two words (`--tcp-flags MASK COMP`); the second is `at.second`. */
  readonly words?: 2;
  /** `! --option` is allowed. */
  readonly invert?: true;
  readonly mandatory?: true;
  /** May be given more than once: `init` sees the values in order. */
  readonly multiple?: true;
  /** Another name for this option, which alone says what it is: `sport` for `source-port`. */
  readonly alias?: string;
  /** Options it cannot stand with, and those it needs. */
  readonly excludes?: readonly string[];
  readonly also?: readonly string[];
  /** What is said when it is given twice, where iptables does not use its usual words. */
  readonly twice?: string;
}

/** Options by name, in the order in which their quarrels are told. */
export type XtOptionTable = Readonly<Record<string, XtOption>>;

/** An option as it was given. */
export interface XtGiven<T> {
  /** What the option's `value` made of the argument; true when it has none. */
  readonly value: T;
  readonly invert: boolean;
  /** Place among the options of the extension, from 0: for those that are about what stands in front of or behind them. */
  readonly order: number;
}

type ValueOf<O extends XtOption> = O extends { value: XtValue<infer T> } ? T : true;
type GivenOf<O extends XtOption> = O extends { multiple: true } ? readonly XtGiven<ValueOf<O>>[] : XtGiven<ValueOf<O>>;
/** Names of the options themselves, without other names for them. */
type OwnKeys<O extends XtOptionTable> = { [K in keyof O]: O[K] extends { alias: string } ? never : K }[keyof O];
type MandatoryKeys<O extends XtOptionTable> = { [K in keyof O]: O[K] extends { mandatory: true } ? K : never }[keyof O];

/** The options of a match or target by name: mandatory ones are there, others may be. */
export type XtParsed<O extends XtOptionTable> = { readonly [K in MandatoryKeys<O>]: GivenOf<O[K]> } & {
  readonly [K in Exclude<OwnKeys<O>, MandatoryKeys<O>>]?: GivenOf<O[K]>;
};

/** The rule that a match or target is part of, as far as it is known when the extension is made. */
export interface XtRule {
  readonly table: string;
  /** IP protocol (`-p`), 0 for any. */
  readonly protocol: number;
  readonly protocolInverted: boolean;
}

/** The place of a rule, once it is known from where it can be reached. */
export interface XtPlace extends XtRule {
  /** Bit (1 << NF_IP_*) of each hook whose built-in chain leads here. */
  readonly hooks: number;
}

/** Why a rule cannot stand where it is: an errno's text, and for people what is wrong. */
export interface XtRefusal {
  /** `Invalid argument`, `No such file or directory` … */
  readonly errno: string;
  readonly reason: string;
}

/** What matches and targets have in common. `D` is what an extension keeps for a rule. */
export interface XtExtension<D> {
  /** As behind `-m` or `-j`. */
  readonly name: string;
  readonly options: XtOptionTable;
  /** Makes what the rule keeps from its options; throws XtProblem. */
  init(options: XtParsed<XtOptionTable>, rule: XtRule): D;
  /** Options as iptables-save writes them, or empty. */
  save?(data: D): string;
  /** What `iptables -L` says; the name and `save` unless told. Empty: nothing. */
  print?(data: D, numeric: boolean): string;
  /** Tables it may be used in; any unless told. */
  readonly tables?: readonly string[];
  /** Bits of the hooks it may be reached from; any unless told. */
  readonly hooks?: number;
  /** The protocol that the rule must have. */
  readonly protocol?: number;
  /** Another reason why it cannot stand there, or null; a text alone is an invalid argument. */
  check?(data: D, place: XtPlace): string | XtRefusal | null;
  /** The rule is part of a committed table from now on; called once a rule. */
  attach?(data: D): void;
  /** The rule is gone; called once for each `attach`. */
  destroy?(data: D): void;
}

/** Ports that a packet must have for a match to say yes; `null` bounds nothing. */
export interface XtPortBounds {
  /** Inclusive pairs, ascending: [22, 22, 80, 88]. */
  readonly sport: readonly number[] | null;
  readonly dport: readonly number[] | null;
}

export interface XtMatch<D = unknown> extends XtExtension<D> {
  match(skb: SkBuff, par: XtParam, data: D): boolean;
  /**
   * True when asking it changes nothing and its answer depends on the packet alone: a compiled chain may then pass over
   * rules without asking. A match that counts, learns or draws lots leaves it out.
   */
  readonly pure?: boolean;
  /** What a `pure` match asks of the ports; lets a compiled chain find its rules by port. */
  ports?(data: D): XtPortBounds | null;
}

export interface XtTarget<D = unknown> extends XtExtension<D> {
  /** A verdict: NF_*, XT_CONTINUE or XT_RETURN. With NF_STOLEN the packet is the target's. */
  target(skb: SkBuff, par: XtParam, data: D): number;
  /** It goes on with XT_CONTINUE, and may have changed addresses, protocol or ports. */
  readonly rewrites?: boolean;
}

/** A definition whose `init` sees its own options' types. */
type Defined<O extends XtOptionTable, X> = Omit<X, 'options' | 'init'> & {
  readonly options: O;
};

/** Gives a match the types of its options; returns it as it is. */
export function defineMatch<const O extends XtOptionTable, D>(
  match: Defined<O, XtMatch<D>> & { init(options: XtParsed<O>, rule: XtRule): D },
): XtMatch {
  return match as unknown as XtMatch;
}

/** Gives a target the types of its options; returns it as it is. */
export function defineTarget<const O extends XtOptionTable, D>(
  target: Defined<O, XtTarget<D>> & { init(options: XtParsed<O>, rule: XtRule): D },
): XtTarget {
  return target as unknown as XtTarget;
}

/** The matches and targets of a router, by name. Several plugins may add; netfilter's own are in it. */
export interface Xtables {
  readonly matches: NamedRegistry<XtMatch>;
  readonly targets: NamedRegistry<XtTarget>;
}

export const Xtables: Token<Xtables> = token<Xtables>('Xtables');

/** iptables/rule-line.ts — the rule in a command line: `-s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP`. */
import {
  protocolName,
  type Xtables,
  type XtHostMask,
  type XtMatch,
  XtProblem,
  type XtRule,
  type XtTarget,
  xtParseHostMask,
  xtParseProtocol,
} from '@packetwalk/framework';
import { MAX_CHAIN_NAME } from '../chain.ts';
import { IPT_INV_DSTIP, IPT_INV_FRAG, IPT_INV_PROTO, IPT_INV_SRCIP, IPT_INV_VIA_IN, IPT_INV_VIA_OUT, type IpEntry } from '../ip-entry.ts';
import type { RuleMatch } from '../rule.ts';
import { isVerdict } from '../verdicts.ts';
import { ExtensionOptions } from './extension-options.ts';
import type { Getopt, LongOption } from './getopt.ts';

/** Longest name of a device, in characters. */
const IFNAMSIZ = 15;

/** What `-j` and `-g` say. */
export interface Jump {
  readonly name: string;
  readonly goto: boolean;
  /** The target of that name; undefined for verdicts and chains. */
  readonly target: { readonly target: XtTarget; readonly data: unknown } | undefined;
}

/** A rule as it was written: one for each pair of addresses. */
export interface RuleLine {
  readonly sources: readonly XtHostMask[];
  readonly destinations: readonly XtHostMask[];
  /** The rest of the entry; its addresses are those above. */
  readonly entry: Omit<IpEntry, 'saddr' | 'smask' | 'daddr' | 'dmask'>;
  readonly matches: readonly RuleMatch[];
  readonly jump: Jump | undefined;
}

export class RuleLineReader {
  private readonly xtables: Xtables;
  private source = '';
  private destination = '';
  private iniface = '';
  private outiface = '';
  private protocol: number | null = null;
  private fragment = false;
  private flags = 0;
  private readonly matches: ExtensionOptions<XtMatch>[] = [];
  private target: ExtensionOptions<XtTarget> | undefined;
  private goto = false;
  jumpTo = '';
  /** The match of the protocol has been loaded because an option asked for it. */
  private protocolLoaded = false;
  private longs: LongOption<string>[] = [];

  constructor(xtables: Xtables) {
    this.xtables = xtables;
  }

  /** Options of the matches and the target so far, the one named last first. Their ids are of this reader. */
  longOptions(): readonly LongOption<string>[] {
    return this.longs;
  }

  isTarget(name: string): boolean {
    return isVerdict(name) || this.xtables.targets.get(name) !== undefined;
  }

  match(name: string): void {
    const match = this.xtables.matches.get(name);
    if (match === undefined) throw new XtProblem(`Couldn't load match \`${name}':No such file or directory\n`);
    this.matches.push(this.load(match, `m${this.matches.length}`));
  }

  /** Loads the match of the protocol (`tcp` for `-p tcp`) if the rule has not got it; true when it did. */
  loadProtocolMatch(): boolean {
    if (this.protocol === null || this.protocolLoaded) return false;
    this.protocolLoaded = true;
    const name = protocolName(this.protocol);
    if (name === null || this.xtables.matches.get(name) === undefined) return false;
    if (this.matches.some(({ extension }) => extension.name === name)) return false;
    this.match(name);
    return true;
  }

  /** An option of a match or of the target. */
  option({ id, name }: LongOption<string>, invert: boolean, argument: string | undefined, getopt: Getopt<string>): void {
    const owner = id.startsWith('m') ? this.matches[Number.parseInt(id.slice(1), 10)] : (this.target as ExtensionOptions<XtTarget>);
    const second = owner.option(name).words === 2 ? getopt.takeWord() : undefined;
    owner.add(name, invert, argument, second);
  }

  /** An option that every rule may have, by its letter. */
  builtIn(letter: string, invert: boolean, argument: string, warn: (text: string) => void): void {
    const turn = (flag: number): void => {
      if (invert) this.flags |= flag;
    };
    switch (letter) {
      case 'p':
        turn(IPT_INV_PROTO);
        this.protocol = xtParseProtocol(argument.toLowerCase());
        if (this.protocol === 0 && invert) throw new XtProblem('rule would never match protocol');
        break;
      case 's':
        turn(IPT_INV_SRCIP);
        this.source = argument;
        break;
      case 'd':
        turn(IPT_INV_DSTIP);
        this.destination = argument;
        break;
      case 'i':
        turn(IPT_INV_VIA_IN);
        this.iniface = iface(argument, invert, warn);
        break;
      case 'o':
        turn(IPT_INV_VIA_OUT);
        this.outiface = iface(argument, invert, warn);
        break;
      case 'f':
        turn(IPT_INV_FRAG);
        this.fragment = true;
        break;
      case 'j':
        this.jump(argument);
        break;
      case 'g':
        this.goto = true;
        this.jumpTo = targetName(argument);
        break;
    }
  }

  private jump(name: string): void {
    this.jumpTo = targetName(name);
    const target = this.xtables.targets.get(name);
    if (target !== undefined) this.target = this.load(target, 't');
  }

  private load<X extends XtMatch | XtTarget>(extension: X, id: string): ExtensionOptions<X> {
    const options = new ExtensionOptions(extension);
    const own = Object.keys(extension.options).map((name): LongOption<string> => {
      const argument = options.option(name).value === undefined ? 'none' : 'required';
      return { name, argument, id: `${id} ${name}` };
    });
    this.longs = [...own, ...this.longs];
    return options;
  }

  /** All has been read; throws XtProblem for what is missing or does not go together. */
  finish(table: string): RuleLine {
    const protocol = this.protocol ?? 0;
    const rule: XtRule = { table, protocol, protocolInverted: (this.flags & IPT_INV_PROTO) !== 0 };
    const matches = this.matches.map((m): RuleMatch => ({ match: m.extension, data: m.finish(rule) }));
    const target = this.target === undefined ? undefined : { target: this.target.extension, data: this.target.finish(rule) };
    const sources = addresses(this.source);
    const destinations = addresses(this.destination);
    if ((sources.length > 1 && (this.flags & IPT_INV_SRCIP) !== 0) || (destinations.length > 1 && (this.flags & IPT_INV_DSTIP) !== 0)) {
      throw new XtProblem('! not allowed with multiple source or destination IP addresses');
    }
    const { iniface, outiface, fragment, flags } = this;
    return {
      sources,
      destinations,
      entry: { iniface, outiface, protocol, fragment, invert: flags },
      matches,
      jump: this.jumpTo === '' ? undefined : { name: this.jumpTo, goto: this.goto, target },
    };
  }
}

function addresses(text: string): XtHostMask[] {
  if (text === '') return [{ address: 0, mask: 0 }];
  return text.split(',').map((part) => xtParseHostMask(part.trim()));
}

function iface(name: string, invert: boolean, warn: (text: string) => void): string {
  if (name === '') throw new XtProblem('Empty interface is likely to be undesired');
  if (name.length > IFNAMSIZ) throw new XtProblem(`interface name \`${name}' must be shorter than IFNAMSIZ (${IFNAMSIZ})`);
  if (/[/ ]/.test(name)) warn(`Warning: weird character in interface \`${name}' ('/' and ' ' are not allowed by the kernel).`);
  // Any device: the same as none asked for, but turned round.
  return name === '+' && !invert ? '' : name;
}

function targetName(name: string): string {
  if (name === '') throw new XtProblem('Invalid target name (too short)');
  if (name.length > MAX_CHAIN_NAME) throw new XtProblem(`Invalid target name \`${name}' (${MAX_CHAIN_NAME} chars max)`);
  if (/\s/.test(name)) throw new XtProblem(`Invalid target name \`${name}'`);
  return name;
}

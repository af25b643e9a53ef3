/**
 * iptables/command-line.ts — what an iptables command line, or a line of an iptables-restore text, says (cf. iptables'
 * xshared.c do_parse). Nothing is looked up in a table here.
 */
import { type Xtables, XtProblem, xtNumber } from '@packetwalk/framework';
import { MAX_CHAIN_NAME } from '../chain.ts';
import { type Command, goTogether, illegalOption, LONG_OPTIONS, SHORT_OPTIONS } from './command-letters.ts';
import { Getopt, type LongOption } from './getopt.ts';
import { BadArgument } from './problem.ts';
import { type RuleLine, RuleLineReader } from './rule-line.ts';

/** Commands that come with a rule. */
const RULE_COMMANDS = 'ACDIR';

/** What a command line says. */
export interface CommandLine {
  /** One, or a list with a zero. */
  readonly commands: readonly Command[];
  readonly table: string;
  readonly chain: string | undefined;
  /** New name for -E. */
  readonly newName: string;
  /** Policy for -P. */
  readonly policy: string;
  /** From 1; 0 for none. */
  readonly rulenum: number;
  readonly verbose: number;
  readonly numeric: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
  /** The rule of -A, -C, -D, -I, -R. */
  readonly rule: RuleLine;
  /** Given by -c. */
  readonly packets: number;
  readonly bytes: number;
  /** Said on standard error, and no more. */
  readonly warnings: readonly string[];
}

/** `-h` or `-V` was among the options: there is nothing to do but to tell. */
export class AskedFor extends Error {
  override readonly name = 'AskedFor';
  readonly what: 'help' | 'version';

  constructor(what: 'help' | 'version') {
    super(what);
    this.what = what;
  }
}

/** Options of {@link readCommandLine} besides the words. */
export interface CommandLineContext {
  readonly xtables: Xtables;
  /** The table of an iptables-restore text, where lines may not name one; undefined for a command. */
  readonly restoring?: string;
}

/** Reads a command line; throws XtProblem, or AskedFor. */
export function readCommandLine(argv: readonly string[], context: CommandLineContext): CommandLine {
  return new CommandLineReader(argv, context).read();
}

class CommandLineReader {
  private readonly context: CommandLineContext;
  private readonly getopt: Getopt<string>;
  private readonly rule: RuleLineReader;
  private readonly commands: Command[] = [];
  private readonly options = new Set<string>();
  private readonly warnings: string[] = [];
  private table: string;
  private chain: string | undefined;
  private newName = '';
  private policy = '';
  private rulenum = 0;
  private verbose = 0;
  private packets = 0;
  private bytes = 0;
  /** A `!` is waiting for its option. */
  private invert = false;

  constructor(argv: readonly string[], context: CommandLineContext) {
    this.context = context;
    this.table = context.restoring ?? 'filter';
    this.getopt = new Getopt(argv, SHORT_OPTIONS);
    this.rule = new RuleLineReader(context.xtables);
  }

  read(): CommandLine {
    const { getopt } = this;
    for (;;) {
      const longs: LongOption<string>[] = [...LONG_OPTIONS, ...this.rule.longOptions()];
      const p = getopt.next(longs);
      if (p === null) break;
      if (p.kind === 'word') {
        if (p.word !== '!') throw new BadArgument(`Bad argument \`${p.word}'\n`);
        if (this.invert) throw new XtProblem('multiple consecutive ! not allowed');
        this.invert = true;
        continue;
      }
      if (p.kind === 'unknown' || p.kind === 'missing-argument') {
        // An option may be that of the protocol's match, which is loaded for it.
        if (p.kind === 'unknown' && p.text.startsWith('--') && this.rule.loadProtocolMatch()) {
          getopt.again();
          continue;
        }
        throw new XtProblem(p.kind === 'unknown' ? `unknown option "${p.text}"` : `option "${p.text}" requires an argument`);
      }
      if (p.kind === 'long' && p.option.id.length > 1) this.rule.option(p.option, this.invert, p.argument, getopt);
      else this.option(p.kind === 'short' ? p.letter : p.option.id, p.argument);
      this.invert = false;
    }
    return this.finish();
  }

  private option(letter: string, argument: string | undefined): void {
    const { getopt } = this;
    switch (letter) {
      case 'A':
      case 'C':
        this.command(letter, argument);
        break;
      case 'D':
        this.command(getopt.peekWord() === undefined ? 'D' : 'DN', argument);
        this.rulenum = this.ruleNumber(getopt.takeWord());
        break;
      case 'R':
        this.command(letter, argument);
        if (getopt.peekWord() === undefined) throw new XtProblem('-R requires a rule number');
        this.rulenum = this.ruleNumber(getopt.takeWord());
        break;
      case 'I':
        this.command(letter, argument);
        this.rulenum = this.ruleNumber(getopt.takeWord()) || 1;
        break;
      case 'L':
      case 'S':
      case 'Z': {
        const chain = argument ?? getopt.takeWord();
        const number = chain === undefined ? 0 : this.ruleNumber(getopt.takeWord());
        this.command(letter === 'Z' && number > 0 ? 'ZN' : letter, chain);
        this.rulenum = number;
        break;
      }
      case 'F':
      case 'X':
        this.command(letter, argument ?? getopt.takeWord());
        break;
      case 'N':
        this.command(letter, this.freshName(argument as string));
        break;
      case 'E': {
        this.command(letter, argument);
        const name = getopt.takeWord();
        if (name === undefined) throw new XtProblem('-E requires old-chain-name and new-chain-name');
        this.newName = this.freshName(name);
        break;
      }
      case 'P': {
        this.command(letter, argument);
        const policy = getopt.takeWord();
        if (policy === undefined) throw new XtProblem('-P requires a chain and a policy');
        this.policy = policy;
        break;
      }
      case 'h':
        throw new AskedFor('help');
      case 'V':
        if (this.invert) throw new XtProblem("unexpected '!' flag before --version");
        throw new AskedFor('version');
      default:
        this.plainOption(letter, argument);
    }
  }

  /** Options that are neither commands nor about them. */
  private plainOption(letter: string, argument: string | undefined): void {
    switch (letter) {
      case 'v':
        if (this.verbose === 0) this.set('v');
        this.verbose++;
        break;
      case 'n':
      case 'x':
      case '0':
        this.set(letter);
        break;
      case 'm':
        if (this.invert) throw new XtProblem("unexpected '!' flag before --match");
        this.rule.match(argument as string);
        break;
      case 't':
        if (this.invert) throw new XtProblem("unexpected '!' flag before --table");
        if (this.context.restoring !== undefined) throw new XtProblem('The -t option cannot be used in iptables-restore.\n');
        this.table = argument as string;
        break;
      case 'c':
        this.set('c');
        this.counters(argument as string);
        break;
      case 'w':
        this.wait(argument ?? this.getopt.takeWord());
        break;
      case 'W':
        if (argument === undefined) this.getopt.takeWord();
        this.warnings.push('Ignoring deprecated --wait-interval option.');
        break;
      case 'M':
      case '4':
        break;
      case '6':
        // Said to be for ip6tables by nothing but the hint at the help.
        throw new BadArgument('');
      default:
        this.ruleOption(letter, argument);
    }
  }

  /** Options of the rule itself; those that ask for something may be turned round. */
  private ruleOption(letter: string, argument: string | undefined): void {
    this.set(letter === 'g' ? 'j' : letter);
    this.rule.builtIn(letter, this.invert, argument ?? '', (warning) => this.warnings.push(warning));
  }

  private command(letter: Command, chain: string | undefined): void {
    if (this.invert) throw new XtProblem("unexpected '!' flag");
    const before = this.commands.at(-1);
    if (before !== undefined && !goTogether(before, letter)) throw new XtProblem(`Cannot use -${letter[0]} with -${before[0]}`);
    this.commands.push(letter);
    if (chain !== undefined) this.chain = chain;
  }

  private set(letter: string): void {
    if (this.options.has(letter)) throw new XtProblem(`multiple -${letter} flags not allowed`);
    this.options.add(letter);
    if (this.invert && !'psdiof'.includes(letter)) throw new XtProblem(`cannot have ! before -${letter}`);
  }

  private ruleNumber(text: string | undefined): number {
    if (text === undefined) return 0;
    const number = xtNumber(text, 1, 0x7fffffff);
    if (number === null) throw new XtProblem(`Invalid rule number \`${text}'`);
    return number;
  }

  /** A name that a user's chain may have. */
  private freshName(name: string): string {
    if (name.length > MAX_CHAIN_NAME) throw new XtProblem(`chain name \`${name}' too long (must be under ${MAX_CHAIN_NAME + 1} chars)`);
    if (name.startsWith('-') || name.startsWith('!')) throw new XtProblem(`chain name not allowed to start with \`${name[0]}'`);
    if (name === '' || this.rule.isTarget(name)) throw new XtProblem('chain name may not clash with target name');
    if (/\s/.test(name)) throw new XtProblem(`Invalid chain name \`${name}'`);
    return name;
  }

  private counters(text: string): void {
    const comma = text.indexOf(',');
    const packets = comma < 0 ? text : text.slice(0, comma);
    const bytes = comma < 0 ? this.getopt.takeWord() : text.slice(comma + 1);
    if (bytes === undefined) throw new XtProblem('-c requires packet and byte counter');
    if (!/^\d+$/.test(packets)) throw new XtProblem('-c packet counter not numeric');
    if (!/^\d+$/.test(bytes)) throw new XtProblem('-c byte counter not numeric');
    this.packets = Number(packets);
    this.bytes = Number(bytes);
  }

  /** Commands never wait for each other here, so any number of seconds will do. */
  private wait(seconds: string | undefined): void {
    if (this.context.restoring !== undefined) throw new XtProblem("You cannot use `-w' from iptables-restore");
    if (seconds !== undefined && !/^\d+$/.test(seconds)) throw new XtProblem('wait seconds not numeric');
  }

  private finish(): CommandLine {
    const { commands, options, chain, rule } = this;
    const nat = this.table === 'nat';
    if (nat && (this.policy === 'DROP' || rule.jumpTo === 'DROP')) {
      throw new XtProblem('\nThe "nat" table is not intended for filtering, the use of DROP is therefore inhibited.\n\n');
    }
    const line = rule.finish(this.table);
    if (this.getopt.left > 0) throw new XtProblem('unknown arguments found on commandline');
    if (commands.length === 0) throw new XtProblem('no command specified');
    if (this.invert) throw new XtProblem('nothing appropriate following !');
    const illegal = illegalOption(commands, options);
    if (illegal !== undefined) throw new XtProblem(`Illegal option \`-${illegal}' with this command`);
    if (chain !== undefined && chain.length > MAX_CHAIN_NAME) {
      throw new XtProblem(`chain name \`${chain}' too long (must be under ${MAX_CHAIN_NAME + 1} chars)`);
    }
    if (chain !== undefined && RULE_COMMANDS.includes(commands[0])) {
      if ((chain === 'PREROUTING' || chain === 'INPUT') && options.has('o')) throw new XtProblem(`Can't use -o with ${chain}\n`);
      if ((chain === 'POSTROUTING' || chain === 'OUTPUT') && options.has('i')) throw new XtProblem(`Can't use -i with ${chain}\n`);
    }
    if (commands[0] === 'R' && line.sources.length * line.destinations.length !== 1) {
      throw new XtProblem('Replacement rule does not specify a unique address');
    }
    return {
      commands,
      table: this.table,
      chain,
      newName: this.newName,
      policy: this.policy,
      rulenum: this.rulenum,
      verbose: this.verbose,
      numeric: options.has('n'),
      exact: options.has('x'),
      lineNumbers: options.has('0'),
      rule: line,
      packets: this.packets,
      bytes: this.bytes,
      warnings: this.warnings,
    };
  }
}

/** command/command-line.ts — reads what is typed behind `ebtables` (cf. ebtables' do_commandeb). */
import { EBT_ACCEPT, EBT_DROP, EBT_RETURN, type Ebtables, EbtProblem } from '@packetwalk/framework';
import { cNumber } from '../numbers.ts';
import { completeOption, OptionIndex } from './option-index.ts';
import { RuleBuilder } from './rule-builder.ts';

/** What is to be done. */
export type Operation = 'A' | 'D' | 'I' | 'C' | 'L' | 'F' | 'Z' | 'P' | 'N' | 'X' | 'E' | 'init';

/** A number as it was typed in front of a counter: absolute, or to be added or taken off. */
export interface CounterChange {
  readonly sign: '' | '+' | '-';
  readonly value: number;
}

export interface CommandLine {
  readonly operation: Operation;
  readonly table: string;
  /** Empty: all chains. */
  readonly chain: string;
  /** `-E`. */
  readonly newName: string;
  /** Rule numbers of -I (`from` alone), -D and -C; those below 0 count from the end. Null: none given. */
  readonly numbers: readonly [number, number] | null;
  /** `-P`, and behind `-N`; null: not given. */
  readonly policy: number | null;
  readonly counterChanges: readonly CounterChange[];
  /** `-L -Z` */
  readonly zeroToo: boolean;
  readonly listNumbers: boolean;
  readonly listCounters: boolean;
  readonly rule: RuleBuilder;
}

/** Help or version was asked for. */
export class AskedFor extends Error {
  readonly what: 'help' | 'version';

  constructor(what: 'help' | 'version') {
    super(what);
    this.what = what;
  }
}

type OptionId = Exclude<Operation, 'init'> | 'init-table' | 'p' | 's' | 'd' | 'i' | 'o' | 'logical-in' | 'logical-out' | 'j' | 'c' | 't';
type Quiet = 'Ln' | 'Lc' | 'nothing' | 'nothing-1' | 'help' | 'version' | 'atomic';

const LONG: Readonly<Record<string, OptionId | Quiet>> = {
  append: 'A',
  insert: 'I',
  delete: 'D',
  list: 'L',
  Lc: 'Lc',
  Ln: 'Ln',
  Lx: 'nothing',
  Lmac2: 'nothing',
  zero: 'Z',
  flush: 'F',
  policy: 'P',
  'in-interface': 'i',
  'in-if': 'i',
  'logical-in': 'logical-in',
  'logical-out': 'logical-out',
  'out-interface': 'o',
  'out-if': 'o',
  version: 'version',
  help: 'help',
  jump: 'j',
  'set-counters': 'c',
  'change-counters': 'C',
  proto: 'p',
  protocol: 'p',
  db: 'nothing-1',
  source: 's',
  src: 's',
  destination: 'd',
  dst: 'd',
  table: 't',
  modprobe: 'nothing-1',
  'new-chain': 'N',
  'rename-chain': 'E',
  'delete-chain': 'X',
  'atomic-init': 'atomic',
  'atomic-commit': 'atomic',
  'atomic-file': 'atomic',
  'atomic-save': 'atomic',
  'init-table': 'init-table',
  concurrent: 'nothing',
  verbose: 'nothing',
};

const SHORT: Readonly<Record<string, OptionId | Quiet>> = {
  ...Object.fromEntries([...'ADICLFZPNXEpsdiojct'].map((letter) => [letter, letter as OptionId])),
  h: 'help',
  V: 'version',
  v: 'nothing',
  M: 'nothing-1',
};

const OPERATIONS: ReadonlySet<string> = new Set([...'ADICLFZPNXE', 'init-table']);
/** The chain may be left out. */
const CHAIN_OPTIONAL: ReadonlySet<string> = new Set(['L', 'F', 'Z', 'X']);
const RULE_OPERATIONS: ReadonlySet<Operation | null> = new Set<Operation | null>(['A', 'D', 'I', 'C']);

const NO_IN: ReadonlySet<string> = new Set(['OUTPUT', 'POSTROUTING']);
const NO_OUT: ReadonlySet<string> = new Set(['INPUT', 'PREROUTING', 'BROUTING']);

export function readCommandLine(argv: readonly string[], ebtables: Ebtables, warn: (text: string) => void): CommandLine {
  return new Reader(argv, ebtables, warn).read();
}

class Reader {
  private readonly argv: readonly string[];
  private readonly index: OptionIndex;
  private readonly rule: RuleBuilder;
  private at = 0;
  private operation: Operation | null = null;
  private table = 'filter';
  private chain = '';
  private newName = '';
  private numbers: readonly [number, number] | null = null;
  private policy: number | null = null;
  private counterChanges: CounterChange[] = [];
  private zeroToo = false;
  private listNumbers = false;
  private listCounters = false;
  /** A `!` stands in front. */
  private inverted = false;

  constructor(argv: readonly string[], ebtables: Ebtables, warn: (text: string) => void) {
    this.argv = argv;
    this.index = new OptionIndex(ebtables);
    this.rule = new RuleBuilder(warn);
  }

  read(): CommandLine {
    while (this.at < this.argv.length) {
      const word = this.argv[this.at++];
      if (word === '!') {
        if (this.inverted) throw new EbtProblem("Double use of '!' not allowed");
        this.inverted = true;
        continue;
      }
      if (word.startsWith('--')) this.long(word.slice(2));
      else if (word.startsWith('-') && word.length > 1) this.short(word);
      else throw new EbtProblem(`Bad argument : '${word}'`);
      this.inverted = false;
    }
    const { operation, table, chain, newName, numbers, policy, counterChanges, zeroToo, listNumbers, listCounters, rule } = this;
    if (operation === null) throw new EbtProblem('No command specified');
    return { operation, table, chain, newName, numbers, policy, counterChanges, zeroToo, listNumbers, listCounters, rule };
  }

  private short(word: string): void {
    const id = SHORT[word[1]];
    if (id === undefined) throw this.unknown();
    this.perform(id, word[1], word.length > 2 ? word.slice(2) : undefined);
  }

  private long(text: string): void {
    const equals = text.indexOf('=');
    const typed = equals < 0 ? text : text.slice(0, equals);
    const attached = equals < 0 ? undefined : text.slice(equals + 1);
    const own = LONG[typed] === undefined && this.index.get(typed) === undefined ? undefined : typed;
    const name = own ?? completeOption(typed, [...Object.keys(LONG), ...this.index.names()]);
    if (name === undefined) throw this.unknown();
    const id = LONG[name];
    if (id !== undefined) {
      this.perform(id, name, attached);
      return;
    }
    const found = this.index.get(name);
    if (found === undefined) throw this.unknown();
    this.needRule();
    if (found.option.flag === true) {
      this.rule.setOption(found, '', this.inverted);
      return;
    }
    const [value, inverted] = this.value(attached);
    this.rule.setOption(found, value, inverted);
  }

  /** What getopt does not know: the tool then shows what comes behind. */
  private unknown(): EbtProblem {
    return new EbtProblem(`Unknown argument: '${this.argv[this.at] ?? '(null)'}'`);
  }

  private argument(attached: string | undefined): string {
    const value = attached ?? this.argv[this.at];
    if (value === undefined) throw this.unknown();
    if (attached === undefined) this.at++;
    return value;
  }

  /** An argument, which may have a `!` in front of it or of the option. */
  private value(attached: string | undefined): [string, boolean] {
    const value = this.argument(attached);
    if (value !== '!') return [value, this.inverted];
    if (this.inverted) throw new EbtProblem("Double use of '!' not allowed");
    if (this.at >= this.argv.length) throw new EbtProblem('Option without (mandatory) argument');
    return [this.argv[this.at++], true];
  }

  private needRule(): void {
    if (this.operation === null) throw new EbtProblem('No command specified');
    if (!RULE_OPERATIONS.has(this.operation)) throw new EbtProblem('Command and option do not match');
  }

  private perform(id: OptionId | Quiet, name: string, attached: string | undefined): void {
    if (OPERATIONS.has(id)) {
      this.command(id === 'init-table' ? 'init' : (id as Operation), attached);
      return;
    }
    switch (id) {
      case 't':
        this.table = this.argument(attached);
        return;
      case 'Ln':
      case 'Lc':
        if (this.operation !== 'L' && this.operation !== 'Z') throw new EbtProblem(`Use --${id} with -L`);
        if (id === 'Ln') this.listNumbers = true;
        else this.listCounters = true;
        return;
      case 'nothing':
        return;
      case 'nothing-1':
        this.argument(attached);
        return;
      case 'help':
      case 'version':
        throw new AskedFor(id);
      case 'atomic':
        throw new EbtProblem(`--${name} is not supported: ebtables-save and ebtables-restore keep tables in files`);
      default:
        this.needRule();
        this.ruleOption(id as OptionId, attached);
    }
  }

  private ruleOption(id: OptionId, attached: string | undefined): void {
    const { rule, chain } = this;
    if (id === 'j') {
      rule.setJump(this.argument(attached));
      return;
    }
    if (id === 'c') {
      const packets = this.argv[this.at];
      const bytes = this.argv[this.at + 1];
      if (packets === undefined || bytes === undefined || packets.startsWith('-') || bytes.startsWith('-')) {
        throw new EbtProblem('Option -c needs 2 arguments');
      }
      this.at += 2;
      rule.setCounters(packets, bytes);
      return;
    }
    const where = id.length > 1 ? `--${id}` : `-${id}`;
    if ((id === 'i' || id === 'logical-in') && NO_IN.has(chain)) {
      throw new EbtProblem(`Use ${where} only in INPUT, FORWARD, PREROUTING and BROUTING chains`);
    }
    if ((id === 'o' || id === 'logical-out') && NO_OUT.has(chain)) {
      throw new EbtProblem(`Use ${where} only in OUTPUT, FORWARD and POSTROUTING chains`);
    }
    const [value, inverted] = this.value(attached);
    if (id === 'p') rule.setProtocol(value, inverted);
    else if (id === 's') rule.setMac('source', value, inverted);
    else if (id === 'd') rule.setMac('destination', value, inverted);
    else if (id === 'i') rule.setDevice('in', value, inverted);
    else if (id === 'o') rule.setDevice('out', value, inverted);
    else rule.setDevice(id === 'logical-in' ? 'logicalIn' : 'logicalOut', value, inverted);
  }

  private command(operation: Operation, attached: string | undefined): void {
    const { operation: before } = this;
    if (before === 'N' && operation === 'P') {
      this.policy = policyOf(this.argument(attached));
      return;
    }
    if ((before === 'L' && operation === 'Z') || (before === 'Z' && operation === 'L')) {
      this.operation = 'L';
      this.zeroToo = true;
      this.optionalChain(attached);
      return;
    }
    if (before !== null) throw new EbtProblem('Multiple commands are not allowed');
    this.operation = operation;
    if (operation === 'init') return;
    if (CHAIN_OPTIONAL.has(operation)) {
      this.optionalChain(attached);
      return;
    }
    this.chain = this.argument(attached);
    if (operation === 'N' && (this.chain.startsWith('-') || this.chain === '!')) throw new EbtProblem('No chain name specified');
    if (operation === 'E') {
      const name = this.argv[this.at];
      if (name === undefined || name.startsWith('-') || name === '!') throw new EbtProblem('No new chain name specified');
      this.at++;
      this.newName = name;
    } else if (operation === 'P') {
      const policy = this.argv[this.at];
      if (policy === undefined) throw new EbtProblem('No policy specified');
      this.at++;
      this.policy = policyOf(policy);
    } else if (operation === 'I') this.insertNumber();
    else if (operation === 'D') this.ruleNumbers();
    else if (operation === 'C') this.counterArguments();
  }

  private optionalChain(attached: string | undefined): void {
    const next = attached ?? this.argv[this.at];
    if (next === undefined || next.startsWith('-') || next === '!') return;
    if (attached === undefined) this.at++;
    this.chain = next;
  }

  /** Is the next word a number, and no option? */
  private numberFollows(): boolean {
    const next = this.argv[this.at];
    return next !== undefined && next !== '!' && (!next.startsWith('-') || /^-\d/.test(next));
  }

  private insertNumber(): void {
    if (!this.numberFollows()) return;
    const text = this.argv[this.at++];
    const number = cNumber(text, 10);
    if (number === null || number < 1) throw new EbtProblem(`Invalid rule number \`${text}'`);
    this.numbers = [number, number];
  }

  private ruleNumbers(): void {
    if (!this.numberFollows()) return;
    this.numbers = parseRuleNumbers(this.argv[this.at++]);
  }

  /** `-C CHAIN [NUMBER[:NUMBER]] PACKETS BYTES` */
  private counterArguments(): void {
    const rest: string[] = [];
    while (rest.length < 3 && /^([+-]?\d+)(:-?\d*)?$/.test(this.argv[this.at] ?? '')) rest.push(this.argv[this.at++]);
    if (rest.length < 2) throw new EbtProblem('The command -C needs at least 2 arguments');
    const [packets, bytes] = rest.slice(-2).map((text) => {
      const m = /^([+-]?)(\d+)$/.exec(text);
      if (m === null) throw new EbtProblem(`Packet counter '${text}' invalid`);
      return { sign: m[1] as CounterChange['sign'], value: Number(m[2]) };
    });
    this.counterChanges = [packets, bytes];
    if (rest.length === 3) this.numbers = parseRuleNumbers(rest[0]);
  }
}

/** `3`, `2:5`, `2:`, `:5`; below 0 they count from the end. */
function parseRuleNumbers(text: string): readonly [number, number] {
  const wrong = (): EbtProblem => new EbtProblem(`Problem with the specified rule number(s) '${text}'`);
  const parts = text.split(':');
  if (parts.length > 2 || text === ':') throw wrong();
  const [from, to = from] = parts.map((part, i) => (part === '' && parts.length === 2 ? (i === 0 ? 1 : -1) : cNumber(part, 10)));
  if (from === null || to === null || from === 0 || to === 0) throw wrong();
  return [from, to];
}

/** A policy by name. */
export function policyOf(name: string): number {
  if (name === 'ACCEPT') return EBT_ACCEPT;
  if (name === 'DROP') return EBT_DROP;
  if (name === 'RETURN') return EBT_RETURN;
  throw new EbtProblem(name === 'CONTINUE' ? `Wrong policy '${name}'` : `Unknown policy '${name}'`);
}

/**
 * iptables/getopt.ts — command lines as the C library's getopt_long reads them with a `-` in front of the short options:
 * everything in its place, words that are no options among it; long names may be cut as long as they stay clear.
 */

export type ArgumentUse = 'none' | 'required' | 'optional';

/** A long option. Of two with one name the first is meant. */
export interface LongOption<T> {
  readonly name: string;
  readonly argument: ArgumentUse;
  readonly id: T;
}

/** One thing on a command line. */
export type Parsed<T> =
  | { readonly kind: 'short'; readonly letter: string; readonly argument: string | undefined }
  | { readonly kind: 'long'; readonly option: LongOption<T>; readonly argument: string | undefined }
  | { readonly kind: 'word'; readonly word: string }
  /** Not an option, or an abbreviation of several. */
  | { readonly kind: 'unknown'; readonly text: string }
  | { readonly kind: 'missing-argument'; readonly text: string };

export class Getopt<T> {
  private readonly argv: readonly string[];
  private readonly shorts: ReadonlyMap<string, ArgumentUse>;
  private at = 0;
  /** Place in a word of several short options, 0 when none is begun. */
  private inWord = 0;
  private last = 0;

  /** @param shorts `A:L::v`: one colon for an argument, two for one that is written right behind the letter or left out */
  constructor(argv: readonly string[], shorts: string) {
    this.argv = argv;
    const uses: [string, ArgumentUse][] = [];
    for (const [, letter, colons] of shorts.matchAll(/(\w)(:{0,2})/g)) {
      uses.push([letter, colons === '' ? 'none' : colons === ':' ? 'required' : 'optional']);
    }
    this.shorts = new Map(uses);
  }

  /** The next thing, or null at the end; `longs` may be others each time. */
  next(longs: readonly LongOption<T>[]): Parsed<T> | null {
    if (this.inWord > 0) return this.short();
    this.last = this.at;
    const word = this.argv[this.at];
    if (word === undefined || word === '--') return null;
    this.at++;
    if (!word.startsWith('-') || word === '-') return { kind: 'word', word };
    if (word.startsWith('--')) return this.long(word, longs);
    this.inWord = 1;
    this.at--;
    return this.short();
  }

  /** Reads the last long option again: others are known now. */
  again(): void {
    this.at = this.last;
  }

  /** The word that comes next if it is no option and no `!`; else undefined. */
  peekWord(): string | undefined {
    const word = this.argv[this.at];
    return this.inWord > 0 || word === undefined || word.startsWith('-') || word.startsWith('!') ? undefined : word;
  }

  /** Takes the word that comes next, as `peekWord` has it. */
  takeWord(): string | undefined {
    const word = this.peekWord();
    if (word !== undefined) this.at++;
    return word;
  }

  /** Words behind the end: behind `--`. */
  get left(): number {
    return Math.max(this.argv.length - this.at - 1, 0);
  }

  /** The next word whatever it is. */
  private takeAny(): string | undefined {
    return this.at < this.argv.length ? this.argv[this.at++] : undefined;
  }

  private short(): Parsed<T> {
    const word = this.argv[this.at];
    const letter = word[this.inWord++];
    const use = this.shorts.get(letter);
    const rest = word.slice(this.inWord);
    const done = (): void => {
      this.at++;
      this.inWord = 0;
    };
    if (use === undefined || use === 'none') {
      if (rest === '') done();
      return use === undefined ? { kind: 'unknown', text: `-${letter}` } : { kind: 'short', letter, argument: undefined };
    }
    done();
    if (rest !== '') return { kind: 'short', letter, argument: rest };
    if (use === 'optional') return { kind: 'short', letter, argument: undefined };
    const argument = this.takeAny();
    return argument === undefined ? { kind: 'missing-argument', text: `-${letter}` } : { kind: 'short', letter, argument };
  }

  private long(word: string, longs: readonly LongOption<T>[]): Parsed<T> {
    const equals = word.indexOf('=');
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    const option = longs.find((o) => o.name === name) ?? this.abbreviated(name, longs);
    const attached = equals < 0 ? undefined : word.slice(equals + 1);
    if (option === undefined || (option.argument === 'none' && attached !== undefined)) return { kind: 'unknown', text: word };
    if (attached !== undefined || option.argument !== 'required') return { kind: 'long', option, argument: attached };
    const argument = this.takeAny();
    return argument === undefined ? { kind: 'missing-argument', text: word } : { kind: 'long', option, argument };
  }

  private abbreviated(name: string, longs: readonly LongOption<T>[]): LongOption<T> | undefined {
    const found = longs.filter((o) => o.name.startsWith(name));
    return found.length > 0 && found.every((o) => o.id === found[0].id) ? found[0] : undefined;
  }
}

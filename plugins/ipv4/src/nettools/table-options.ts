/** nettools/table-options.ts — the options that `route` and `netstat` have in common. */

export interface TableOptions {
  numeric: boolean;
  /** How often -e was given. */
  extended: number;
  cache: boolean;
  fib: boolean;
  help: boolean;
  /** netstat: which listing. */
  readonly listings: Set<string>;
}

const LONG: Readonly<Record<string, string>> = {
  '--numeric': 'n',
  '--numeric-hosts': 'n',
  '--symbolic': 'N',
  '--extend': 'e',
  '--verbose': 'v',
  '--wide': 'W',
  '--cache': 'C',
  '--fib': 'F',
  '--help': 'h',
  '--inet': '4',
  '--route': 'r',
  '--interfaces': 'i',
  '--all': 'a',
};

/** Options in front; `more` are the letters of listings. `wrong` says which option is none, or is empty. */
export function tableOptions(args: readonly string[], more = ''): { options: TableOptions; rest: string[]; wrong: string } {
  const options: TableOptions = { numeric: false, extended: 0, cache: false, fib: false, help: false, listings: new Set() };
  const rest = [...args];
  while (rest[0]?.startsWith('-') && rest[0] !== '-net' && rest[0] !== '-host') {
    const word = rest.shift() as string;
    const letters = word.startsWith('--') ? LONG[word] : word.slice(1);
    if (letters === undefined) return { options, rest, wrong: `unrecognized option '${word}'` };
    for (const letter of letters) if (!set(options, letter, more)) return { options, rest, wrong: `invalid option -- '${letter}'` };
    // `-A inet` is the only family there is.
    if (letters.includes('A')) rest.shift();
  }
  return { options, rest, wrong: '' };
}

function set(options: TableOptions, letter: string, more: string): boolean {
  if (letter === 'n') options.numeric = true;
  else if (letter === 'e') options.extended++;
  else if (letter === 'C') options.cache = true;
  else if (letter === 'F') options.fib = true;
  else if (letter === 'h') options.help = true;
  else if (more.includes(letter)) options.listings.add(letter);
  else return 'NvW4A'.includes(letter);
  return true;
}

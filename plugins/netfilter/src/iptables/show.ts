/** iptables/show.ts — commands that show a table: -L and -S. */
import { Chain } from '../chain.ts';
import type { IpTable } from '../ip-table.ts';
import { countReferences } from '../references.ts';
import { BUILT_IN_CHAINS } from '../table-def.ts';
import type { CommandLine } from './command-line.ts';
import { chainHeading, ruleLine } from './listing.ts';
import { NoSuchThing } from './problem.ts';
import { chainSpec, ruleSpec } from './save.ts';

/** Counters of a chain that is not there yet. */
const NO_COUNTS = new Float64Array(2);

/** The text of -L or -S. Throws NoSuchThing. */
export function show(command: 'L' | 'S', line: CommandLine, table: IpTable): string {
  const chains = chainsOf(line, table);
  return command === 'L' ? list(line, table, chains) : specs(line, table, chains);
}

/** The chains that are meant; a built-in one that nobody has used stands in with no rules. */
function chainsOf({ chain }: CommandLine, table: IpTable): Chain[] {
  const hooks = [...table.def.hooks].sort((a, b) => a.hooknum - b.hooknum);
  const builtIn = hooks.map(({ hooknum }) => {
    const name = BUILT_IN_CHAINS[hooknum];
    return table.chains.get(name) ?? new Chain(table.name, name, hooknum, 0);
  });
  const all = [...builtIn, ...table.listed().filter((c) => !c.builtIn)];
  if (chain === undefined) return all;
  const found = all.filter((c) => c.name === chain);
  if (found.length === 0) throw new UnknownChain(chain, table.name);
  return found;
}

/** What nft says of a chain that it cannot show. */
export class UnknownChain extends NoSuchThing {
  constructor(chain: string, table: string) {
    super(`chain \`${chain}' in table \`${table}' is incompatible, use 'nft' tool`);
  }
}

function list(line: CommandLine, table: IpTable, chains: readonly Chain[]): string {
  const style = { numeric: line.numeric, verbose: line.verbose > 0, exact: line.exact, lineNumbers: line.lineNumbers };
  const { values } = table.counters;
  const references = countReferences(table.chains.values());
  const blocks = chains.map((chain) => {
    const rules = chain.rules.map((rule, i) => ruleLine(rule, i + 1, values, style));
    if (line.rulenum > 0) return rules[line.rulenum - 1] ?? '';
    return chainHeading(chain, table.chains.has(chain.name) ? values : NO_COUNTS, references.get(chain) ?? 0, style) + rules.join('');
  });
  return blocks.join('\n');
}

function specs(line: CommandLine, table: IpTable, chains: readonly Chain[]): string {
  const counters: Float64Array | null = line.verbose > 0 ? table.counters.values : null;
  let text = '';
  if (line.rulenum === 0) {
    for (const chain of chains) text += chainSpec(chain, counters === null || table.chains.has(chain.name) ? counters : NO_COUNTS);
  }
  for (const { rules } of chains) {
    for (const [i, rule] of rules.entries()) if (line.rulenum === 0 || line.rulenum === i + 1) text += ruleSpec(rule, counters);
  }
  return text;
}

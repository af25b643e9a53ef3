/**
 * table-check.ts — what a rule set must keep to before packets go through it: extensions stand where they may, jumps come
 * to an end (cf. Linux nft_table_validate).
 */
import type { XtExtension, XtRefusal } from '@packetwalk/framework';
import type { Chain } from './chain.ts';
import { IPT_INV_DSTIP, IPT_INV_PROTO, IPT_INV_SRCIP } from './ip-entry.ts';
import type { Rule } from './rule.ts';
import { type ChainDraft, type TableDraft, type TableOp, TableOpError } from './table-draft.ts';

/** How many chains may be entered from a built-in one, each from the one before (NFT_JUMP_STACK_SIZE). */
export const MAX_JUMPS = 15;

const EINVAL = 'Invalid argument';
const EMLINK = 'Too many links';
const ENOENT = 'No such file or directory';
const EOPNOTSUPP = 'Operation not supported';

/** Throws TableOpError for the change that the table cannot have. */
export function checkTable(draft: TableDraft): void {
  for (const [rule, op] of draft.ops) checkRule(draft, rule, op);
  const byChain = new Map<Chain, ChainDraft>();
  for (const c of draft.chains.values()) byChain.set(c.chain, c);
  for (const c of draft.chains.values()) if (c.chain.builtIn) new Reach(draft, byChain, c).visit(c, 0);
}

/** What can be said of a rule wherever its chain is entered from. */
function checkRule(draft: TableDraft, rule: Rule, op: TableOp): void {
  const { target } = rule;
  if ((target.kind === 'jump' || target.kind === 'goto') && target.chain.builtIn) {
    const exists = draft.chains.has(target.chain.name);
    throw new TableOpError(op, exists ? EOPNOTSUPP : ENOENT, `${target.chain.name} is a built-in chain: no rule may lead there`);
  }
  const { smask, dmask, invert } = rule.entry;
  if ((smask === 0 && (invert & IPT_INV_SRCIP) !== 0) || (dmask === 0 && (invert & IPT_INV_DSTIP) !== 0)) {
    throw new TableOpError(op, EINVAL, 'no address at all can match');
  }
  for (const [extension, data] of extensions(rule)) {
    const refusal = refuse(draft.table.name, rule, extension, data, 0);
    if (refusal !== null) throw new TableOpError(op, refusal.errno, `${extension.name}: ${refusal.reason}`);
  }
}

function* extensions(rule: Rule): Iterable<[XtExtension<unknown>, unknown]> {
  for (const { match, data } of rule.matches) yield [match, data];
  if (rule.target.kind === 'target') yield [rule.target.target, rule.target.data];
}

/** Why an extension cannot stand here, reached from `hooks`; null when it can. */
function refuse(table: string, rule: Rule, extension: XtExtension<unknown>, data: unknown, hooks: number): XtRefusal | null {
  const { protocol, invert } = rule.entry;
  const protocolInverted = (invert & IPT_INV_PROTO) !== 0;
  const invalid = (reason: string): XtRefusal => ({ errno: EINVAL, reason });
  if (extension.tables !== undefined && !extension.tables.includes(table)) {
    return invalid(`only valid in table ${extension.tables.join(' or ')}, not ${table}`);
  }
  if (extension.protocol !== undefined && (protocol !== extension.protocol || protocolInverted)) {
    return invalid(`only valid for protocol ${extension.protocol}`);
  }
  if (extension.hooks !== undefined && (hooks & ~extension.hooks) !== 0)
    return invalid('not valid in a chain that is entered from this hook');
  const answer = extension.check?.(data, { table, protocol, protocolInverted, hooks }) ?? null;
  return typeof answer === 'string' ? invalid(answer) : answer;
}

/** The rules that can be reached from one built-in chain. */
class Reach {
  private readonly draft: TableDraft;
  private readonly byChain: ReadonlyMap<Chain, ChainDraft>;
  private readonly hook: number;
  private readonly levels = new Map<Chain, number>();
  private readonly path: Rule[] = [];

  constructor(draft: TableDraft, byChain: ReadonlyMap<Chain, ChainDraft>, base: ChainDraft) {
    this.draft = draft;
    this.byChain = byChain;
    this.hook = 1 << base.chain.hooknum;
  }

  /** Visits a chain again only when it is entered from deeper down: a loop ends at the limit, and nothing grows exponentially. */
  visit({ chain, rules }: ChainDraft, level: number): void {
    const before = this.levels.get(chain);
    if (before !== undefined && before >= level) return;
    this.levels.set(chain, level);
    for (const rule of rules) {
      if (before === undefined && rule.restricted) this.checkHooks(rule);
      const { target } = rule;
      if (target.kind !== 'jump' && target.kind !== 'goto') continue;
      this.path.push(rule);
      if (level === MAX_JUMPS) throw this.blame(EMLINK, `more than ${MAX_JUMPS} jumps one in another, or a loop`);
      this.visit(this.byChain.get(target.chain) as ChainDraft, level + 1);
      this.path.pop();
    }
  }

  private checkHooks(rule: Rule): void {
    for (const [extension, data] of extensions(rule)) {
      const refusal = refuse(this.draft.table.name, rule, extension, data, this.hook);
      if (refusal === null) continue;
      this.path.push(rule);
      throw this.blame(refusal.errno, `${extension.name}: ${refusal.reason}`);
    }
  }

  /** The change that made the way to what is wrong complete. */
  private blame(errno: string, reason: string): TableOpError {
    let last: TableOp | undefined;
    for (const rule of this.path) {
      const op = this.draft.ops.get(rule);
      if (op !== undefined && (last === undefined || op.order > last.order)) last = op;
    }
    return new TableOpError(last ?? ([...this.draft.ops.values()].at(-1) as TableOp), errno, reason);
  }
}

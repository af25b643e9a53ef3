/** iptables/context.ts — what the commands of iptables work on. */
import type { Net, Xtables } from '@packetwalk/framework';
import type { IpTables } from '../ip-tables.ts';

export interface IptablesContext {
  readonly net: Net;
  readonly tables: IpTables;
  readonly xtables: Xtables;
}

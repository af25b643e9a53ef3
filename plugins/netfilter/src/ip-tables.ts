/** ip-tables.ts — the tables of a router, and what commands ask of them. */

import { IpTable } from './ip-table.ts';
import type { AttachChain } from './table-def.ts';
import { TABLES } from './table-def.ts';

export class IpTables {
  private readonly tables: ReadonlyMap<string, IpTable>;

  /**
   * @param attach how the built-in chains of each table are put at their hooks
   * @param compile false: no compiled chains
   */
  constructor(attach: (table: string) => AttachChain, compile: boolean) {
    this.tables = new Map(TABLES.map((def) => [def.name, new IpTable(def, attach(def.name), compile)]));
  }

  table(name: string): IpTable | undefined {
    return this.tables.get(name);
  }

  /** In the order in which iptables-save writes them. */
  all(): IpTable[] {
    return [...this.tables.values()];
  }

  dispose(): void {
    for (const table of this.tables.values()) table.dispose();
  }
}

/** walk-printer.ts — walks as they are printed: each whole, as JSON record by record, what changed only, or counted by path. */
import type { TraceRecord } from '../trace.ts';
import { packetChanges } from './packet-change.ts';
import { packetText, walkText } from './walk-text.ts';

export interface WalkFormat {
  /** One JSON object a line. */
  readonly json: boolean;
  /** Count distinct walks instead of printing each. */
  readonly paths: boolean;
  /** Only the steps at which the packet was found changed. */
  readonly changed: boolean;
}

/** A packet walks on within this many milliseconds, or not at all, */
const AFTER_END = 100;
/** unless it waits, for its neighbour say: it is dropped after 3 s if that does not answer. */
const AT_REST = 4000;
/** The steps at which a packet may wait. */
const WAITS: ReadonlySet<string> = new Set(['neighResolveOutput', 'arpSolicit', 'STOLEN', 'QUEUE']);

interface Walk {
  /** The packet as it was first seen. */
  readonly first: Uint8Array | null;
  readonly records: TraceRecord[];
  /** Time of the last record, in ms of the router's clock. */
  last: number;
  /** Somebody may hold the packet. */
  waits: boolean;
}

export class WalkPrinter {
  private readonly out: (text: string) => void;
  private readonly format: WalkFormat;
  private readonly walks = new Map<number, Walk>();
  private readonly packets = new Map<number, Uint8Array>();
  private readonly paths = new Map<string, number>();

  constructor(out: (text: string) => void, format: WalkFormat) {
    this.out = out;
    this.format = format;
  }

  /** Walks that have not ended. */
  get open(): number {
    return this.walks.size;
  }

  push(record: TraceRecord): void {
    let walk = this.walks.get(record.id);
    if (walk === undefined) {
      walk = { first: record.packet, records: [], last: 0, waits: false };
      this.walks.set(record.id, walk);
    }
    walk.last = record.t;
    walk.waits = WAITS.has(record.kind === 'verdict' ? record.detail : record.name);
    const { json, paths, changed } = this.format;
    const changes = changed ? this.changes(record) : [];
    if (changed && changes.length === 0 && record.kind !== 'drop') return;
    if (!json || paths) walk.records.push(changed ? { ...record, detail: told(record, changes) } : record);
    else this.out(`${JSON.stringify({ ...record, packet: hex(record.packet), ...(changed ? { changes } : {}) })}\n`);
  }

  /** Prints the walks that have ended by `now`; all of them when it is Infinity. */
  settle(now: number): void {
    for (const [id, walk] of this.walks) {
      if (now - walk.last < (walk.waits ? AT_REST : AFTER_END)) continue;
      this.walks.delete(id);
      this.packets.delete(id);
      this.print(id, walk);
    }
  }

  /** Prints what is left, and the counts. */
  finish(): void {
    this.settle(Number.POSITIVE_INFINITY);
    const counts = [...this.paths].sort((a, b) => b[1] - a[1]);
    const wide = String(counts[0]?.[1] ?? 0).length;
    for (const [path, count] of counts) {
      if (this.format.json) this.out(`${JSON.stringify({ count, path: path.split('\n') })}\n`);
      else this.out(`${String(count).padStart(wide)} × ${path.replaceAll('\n', ' → ')}\n`);
    }
  }

  private print(id: number, { first, records }: Walk): void {
    const { json, paths, changed } = this.format;
    if (paths) {
      const path = pathOf(records);
      this.paths.set(path, (this.paths.get(path) ?? 0) + 1);
    } else if (!json) this.out(`walk ${id}\n${changed ? `  ${packetText(first)}\n${changesText(records)}` : walkText(records)}`);
  }

  private changes({ id, kind, name, packet }: TraceRecord): string[] {
    const before = this.packets.get(id) ?? null;
    if (kind === 'drop') this.packets.delete(id);
    else if (packet !== null && packet[0] >>> 4 === 4) this.packets.set(id, packet);
    // An answer is no change of the packet that it answers.
    return kind === 'drop' || name === 'ipLocalOut' ? [] : packetChanges(before, packet);
  }
}

function told(record: TraceRecord, changes: readonly string[]): string {
  const drop = record.kind === 'drop' ? [`DROP: ${record.detail}`] : [];
  return [...changes, ...drop].join(', ');
}

function changesText(records: readonly TraceRecord[]): string {
  return records.map(({ router, dev, name, detail }) => `    ${router}  ${dev}  ${name}  ${detail}\n`).join('');
}

/** A walk without what is different from packet to packet: routers, devices, functions, decisions of hooks, the reason. */
function pathOf(records: readonly TraceRecord[]): string {
  const steps: string[] = [];
  let place = '';
  for (const { router, dev, kind, name, detail, position } of records) {
    const here = `${router} ${dev}`.trim();
    const what = kind === 'verdict' ? `${name} ${detail}` : kind === 'drop' ? `DROP ${name}` : name;
    const step = position === '' ? what : `${what} [${position}]`;
    const full = here === place ? step : `${here}: ${step}`;
    place = here;
    if (steps.at(-1) !== full) steps.push(full);
  }
  return steps.join('\n');
}

function hex(packet: Uint8Array | null): string | null {
  return packet === null ? null : Array.from(packet, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/**
 * trace.ts — the recorded walk of a packet. A packet whose `trace` is not 0 tells where it is; the others pay one
 * integer test. The same records feed the CLI, JSON, and captures with comments.
 */
import { dropReasonName, dropReasonText } from './drop-reason.ts';
import { NF_ACCEPT, NF_DROP, NF_QUEUE, NF_REPEAT, NF_STOLEN, nfHookName } from './netfilter.ts';
import type { SkBuff } from './skbuff.ts';

/** One step of a walk. */
export interface TraceRecord {
  /** The packet's id: it survives copies, NAT, fragments, tunnels, and the routers of a lab. */
  readonly id: number;
  /** Milliseconds of the router's clock. */
  readonly t: number;
  readonly router: string;
  /** Device the packet belongs to at this moment. */
  readonly dev: string;
  readonly kind: 'stage' | 'hook' | 'verdict' | 'drop';
  /** Function or hook point, in the kernel's names. */
  readonly name: string;
  /** What was decided there, in words; empty when there was nothing to decide. */
  readonly detail: string;
  /** Place in the config or rule set that decided, or empty. */
  readonly position: string;
  /** First bytes of the packet from its network header on, when the sink asks for them. */
  readonly packet: Uint8Array | null;
}

export type TraceSink = (record: TraceRecord) => void;

const VERDICTS: Record<number, string> = {
  [NF_DROP]: 'DROP',
  [NF_ACCEPT]: 'ACCEPT',
  [NF_STOLEN]: 'STOLEN',
  [NF_QUEUE]: 'QUEUE',
  [NF_REPEAT]: 'REPEAT',
};

/** Walks that one watcher follows at a time; the oldest are forgotten. */
const MAX_WATCHED = 4096;

interface Watcher {
  readonly match: (skb: SkBuff) => boolean;
  readonly ids: Set<number>;
}

/** Decides which packets are traced and hands their records to the sinks; one for all routers of a process. */
export class Tracer {
  private readonly sinks: TraceSink[] = [];
  private readonly watchers: Watcher[] = [];
  private nextId = 1;
  /** Looks at each packet that enters by a device and says whether to trace it; null: no packet is looked at. */
  filter: ((skb: SkBuff) => boolean) | null = null;

  /** Listens; returns its undo. */
  listen(sink: TraceSink): () => void {
    this.sinks.push(sink);
    return () => {
      const i = this.sinks.indexOf(sink);
      if (i >= 0) this.sinks.splice(i, 1);
    };
  }

  /**
   * Follows the packets that `match` takes where they enter or are made; a packet that is traced already is not offered.
   * `sink` gets their records and no others. Returns its undo: with the last watcher the filter goes too.
   */
  watch(match: (skb: SkBuff) => boolean, sink: TraceSink): () => void {
    const watcher: Watcher = { match, ids: new Set() };
    const unlisten = this.listen((record) => {
      if (watcher.ids.has(record.id)) sink(record);
    });
    this.watchers.push(watcher);
    this.filter = (skb) => this.choose(skb);
    return () => {
      unlisten();
      const i = this.watchers.indexOf(watcher);
      if (i >= 0) this.watchers.splice(i, 1);
      if (this.watchers.length === 0) this.filter = null;
    };
  }

  /** Asks the watchers; those that take the packet follow the id that it is about to get. */
  private choose(skb: SkBuff): boolean {
    let chosen = false;
    for (const { match, ids } of this.watchers) {
      if (!match(skb)) continue;
      chosen = true;
      ids.add(this.nextId);
      if (ids.size > MAX_WATCHED) ids.delete(ids.values().next().value as number);
    }
    return chosen;
  }

  /** A fresh id for a packet to be traced. */
  id(): number {
    return this.nextId++;
  }

  /** The packet has reached a function. Call only when `skb.trace` is not 0. */
  stage(skb: SkBuff, name: string, detail = '', position = ''): void {
    this.emit(skb, 'stage', name, detail, position);
  }

  hook(skb: SkBuff, pf: number, hooknum: number, hooks: number): void {
    this.emit(skb, 'hook', nfHookName(pf, hooknum), hooks === 0 ? 'no hooks' : '', '');
  }

  verdict(skb: SkBuff, hook: string, verdict: number, position: unknown): void {
    this.emit(skb, 'verdict', hook, VERDICTS[verdict & 0xff] ?? String(verdict), position === null ? '' : String(position));
  }

  dropped(skb: SkBuff, reason: number): void {
    this.emit(skb, 'drop', dropReasonName(reason), dropReasonText(reason), '');
  }

  private emit(skb: SkBuff, kind: TraceRecord['kind'], name: string, detail: string, position: string): void {
    if (this.sinks.length === 0) return;
    const { net } = skb;
    const start = kind === 'stage' && skb.networkHeader < skb.data ? skb.data : skb.networkHeader;
    const record: TraceRecord = {
      id: skb.trace,
      t: net.softirq.jiffies,
      router: net.name,
      dev: skb.dev.name,
      kind,
      name,
      detail,
      position,
      packet: skb.head.buf.slice(start, skb.data + skb.len),
    };
    for (const sink of this.sinks) sink(record);
  }
}

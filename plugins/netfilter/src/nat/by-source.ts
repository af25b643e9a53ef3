/**
 * by-source.ts — connections by the end that began them, so that a client keeps the address and port it was given before (RFC
 * 4787 §4.1; cf. Linux nf_nat_bysource). Lists through words of the rows: joining and leaving allocates nothing.
 */
import type { Random } from '@packetwalk/framework';
import type { ConnPool } from '../conntrack/conn-pool.ts';
import { CT_SOURCE_NEXT, CT_SOURCE_PREV, CT_ZONE, type NfConn, ZONE_DIR_BOTH } from '../conntrack/nf-conn.ts';

const FIRST_SIZE = 1024;

export class BySource {
  private readonly pool: ConnPool;
  private readonly seed: number;
  /** Ids + 1 of the first connections; 0: none. */
  private heads: Int32Array = new Int32Array(FIRST_SIZE);
  private count = 0;

  constructor(pool: ConnPool, random: Random) {
    this.pool = pool;
    this.seed = random.int32();
  }

  /** Adds a connection in front of its list. */
  add(ct: NfConn): void {
    if (++this.count > this.heads.length) this.grow();
    this.link(this.bucket(ct.saddr(0), ct.sport(0), ct.protocol, ct.zone), ct);
  }

  remove(ct: NfConn): void {
    const { words, base } = ct;
    const next = words[base + CT_SOURCE_NEXT];
    const prev = words[base + CT_SOURCE_PREV];
    if (next !== 0) this.conn(next).words[this.conn(next).base + CT_SOURCE_PREV] = prev;
    if (prev !== 0) this.conn(prev).words[this.conn(prev).base + CT_SOURCE_NEXT] = next;
    else this.heads[this.bucket(ct.saddr(0), ct.sport(0), ct.protocol, ct.zone)] = next;
    this.count--;
  }

  /** The newest connection from this end that `fits` says yes to, or null. */
  find(src: number, sport: number, protocol: number, zone: number, fits: (ct: NfConn) => boolean): NfConn | null {
    for (let id = this.heads[this.bucket(src, sport, protocol, zone)]; id !== 0; ) {
      const ct = this.conn(id);
      if (ct.saddr(0) === src && ct.sport(0) === sport && ct.protocol === protocol && fits(ct)) return ct;
      id = ct.words[ct.base + CT_SOURCE_NEXT];
    }
    return null;
  }

  private conn(id: number): NfConn {
    return this.pool.conns[id - 1];
  }

  private link(bucket: number, ct: NfConn): void {
    const head = this.heads[bucket];
    const id = ct.id + 1;
    if (head !== 0) this.conn(head).words[this.conn(head).base + CT_SOURCE_PREV] = id;
    ct.words[ct.base + CT_SOURCE_NEXT] = head;
    ct.words[ct.base + CT_SOURCE_PREV] = 0;
    this.heads[bucket] = id;
  }

  private bucket(src: number, sport: number, protocol: number, zone: number): number {
    // A zone that counts for one direction only does not tell sources apart.
    const id = zone >>> 16 === ZONE_DIR_BOTH ? zone & 0xffff : 0;
    let h = Math.imul(src ^ this.seed, 0x9e3779b1) ^ Math.imul((sport << 8) ^ protocol ^ (id << 16), 0x85ebca77);
    h = Math.imul(h ^ (h >>> 15), 0xc2b2ae3d);
    return (h ^ (h >>> 13)) & (this.heads.length - 1);
  }

  private grow(): void {
    const old = this.heads;
    this.heads = new Int32Array(2 * old.length);
    for (const head of old) {
      // From the end of each list, so that the newest stays in front.
      const list: NfConn[] = [];
      for (let id = head; id !== 0; id = this.conn(id).words[this.conn(id).base + CT_SOURCE_NEXT]) list.push(this.conn(id));
      for (const ct of list.reverse()) this.link(this.bucket(ct.saddr(0), ct.sport(0), ct.protocol, ct.words[ct.base + CT_ZONE]), ct);
    }
  }
}

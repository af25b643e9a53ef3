/**
 * The states of one neighbour against a naive model: a clock that ticks every 10 ms, and rules as the RFC and the kernel's
 * documentation tell them, without timers. Whatever happens in whatever order, both must send the same frames at the
 * same time, report the same failures, and end in the same state.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ArpLab, NAMES } from './testing/arp-lab.ts';

const TICK = 10;
const NEXT_HOP = '10.1.0.2';

/** Settings short enough that a run passes through all states. */
const SETTINGS = {
  retrans: 200,
  delay: 500,
  locktime: 300,
  ucast: 2,
  mcast: 2,
  reprobes: 1,
} as const;

type State = 'NONE' | 'INCOMPLETE' | 'REACHABLE' | 'STALE' | 'DELAY' | 'PROBE' | 'FAILED' | 'PERMANENT';
type Mac = 'b' | 'c';

class Model {
  state: State | null = null;
  mac: Mac | null = null;
  readonly sent: string[] = [];
  readonly failures: string[] = [];
  private now = 0;
  private waiting: number[] = [];
  private probes = 0;
  private used = 0;
  private updated = 0;
  private confirmed = 0;
  /** When the state is looked at again; null: never. */
  private wake: number | null = null;
  private readonly reachableTime: () => number;
  private readonly base: () => number;

  constructor(reachableTime: () => number, base: () => number) {
    this.reachableTime = reachableTime;
    this.base = base;
  }

  private get known(): boolean {
    return ['REACHABLE', 'STALE', 'DELAY', 'PROBE', 'PERMANENT'].includes(this.state ?? '');
  }

  private make(): void {
    if (this.state !== null) return;
    this.state = 'NONE';
    this.used = this.now;
    this.updated = this.now;
    this.confirmed = this.now - 2 * this.base();
  }

  private ask(unicast: boolean): void {
    const to = unicast ? this.mac : 'broadcast';
    this.sent.push(`${this.now} p1 eth p1 > ${to} / arp who-has ${NEXT_HOP} tell 10.1.0.1`);
  }

  private ship(id: number): void {
    this.sent.push(`${this.now} p1 eth p1 > ${this.mac} / ip 10.0.0.2 > ${NEXT_HOP} id ${id}`);
  }

  private enter(state: State, wake: number | null): void {
    this.state = state;
    this.wake = wake;
  }

  packet(id: number): void {
    this.make();
    if (this.state !== 'REACHABLE' && this.state !== 'PERMANENT') this.used = this.now;
    if (this.state === 'STALE') {
      this.enter('DELAY', this.now + SETTINGS.delay);
      this.updated = this.now;
    }
    if (this.known) {
      this.ship(id);
      return;
    }
    this.waiting.push(id);
    if (this.state === 'INCOMPLETE') return;
    this.enter('INCOMPLETE', this.now + SETTINGS.retrans);
    this.updated = this.now;
    this.probes = 1;
    this.ask(false);
  }

  /** The neighbour says where it is: in an answer to us, in one to everybody, or by asking for us. */
  news(mac: Mac, how: 'reply' | 'broadcast reply' | 'request'): void {
    if (how === 'request') {
      this.make();
      this.believe(mac, 'STALE', true);
      this.sent.push(`${this.now} p1 eth p1 > ${mac} / arp reply 10.1.0.1 is-at p1 tell ${NEXT_HOP}`);
    } else if (this.state !== null) {
      this.believe(mac, how === 'reply' ? 'REACHABLE' : 'STALE', this.now > this.updated + SETTINGS.locktime);
    }
  }

  private believe(mac: Mac, news: 'REACHABLE' | 'STALE', mayReplace: boolean): void {
    if (this.state === 'PERMANENT') return;
    const other = !this.known || mac !== this.mac;
    if (news === 'REACHABLE') this.confirmed = this.now;
    if (this.known && other && !mayReplace) return;
    const state = news === 'STALE' && this.known && !other ? (this.state as State) : news;
    this.adopt(mac, state, other);
  }

  private adopt(mac: Mac, state: State, other: boolean): void {
    const changes = state !== this.state;
    if (changes || other) this.updated = this.now;
    if (changes) this.enter(state, state === 'REACHABLE' ? this.now + this.reachableTime() : state === 'PROBE' ? this.now : null);
    if (other) {
      this.mac = mac;
      if (state === 'STALE' || state === 'DELAY' || state === 'PROBE') this.confirmed = this.now - 2 * this.base();
    }
    // What waited is sent like any other packet: the first one to a stale neighbour makes it DELAY.
    for (const id of this.waiting.splice(0)) this.packet(id);
  }

  confirm(): void {
    if (this.state !== null) this.confirmed = this.now;
  }

  /** `ip neigh replace` */
  order(mac: Mac, state: 'PERMANENT' | 'REACHABLE' | 'STALE' | 'PROBE'): void {
    this.make();
    const other = !this.known || mac !== this.mac;
    if (state === 'PERMANENT' || state === 'REACHABLE') this.confirmed = this.now;
    if (state === 'PROBE' && this.state !== 'PROBE') this.probes = 0;
    this.adopt(mac, state, other);
  }

  /** `ip neigh del` */
  forget(): void {
    if (this.state === 'INCOMPLETE') this.fail();
    this.state = null;
    this.wake = null;
    this.waiting = [];
  }

  private fail(): void {
    this.enter('FAILED', null);
    this.updated = this.now;
    for (const id of this.waiting.splice(0)) this.failures.push(`${this.now} ${id}`);
  }

  pass(ms: number): void {
    if (this.wake !== null && this.now >= this.wake) this.look();
    for (const end = this.now + ms; this.now < end; ) {
      this.now += TICK;
      if (this.wake !== null && this.now >= this.wake) this.look();
    }
  }

  private look(): void {
    const { now } = this;
    const before = this.state as State;
    if (before === 'REACHABLE') {
      const until = this.confirmed + this.reachableTime();
      if (now <= until) this.wake = Math.max(until, now + TICK);
      else {
        if (now <= this.used + SETTINGS.delay) this.enter('DELAY', now + SETTINGS.delay);
        else this.enter('STALE', null);
        this.updated = now;
      }
      return;
    }
    if (before === 'DELAY') {
      this.updated = now;
      if (now <= this.confirmed + SETTINGS.delay) {
        this.enter('REACHABLE', Math.max(this.confirmed + this.reachableTime(), now + TICK));
        return;
      }
      this.state = 'PROBE';
      this.probes = 0;
    }
    const most = this.state === 'PROBE' ? SETTINGS.ucast + SETTINGS.reprobes : SETTINGS.mcast;
    if (this.probes >= most) {
      this.fail();
      return;
    }
    this.wake = now + SETTINGS.retrans;
    this.ask(this.state === 'PROBE' && this.probes < SETTINGS.ucast);
    this.probes++;
  }
}

/** Round times make events meet. */
const ticks = (unit: number, max: number): fc.Arbitrary<number> => fc.integer({ min: 1, max }).map((n) => n * unit * TICK);
const mac = fc.constantFrom<Mac>('b', 'c');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ kind: 'packet' } as const) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.oneof(ticks(1, 25), ticks(10, 12)) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('news' as const),
      mac,
      how: fc.constantFrom('reply' as const, 'broadcast reply' as const, 'request' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'confirm' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('order' as const),
      mac,
      state: fc.constantFrom('PERMANENT' as const, 'REACHABLE' as const, 'STALE' as const, 'PROBE' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'forget' } as const) },
);

function newsFrame(who: Mac, how: 'reply' | 'broadcast reply' | 'request'): string {
  const address = NAMES[who].mac;
  if (how === 'request') return `eth ${address} > broadcast / arp who-has 10.1.0.1 tell ${NEXT_HOP} sha ${address}`;
  const to = how === 'reply' ? 'p1' : 'broadcast';
  return `eth ${address} > ${to} / arp reply ${NEXT_HOP} is-at ${address} tell 10.1.0.1`;
}

test('a neighbour does what the model does', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lab = new ArpLab();
      const set = (name: string, value: number): unknown => lab.command(`sysctl -w net.ipv4.neigh.p1.${name}=${value}`);
      set('retrans_time_ms', SETTINGS.retrans);
      set('base_reachable_time', 1);
      set('delay_first_probe_time', 1);
      set('locktime', SETTINGS.locktime / 10);
      set('ucast_solicit', SETTINGS.ucast);
      set('mcast_solicit', SETTINGS.mcast);
      set('mcast_resolicit', SETTINGS.reprobes);
      const parms = lab.tbl.parms.of(lab.dev('p1'));
      // A round time; the sysctl of the delay has whole seconds only.
      parms.reachableTime = Math.floor(parms.reachableTime / 100) * 100;
      parms.vars.delayProbeTime = SETTINGS.delay;
      const model = new Model(
        () => parms.reachableTime,
        () => parms.vars.baseReachableTime,
      );
      const sent: string[] = [];
      for (const s of steps) {
        if (s.kind === 'packet') model.packet(lab.send(NEXT_HOP, 'p1'));
        else if (s.kind === 'pass') {
          lab.advance(s.ms);
          model.pass(s.ms);
        } else if (s.kind === 'news') {
          lab.receive('p1', newsFrame(s.mac, s.how));
          // What is due goes before what has arrived.
          model.pass(0);
          model.news(s.mac, s.how);
        } else if (s.kind === 'confirm') {
          const neigh = lab.tbl.lookup(0x0a010002, lab.dev('p1'));
          if (neigh !== null) lab.tbl.confirm(neigh);
          model.confirm();
        } else if (s.kind === 'order') {
          lab.command(`ip neigh replace ${NEXT_HOP} dev p1 lladdr ${NAMES[s.mac].mac} nud ${s.state.toLowerCase()}`);
          model.order(s.mac, s.state);
        } else {
          lab.command(`ip neigh del ${NEXT_HOP} dev p1`);
          model.forget();
        }
        sent.push(...lab.out());
        expect(sent).toEqual(model.sent);
        expect(lab.ipv4.icmp.map(({ t, id }) => `${t} ${id}`)).toEqual(model.failures);
        expect(lab.state(NEXT_HOP, 'p1')).toBe(model.state);
      }
      lab.command('ip link set p1 down');
      lab.command(`ip neigh del ${NEXT_HOP} dev p1`);
      expect(lab.inUse).toBe(0);
    }),
    { seed: 6, numRuns: 300 },
  );
});

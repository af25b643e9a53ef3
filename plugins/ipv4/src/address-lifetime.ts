/**
 * address-lifetime.ts — addresses that are for a time only: deprecated when it is no longer preferred, gone when it is no longer
 * valid (RFC 4862 §5.5.4 in IPv4's dress; cf. Linux net/ipv4/devinet.c set_ifa_lifetime, check_lifetime).
 */
import { IFA_F_DEPRECATED, IFA_F_PERMANENT, type Ifaddr, type Net, Timer } from '@packetwalk/framework';

/** Seconds: for ever (INFINITY_LIFE_TIME). */
export const FOREVER = 0xffffffff;

export class AddressLifetimes {
  private readonly net: Net;
  private readonly addresses: () => Iterable<Ifaddr>;
  private readonly expire: (ifa: Ifaddr) => void;
  private readonly timer: Timer = new Timer('addresses', () => this.check());

  /** @param expire takes an address away whose time is over */
  constructor(net: Net, addresses: () => Iterable<Ifaddr>, expire: (ifa: Ifaddr) => void) {
    this.net = net;
    this.addresses = addresses;
    this.expire = expire;
  }

  /** Gives an address its time, in seconds from now. */
  set(ifa: Ifaddr, valid: number, preferred: number): void {
    ifa.flags &= ~(IFA_F_PERMANENT | IFA_F_DEPRECATED);
    if (valid === FOREVER) ifa.flags |= IFA_F_PERMANENT;
    if (preferred === 0) ifa.flags |= IFA_F_DEPRECATED;
    ifa.lifetime = valid === FOREVER ? null : { valid, preferred, since: this.net.softirq.jiffies };
    this.arm();
  }

  dispose(): void {
    this.net.softirq.timers.del(this.timer);
  }

  private check(): void {
    const now = this.net.softirq.jiffies;
    for (const ifa of [...this.addresses()]) {
      const { lifetime } = ifa;
      if (lifetime === null || lifetime === undefined) continue;
      const age = now - lifetime.since;
      if (age >= lifetime.valid * 1000) {
        if (ifa.inDev.ifaList.includes(ifa)) this.expire(ifa);
      } else if (lifetime.preferred !== FOREVER && age >= lifetime.preferred * 1000) ifa.flags |= IFA_F_DEPRECATED;
    }
    this.arm();
  }

  /** Sets the timer for the next change. */
  private arm(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const { lifetime, flags } of this.addresses()) {
      if (lifetime === null || lifetime === undefined) continue;
      const { valid, preferred, since } = lifetime;
      next = Math.min(next, since + valid * 1000);
      if (preferred !== FOREVER && (flags & IFA_F_DEPRECATED) === 0) next = Math.min(next, since + preferred * 1000);
    }
    const { timers } = this.net.softirq;
    if (next === Number.POSITIVE_INFINITY) timers.del(this.timer);
    else timers.mod(this.timer, next);
  }
}

/** Seconds that an address is still valid and preferred. */
export function timeLeft(ifa: Ifaddr): { valid: number; preferred: number } {
  const { lifetime } = ifa;
  if (lifetime === null || lifetime === undefined) return { valid: FOREVER, preferred: FOREVER };
  if (lifetime.preferred === FOREVER) return { valid: FOREVER, preferred: FOREVER };
  const age = Math.floor((ifa.inDev.dev.net.softirq.jiffies - lifetime.since) / 1000);
  return { valid: Math.max(0, lifetime.valid - age), preferred: Math.max(0, lifetime.preferred - age) };
}

/** xfrm-lifetime.ts — how long states and policies live (cf. Linux struct xfrm_lifetime_cfg, xfrm_lifetime_cur). */

/** Limits; Infinity or 0 seconds: none. */
export interface LifetimeConfig {
  readonly softBytes: number;
  readonly hardBytes: number;
  readonly softPackets: number;
  readonly hardPackets: number;
  /** Seconds since it was added. */
  readonly softAdd: number;
  readonly hardAdd: number;
  /** Seconds since it was first used. */
  readonly softUse: number;
  readonly hardUse: number;
}

export const NO_LIMITS: LifetimeConfig = {
  softBytes: Number.POSITIVE_INFINITY,
  hardBytes: Number.POSITIVE_INFINITY,
  softPackets: Number.POSITIVE_INFINITY,
  hardPackets: Number.POSITIVE_INFINITY,
  softAdd: 0,
  hardAdd: 0,
  softUse: 0,
  hardUse: 0,
};

/** Not 0: virtual time may begin with it. */
export const NEVER = -1;

/** What has been used up. Times are milliseconds since 1970, NEVER while it has not happened. */
export class Lifetime {
  bytes = 0;
  packets = 0;
  addTime: number = NEVER;
  useTime: number = NEVER;
}

export interface Mark {
  readonly value: number;
  readonly mask: number;
}
export const NO_MARK: Mark = { value: 0, mask: 0 };

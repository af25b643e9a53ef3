/** nud-names.ts — states as people write and read them (cf. iproute2 ip/ipneigh.c). */
import {
  getUnsigned,
  matches,
  NUD_DELAY,
  NUD_FAILED,
  NUD_INCOMPLETE,
  NUD_NOARP,
  NUD_NONE,
  NUD_PERMANENT,
  NUD_PROBE,
  NUD_REACHABLE,
  NUD_STALE,
} from '@packetwalk/framework';

/** In the order in which several bits are printed. */
const NAMES: readonly [number, string][] = [
  [NUD_INCOMPLETE, 'INCOMPLETE'],
  [NUD_REACHABLE, 'REACHABLE'],
  [NUD_STALE, 'STALE'],
  [NUD_DELAY, 'DELAY'],
  [NUD_PROBE, 'PROBE'],
  [NUD_FAILED, 'FAILED'],
  [NUD_NOARP, 'NOARP'],
  [NUD_PERMANENT, 'PERMANENT'],
];

/** These may be cut short; the others may not. */
const SHORTENED = new Set(['permanent', 'reachable', 'failed']);

/** Names of the bits of a state; none for NUD_NONE. */
export function nudStateNames(state: number): string[] {
  return NAMES.filter(([bit]) => (state & bit) !== 0).map(([, name]) => name);
}

/** A state by name, or by number when it is one bit or 0; null for anything else (nud_state_a2n). */
export function nudStateByName(word: string): number | null {
  if (word === 'none') return NUD_NONE;
  for (const [state, name] of NAMES) {
    const lower = name.toLowerCase();
    if (SHORTENED.has(lower) ? matches(word, lower) : word === lower) return state;
  }
  const state = getUnsigned(word, 0xff);
  return state !== null && (state & (state - 1)) === 0 ? state : null;
}

/** match/byte-rate.ts — rates in bytes: `512kb/s` (cf. iptables' libxt_hashlimit.c). */

/** Rates are kept as the part of 2^32 of a second that 16 bytes take. */
const CHUNK_SHIFT = 4;
const UINT32_MAX = 0xffffffff;

const UNITS: readonly (readonly [string, number])[] = [
  ['m', 1024 * 1024],
  ['k', 1024],
  ['', 1],
];

/** Bytes of `512kb`, `1mb`, `96b` with `suffix` behind; null for anything else. */
export function parseBytes(text: string, suffix: string): number | null {
  const m = /^(\d+)(m|k|)b$/i.exec(text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : '');
  if (m === null) return null;
  const unit = UNITS.find(([name]) => name === m[2].toLowerCase()) as readonly [string, number];
  return Math.min(Number(m[1]) * unit[1], UINT32_MAX);
}

export function bytesToCost(bytes: number): number {
  return Math.floor(UINT32_MAX / ((bytes >>> CHUNK_SHIFT) + 1));
}

/** Bytes a second. */
export function costToBytes(cost: number): number {
  return (Math.floor(UINT32_MAX / cost) - 1) * 2 ** CHUNK_SHIFT;
}

/** `512kb/s`: the largest unit that still means the same. */
export function byteRateText(cost: number): string {
  const bytes = costToBytes(cost);
  const [name, size] = UNITS.find((u) => u[1] === 1 || (bytes >= u[1] && bytesToCost(bytes - (bytes % u[1])) === cost)) as readonly [
    string,
    number,
  ];
  return `${Math.floor(bytes / size)}${name}b/s`;
}

/** `1mb`: a burst of so many seconds. */
export function byteBurstText(cost: number, seconds: number): string {
  const bytes = costToBytes(cost) * seconds;
  const [name, size] = UNITS.find((u) => bytes >= u[1]) ?? ['', 1];
  return `${Math.floor(bytes / size)}${name}b`;
}

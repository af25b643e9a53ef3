/** proc/hex-address.ts — addresses as /proc/net shows them on a little-endian machine: `0A00A8C0` is 192.168.0.10. */

export function hexAddress(address: number): string {
  const swapped = ((address & 0xff) << 24) | ((address & 0xff00) << 8) | ((address >>> 8) & 0xff00) | (address >>> 24);
  return (swapped >>> 0).toString(16).toUpperCase().padStart(8, '0');
}

/** iproute/realms.ts — realms of routes and rules: a source's and a destination's, 16 bits each (cf. iproute2 get_rt_realms_or_raw). */
import { getUnsigned, invarg } from '@packetwalk/framework';

/** `SOURCE/DESTINATION` or `DESTINATION`; `wrong` is the reason in the refusal of another word. */
export function parseRealms(word: string, wrong: string): number {
  const parts = word.split('/');
  const numbers = parts.map((part) => getUnsigned(part, 0xffff) ?? invarg(wrong, word));
  if (numbers.length > 2) return invarg(wrong, word);
  return numbers.length === 1 ? numbers[0] : (numbers[0] << 16) | numbers[1];
}

/** `realm DESTINATION` or `realms SOURCE/DESTINATION`, as routes are listed. */
export function realmWords(realms: number): string[] {
  if (realms === 0) return [];
  const to = String(realms & 0xffff);
  return realms >>> 16 === 0 ? ['realm', to] : ['realms', `${realms >>> 16}/${to}`];
}

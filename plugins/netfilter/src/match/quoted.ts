/** match/quoted.ts — words as iptables-save writes them so that they are read back as one (xtables_save_string). */

/** As it is when only plain characters are in it, else in double quotes with `\` before `"`, `\` and `'`. */
export function quoted(text: string): string {
  if (text !== '' && /^[-_A-Za-z0-9]*$/.test(text)) return text;
  return `"${text.replace(/["'\\]/g, '\\$&')}"`;
}

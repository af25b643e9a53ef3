/** match/conntrack-helper.ts — `-m helper`: connections that a helper has announced: an FTP server's data, say (cf. Linux net/netfilter/xt_helper.c). */
import { defineMatch, type XtMatch, xtString } from '@packetwalk/framework';
import { conntrackUser } from '../conntrack/conntrack-user.ts';
import type { NfConn } from '../conntrack/nf-conn.ts';
import type { NfConntrack } from '../conntrack/nf-conntrack.ts';
import { quoted } from './quoted.ts';

export function helper(nct: NfConntrack): XtMatch {
  return defineMatch({
    name: 'helper',
    pure: true,
    options: { helper: { value: xtString(29), invert: true, mandatory: true } },
    init: ({ helper: { value, invert } }) => ({ name: value, invert }),
    save: ({ name, invert }) => `${invert ? '! ' : ''}--helper ${quoted(name)}`,
    print: ({ name, invert }) => `helper match ${invert ? '! ' : ''}"${name}"`,
    match(skb, _par, { name, invert }) {
      const found = (skb.nfct as NfConn | null)?.ext?.master?.ext?.helper ?? null;
      // Any helper will do for an empty name; a longer name than the helper's means it too (`ftp-2121`).
      return (found !== null && (name === '' || name.startsWith(found.name))) !== invert;
    },
    ...conntrackUser(nct),
  });
}

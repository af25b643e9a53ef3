/** man-page.ts — the manual page, packetwalk(1), from the commands that are registered (man(7)). */
import type { Command } from '@packetwalk/framework';
import { helpText } from '../cli/src/help.ts';
import { SUBCOMMANDS } from '../cli/src/subcommands.ts';

/** A text as it stands: no word of it is a request of roff. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/gm, '\\&$1');
}

const literal = (text: string): string => `.nf\n${roff(text.trimEnd())}\n.fi`;

/** What `packetwalk --help` says behind a heading, up to the next one. */
function helpSection(heading: string): string {
  const [, body = ''] = new RegExp(`^${heading}:\\n((?: .*\\n)+)`, 'm').exec(helpText()) ?? [];
  return body.replace(/^ {2}/gm, '');
}

/** The page. `commands` are those of routers. */
export function manPage(commands: readonly Command[], version: string): string {
  const sorted = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
  return `.\\" Made by npm run docs.
.TH PACKETWALK 1 "" "packetwalk ${version}" "User Commands"
.SH NAME
packetwalk \\- a userspace IPv4 router you compose from a YAML file
.SH SYNOPSIS
${literal(helpSection('Usage'))}
.SH DESCRIPTION
A config names the plugins that a router is made of, its devices, addresses, routes and rules.
.B packetwalk run
makes it; every other command but those below is sent to a router that runs, as its original tool has it.
.SH OPTIONS
${literal(helpSection('Options'))}
.SH COMMANDS
${Object.entries(SUBCOMMANDS)
  .map(([name, { summary }]) => `.TP\n.B ${roff(name)}\n${roff(summary)}`)
  .join('\n')}
.SH COMMANDS OF ROUTERS
Those of the built-in plugins. A router has the commands of its own plugins.
${sorted.map(({ name, summary, usage }) => `.SS ${roff(name)}\n${roff(`${summary[0].toUpperCase()}${summary.slice(1)}.`)}\n.PP\n${literal(usage)}`).join('\n')}
.SH EXIT STATUS
.TP
.B 0
Success.
.TP
.B 1
Failure: no router runs, something went wrong while running, a test differs.
.TP
.B 2
Wrong usage, or a config that cannot be used; nothing was started.
.TP
.B 130
Ended at once by a second signal.
.PP
Commands of routers end as their original tools do.
.SH ENVIRONMENT
.TP
.B NO_COLOR
No colours, wherever output goes.
.TP
.B PACKETWALK_RUN_DIR
Where control sockets are. Unless told: /run/packetwalk for root, /run/user/UID/packetwalk for others, or a folder below
.B TMPDIR
where there is none.
.SH SEE ALSO
.BR ip (8),
.BR iptables (8),
.BR ebtables (8),
.BR brctl (8),
.BR sysctl (8)
`;
}

/** help.ts — what `packetwalk --help` prints. Kept apart: it must load nothing. */

const HELP = `packetwalk — a userspace IPv4 router you compose from a YAML file

Usage:
  packetwalk run FILE               run the router or lab of a config, until it ends or Ctrl-C
  packetwalk check FILE...          say everything that is wrong with a config; open and change nothing
  packetwalk schema [FILE]          write the JSON Schema of configs, for editors
  packetwalk trace [FILTER] [FILE]  print the walk of each packet: of a running router, or of a config's script or captures
  packetwalk capture -i DEV [FILTER]  print the packets of a running router, or save them: -w FILE
  packetwalk scenario IN OUT        play a compiled scenario in virtual time, write what came out
  packetwalk test FILE...           play scenarios and compare what came out with what they expect
  packetwalk init KIND NAME         begin a router, lab, plugin, driver or fib-backend, with a test that passes
  packetwalk version                print the version
  packetwalk completion SHELL       write completions for bash, zsh or fish
  packetwalk [-r NAME] COMMAND...   a command for a running router, as its tool has it:
                                    ip addr | link | route | neigh | rule, arp, ping, sysctl, stats, cat /proc/...

Options:
  -r, --router NAME   which running router, or router of a running lab
  -V, --version       print the version
  -h, --help          print this; behind a command, what it understands
  --json              behind a command of ours: an object a line; ip -j prints what iproute2 does

Exit status: 0 success, 1 failure, 2 wrong usage or config; commands of routers have their tool's own.
`;

export function helpText(): string {
  return HELP;
}

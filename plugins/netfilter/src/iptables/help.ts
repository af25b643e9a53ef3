/** iptables/help.ts — what `-h` prints. */

export const IPTABLES_HELP = `Usage: iptables [-t TABLE] COMMAND [CHAIN] [RULE] [OPTIONS]

Commands:
  -A, --append CHAIN RULE          put a rule at the end
  -C, --check CHAIN RULE           is there such a rule?
  -D, --delete CHAIN RULE|NUMBER   take a rule away
  -I, --insert CHAIN [NUMBER] RULE put a rule in front of rule NUMBER (1)
  -R, --replace CHAIN NUMBER RULE  put a rule in another's place
  -L, --list [CHAIN [NUMBER]]      show rules in columns
  -S, --list-rules [CHAIN [NUMBER]] show rules as commands
  -F, --flush [CHAIN]              take all rules away
  -Z, --zero [CHAIN [NUMBER]]      set counters to 0
  -N, --new-chain CHAIN            make a chain
  -X, --delete-chain [CHAIN]       take an empty chain away
  -P, --policy CHAIN ACCEPT|DROP   what becomes of packets that no rule decides on
  -E, --rename-chain CHAIN NAME    rename a chain

Rule ([!] turns what follows round):
  [!] -p, --protocol PROTOCOL      number or name
  [!] -s, --source ADDRESS[/MASK][,...]
  [!] -d, --destination ADDRESS[/MASK][,...]
  [!] -i, --in-interface NAME[+]
  [!] -o, --out-interface NAME[+]
  [!] -f, --fragment               second and later fragments
  -m, --match MATCH                more to ask for, with its own options
  -j, --jump TARGET                verdict, target or chain
  -g, --goto CHAIN                 go on in a chain, and do not come back
  -c, --set-counters PACKETS BYTES

Options:
  -t, --table TABLE                filter, nat, mangle, raw, security (filter)
  -n, --numeric  -v, --verbose  -x, --exact  --line-numbers
  -w, --wait [SECONDS]             taken and ignored: commands never wait for each other
  -V, --version  -h, --help
`;

export const RESTORE_HELP = `Usage: iptables-restore [-c] [-n] [-t] [-v] [-T TABLE]
  -c, --counters     take packet and byte counters over
  -n, --noflush      add to what there is
  -t, --test         check the text only
  -v, --verbose      show its comments
  -T, --table TABLE  this table only
  -w, --wait  -W, --wait-interval  taken and ignored
The text comes on standard input; all of it takes effect, or nothing.
`;

export const SAVE_HELP = `Usage: iptables-save [-c] [-t TABLE]
  -c, --counters     with packet and byte counters
  -t, --table TABLE  this table only
`;

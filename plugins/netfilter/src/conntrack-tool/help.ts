/** conntrack-tool/help.ts — what `conntrack -h` prints. */
export const CONNTRACK_HELP = `Usage: conntrack COMMAND [TABLE] [OPTIONS]

Commands:
  -L, --dump [TABLE]     show connections, or expectations
  -E, --event [TABLE]    show what happens to them, until interrupted
  -G, --get              show the connection between two ends
  -I, --create           make a connection
  -A, --add              make a connection unless it is there
  -U, --update           change connections
  -D, --delete           end connections
  -F, --flush [TABLE]    end all of them
  -C, --count [TABLE]    how many there are
  -S, --stats [TABLE]    what was counted
  -V, --version  -h, --help

Tables: conntrack, expect; dying and unconfirmed are always empty

Which connections:
  -s, --src, --orig-src ADDRESS[/LENGTH]   source of the original direction
  -d, --dst, --orig-dst ADDRESS[/LENGTH]   destination of the original direction
  -r, --reply-src ADDRESS                  source of the reply direction
  -q, --reply-dst ADDRESS                  destination of the reply direction
      --mask-src MASK  --mask-dst MASK
  -p, --protonum PROTOCOL                  number or name
  -f, --family ipv4
  -n, --src-nat [ADDRESS[:PORT]]           sources translated, to there
  -g, --dst-nat [ADDRESS[:PORT]]           destinations translated, to there
  -j, --any-nat [ADDRESS[:PORT]]           either
  -m, --mark MARK[/MASK]
  -u, --status [!]WORD[,...]               ASSURED, SEEN_REPLY, UNREPLIED, FIXED_TIMEOUT, EXPECTED, UNSET
  -w, --zone N  --orig-zone N  --reply-zone N
  -i, --id ID
With -I, -A and -U they say what the connection is to be, and so does
  -t, --timeout SECONDS                    how long it lives without packets

  tcp, udp, udplite, sctp, dccp: --sport  --dport  --reply-port-src  --reply-port-dst
  tcp, sctp: --state STATE     sctp: --orig-vtag N  --reply-vtag N
  icmp: --icmp-type N  --icmp-code N  --icmp-id N
  gre: --srckey N  --dstkey N  --reply-key-src N  --reply-key-dst N

Output:
  -o, --output WORD[,...]                  xml, extended, timestamp, ktimestamp, id; or save
  -z, --zero                               counters begin at 0 again
  -e, --event-mask WORD[,...]              ALL, NEW, UPDATES, DESTROY
  -b, --buffer-size BYTES                  taken and ignored
`;

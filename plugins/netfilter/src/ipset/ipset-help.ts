/** ipset/ipset-help.ts — what `ipset help` says. */
export const IPSET_HELP = `ipset v7.17

Usage: ipset [options] COMMAND

Commands:
create SETNAME TYPENAME [type-specific-options]
        Create a new set
add SETNAME ENTRY
        Add entry to the named set
del SETNAME ENTRY
        Delete entry from the named set
test SETNAME ENTRY
        Test entry in the named set
destroy [SETNAME]
        Destroy a named set or all sets
list [SETNAME]
        List the entries of a named set or all sets
save [SETNAME]
        Save the named set or all sets to stdout
restore
        Restore a saved state
flush [SETNAME]
        Flush a named set or all sets
rename FROM-SETNAME TO-SETNAME
        Rename two sets
swap FROM-SETNAME TO-SETNAME
        Swap the content of two existing sets
version
        Print version information

Options:
-o plain|save|xml
        How sets are listed.
-s      Print elements sorted.
-q      Suppress any notice or warning message.
-!      Ignore errors when creating or adding sets or elements that do exist,
        or when deleting elements that don't exist.
-n      When listing, just list setnames.
-t      When listing, list setnames and set headers.

Set types: hash:ip  hash:net  hash:ip,port  hash:net,port  hash:ip,port,ip
           hash:ip,port,net  hash:net,iface  bitmap:ip  bitmap:port  list:set

create hash:*    [family inet] [hashsize N] [maxelem N] [netmask N]
                 [bucketsize N] [forceadd]
create bitmap:*  range FROM-TO [netmask N]
create list:set  [size N]
                 [timeout SECONDS] [counters] [comment] [skbinfo]
add              [timeout SECONDS] [packets N] [bytes N] [comment "string"]
                 [skbmark MARK/MASK] [skbprio MAJOR:MINOR] [skbqueue N]
                 [nomatch] [wildcard] [before|after SETNAME]
`;

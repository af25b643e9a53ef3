/** snmp.ts — the counters of RFC 4293 (IP), RFC 5706-style ICMP and RFC 4113 (UDP), in the kernel's names and order. */

/** Columns of the `Ip:` line of /proc/net/snmp; Forwarding and DefaultTTL are settings, not counters. */
export const IP_MIB: readonly string[] = [
  'InReceives',
  'InHdrErrors',
  'InAddrErrors',
  'ForwDatagrams',
  'InUnknownProtos',
  'InDiscards',
  'InDelivers',
  'OutRequests',
  'OutDiscards',
  'OutNoRoutes',
  'ReasmTimeout',
  'ReasmReqds',
  'ReasmOKs',
  'ReasmFails',
  'FragOKs',
  'FragFails',
  'FragCreates',
  'OutTransmits',
];
export const IPSTATS_MIB_INPKTS = 0;
export const IPSTATS_MIB_INHDRERRORS = 1;
export const IPSTATS_MIB_INADDRERRORS = 2;
export const IPSTATS_MIB_OUTFORWDATAGRAMS = 3;
export const IPSTATS_MIB_INUNKNOWNPROTOS = 4;
export const IPSTATS_MIB_INDISCARDS = 5;
export const IPSTATS_MIB_INDELIVERS = 6;
export const IPSTATS_MIB_OUTREQUESTS = 7;
export const IPSTATS_MIB_OUTDISCARDS = 8;
export const IPSTATS_MIB_OUTNOROUTES = 9;
export const IPSTATS_MIB_REASMTIMEOUT = 10;
export const IPSTATS_MIB_REASMREQDS = 11;
export const IPSTATS_MIB_REASMOKS = 12;
export const IPSTATS_MIB_REASMFAILS = 13;
export const IPSTATS_MIB_FRAGOKS = 14;
export const IPSTATS_MIB_FRAGFAILS = 15;
export const IPSTATS_MIB_FRAGCREATES = 16;
export const IPSTATS_MIB_OUTPKTS = 17;

/** Counters of /proc/net/netstat's `IpExt:` line that are kept. */
export const IPEXT_MIB: readonly string[] = [
  'InNoRoutes',
  'InTruncatedPkts',
  'InMcastPkts',
  'OutMcastPkts',
  'InBcastPkts',
  'OutBcastPkts',
  'InOctets',
  'OutOctets',
  'InMcastOctets',
  'OutMcastOctets',
  'InBcastOctets',
  'OutBcastOctets',
  'InCsumErrors',
  'InNoECTPkts',
  'InECT1Pkts',
  'InECT0Pkts',
  'InCEPkts',
  'ReasmOverlaps',
];
export const IPSTATS_MIB_INNOROUTES = 0;
export const IPSTATS_MIB_INTRUNCATEDPKTS = 1;
export const IPSTATS_MIB_INMCASTPKTS = 2;
export const IPSTATS_MIB_OUTMCASTPKTS = 3;
export const IPSTATS_MIB_INBCASTPKTS = 4;
export const IPSTATS_MIB_OUTBCASTPKTS = 5;
export const IPSTATS_MIB_INOCTETS = 6;
export const IPSTATS_MIB_OUTOCTETS = 7;
export const IPSTATS_MIB_INMCASTOCTETS = 8;
export const IPSTATS_MIB_OUTMCASTOCTETS = 9;
export const IPSTATS_MIB_INBCASTOCTETS = 10;
export const IPSTATS_MIB_OUTBCASTOCTETS = 11;
export const IPSTATS_MIB_CSUMERRORS = 12;
/** First of four: packets by the ECN field, 0 … 3. */
export const IPSTATS_MIB_NOECTPKTS = 13;
export const IPSTATS_MIB_REASM_OVERLAPS = 17;

export const ICMP_MIB: readonly string[] = [
  'InMsgs',
  'InErrors',
  'InCsumErrors',
  'InDestUnreachs',
  'InTimeExcds',
  'InParmProbs',
  'InSrcQuenchs',
  'InRedirects',
  'InEchos',
  'InEchoReps',
  'InTimestamps',
  'InTimestampReps',
  'InAddrMasks',
  'InAddrMaskReps',
  'OutMsgs',
  'OutErrors',
  'OutRateLimitGlobal',
  'OutRateLimitHost',
  'OutDestUnreachs',
  'OutTimeExcds',
  'OutParmProbs',
  'OutSrcQuenchs',
  'OutRedirects',
  'OutEchos',
  'OutEchoReps',
  'OutTimestamps',
  'OutTimestampReps',
  'OutAddrMasks',
  'OutAddrMaskReps',
];
export const ICMP_MIB_INMSGS = 0;
export const ICMP_MIB_INERRORS = 1;
export const ICMP_MIB_CSUMERRORS = 2;
/** First of the eleven per-type input counters, and of the output ones. */
export const ICMP_MIB_IN_TYPES = 3;
export const ICMP_MIB_OUTMSGS = 14;
export const ICMP_MIB_OUTERRORS = 15;
export const ICMP_MIB_RATELIMITGLOBAL = 16;
export const ICMP_MIB_RATELIMITHOST = 17;
export const ICMP_MIB_OUT_TYPES = 18;

export const UDP_MIB: readonly string[] = [
  'InDatagrams',
  'NoPorts',
  'InErrors',
  'OutDatagrams',
  'RcvbufErrors',
  'SndbufErrors',
  'InCsumErrors',
  'IgnoredMulti',
  'MemErrors',
];
export const UDP_MIB_INDATAGRAMS = 0;
export const UDP_MIB_NOPORTS = 1;
export const UDP_MIB_INERRORS = 2;
export const UDP_MIB_OUTDATAGRAMS = 3;
export const UDP_MIB_RCVBUFERRORS = 4;
export const UDP_MIB_SNDBUFERRORS = 5;
export const UDP_MIB_CSUMERRORS = 6;
export const UDP_MIB_IGNOREDMULTI = 7;

export const TCP_MIB: readonly string[] = ['InSegs', 'OutSegs', 'InErrs', 'OutRsts', 'InCsumErrors'];
export const TCP_MIB_INSEGS = 0;
export const TCP_MIB_OUTSEGS = 1;
export const TCP_MIB_INERRS = 2;
export const TCP_MIB_OUTRSTS = 3;
export const TCP_MIB_CSUMERRORS = 4;

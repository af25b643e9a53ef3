/** core/stats.ts — `stats`: counters of devices, protocols and plugins, and the drops by reason. */
import type { Command } from '../command.ts';
import { dropReasonCount, dropReasonName, dropReasonText } from '../drop-reason.ts';
import { CommandError } from '../errors.ts';
import type { Net } from '../net.ts';
import { RX_BYTES, RX_DROPPED, RX_PACKETS, TX_BYTES, TX_DROPPED, TX_PACKETS } from '../netdevice.ts';

const USAGE = `Usage: stats [ --json ] [ --all ]
Counters of devices, protocols and plugins, and drops by reason. Zero counters are left out unless --all is given.
`;

/** Everything that is counted, as one object: what `--json` prints and metrics export. */
export function collectStats(net: Net, all = false): Record<string, unknown> {
  const keep = (v: number): boolean => all || v !== 0;
  const devices: Record<string, Record<string, number>> = {};
  for (const { name, stats } of net.devices()) {
    devices[name] = {
      rx_packets: stats[RX_PACKETS],
      rx_bytes: stats[RX_BYTES],
      rx_dropped: stats[RX_DROPPED],
      tx_packets: stats[TX_PACKETS],
      tx_bytes: stats[TX_BYTES],
      tx_dropped: stats[TX_DROPPED],
    };
  }
  const counters: Record<string, Record<string, number>> = {};
  for (const group of net.metrics.all()) {
    const entries = group.names.map((name, i): [string, number] => [name, group.values[i]]).filter(([, v]) => keep(v));
    if (entries.length > 0) counters[group.name] = Object.fromEntries(entries);
  }
  const drops: Record<string, number> = {};
  for (let r = 0; r < dropReasonCount(); r++) if (keep(net.drops[r])) drops[dropReasonName(r)] = net.drops[r];
  return { router: net.name, devices, counters, drops, packets_in_use: net.pool.inUse, faults: Object.fromEntries(net.softirq.faults) };
}

export function statsCommand(net: Net): Command {
  return {
    name: 'stats',
    summary: 'show counters and drops by reason',
    usage: USAGE,
    run(args, io) {
      const options = new Set(args);
      if (options.delete('-h') || options.delete('--help')) {
        io.out(USAGE);
        return;
      }
      const all = options.delete('--all');
      const json = options.delete('--json') || io.flags.has('json');
      for (const unknown of options) throw new CommandError(`stats: unknown option ${unknown}\n${USAGE.trimEnd()}`, 2);
      const stats = collectStats(net, all);
      io.out(json ? `${JSON.stringify(stats)}\n` : formatStats(stats));
    },
  };
}

function formatStats(stats: Record<string, unknown>): string {
  const lines: string[] = [];
  const devices = Object.entries(stats.devices as Record<string, Record<string, number>>);
  const width = Math.max(6, ...devices.map(([name]) => name.length));
  lines.push(
    `${'device'.padEnd(width)}  ${['rx packets', 'rx bytes', 'rx dropped', 'tx packets', 'tx bytes', 'tx dropped'].map((h) => h.padStart(12)).join('')}`,
  );
  for (const [name, values] of devices)
    lines.push(
      `${name.padEnd(width)}  ${Object.values(values)
        .map((v) => String(v).padStart(12))
        .join('')}`,
    );
  for (const [group, values] of Object.entries(stats.counters as Record<string, Record<string, number>>)) {
    lines.push('', group, ...Object.entries(values).map(([name, v]) => `  ${name.padEnd(20)} ${v}`));
  }
  const drops = Object.entries(stats.drops as Record<string, number>);
  if (drops.length > 0) {
    const texts = new Map(Array.from({ length: dropReasonCount() }, (_, r) => [dropReasonName(r), dropReasonText(r)]));
    lines.push('', 'drops', ...drops.map(([name, v]) => `  ${name.padEnd(24)} ${String(v).padEnd(10)} ${texts.get(name) ?? ''}`.trimEnd()));
  }
  const faults = Object.entries(stats.faults as Record<string, number>);
  if (faults.length > 0) lines.push('', 'faults', ...faults.map(([name, v]) => `  ${name}: ${v}`));
  return `${lines.join('\n')}\n`;
}

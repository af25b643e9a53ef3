/** proc/dev.ts — /proc/net/dev: counters of devices (cf. Linux net/core/net-procfs.c dev_seq_show). */
import {
  COLLISIONS,
  MULTICAST,
  type Net,
  type NetDevice,
  RX_BYTES,
  RX_DROPPED,
  RX_ERRORS,
  RX_PACKETS,
  TX_BYTES,
  TX_DROPPED,
  TX_ERRORS,
  TX_PACKETS,
} from '@packetwalk/framework';

const HEAD = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
`;

export function procNetDev(net: Net): string {
  return HEAD + net.devices().map(line).join('');
}

/** FIFO, frame, carrier and compression counters belong to hardware: nobody counts them here. */
function line({ name, stats }: NetDevice): string {
  const cell = (value: number, width: number): string => String(value).padStart(width);
  return `${[
    `${name.padStart(6)}:`,
    cell(stats[RX_BYTES], 7),
    cell(stats[RX_PACKETS], 7),
    cell(stats[RX_ERRORS], 4),
    cell(stats[RX_DROPPED], 4),
    cell(0, 4),
    cell(0, 5),
    cell(0, 10),
    cell(stats[MULTICAST], 9),
    cell(stats[TX_BYTES], 8),
    cell(stats[TX_PACKETS], 7),
    cell(stats[TX_ERRORS], 4),
    cell(stats[TX_DROPPED], 4),
    cell(0, 4),
    cell(stats[COLLISIONS], 5),
    cell(0, 7),
    cell(0, 10),
  ].join(' ')}\n`;
}

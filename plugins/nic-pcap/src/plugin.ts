/** plugin.ts — driver nic-pcap: devices that receive a capture and write what they send to another. */
import { resolve } from 'node:path';
import { definePlugin, type Plugin, type SchemaObject } from '@packetwalk/framework';
import { COUNTERS, openAccount } from './account.ts';
import { PcapDevice, ReplayDevice } from './pcap-device.ts';
import { Receiver } from './receiver.ts';
import { type CaptureFormat, Sender } from './sender.ts';

interface PcapConfig {
  readonly read?: string;
  readonly write?: string;
  readonly format?: CaptureFormat;
  readonly replay?: 'fast' | 'timestamps';
  readonly interface?: string;
}

const schema: SchemaObject = {
  type: 'object',
  properties: {
    read: {
      description: 'Capture whose frames arrive here: pcap or pcapng; “-” is standard input. Relative to the config.',
      type: 'string',
      minLength: 1,
    },
    write: {
      description: 'Capture of what is sent here, overwritten at the start; “-” is standard output. Relative to the config.',
      type: 'string',
      minLength: 1,
    },
    format: {
      description: 'Format to write; unless told, pcapng for a name that ends so, else pcap. nsecpcap is pcap with nanoseconds.',
      enum: ['pcap', 'nsecpcap', 'pcapng'],
    },
    replay: {
      description: 'fast (unless told): as fast as the router takes them, in order of time. timestamps: at the recorded distances.',
      enum: ['fast', 'timestamps'],
    },
    interface: {
      description: 'Of a pcapng file with several interfaces, read the frames of this one only: its name, or its number from 0.',
      type: 'string',
      minLength: 1,
    },
  },
  anyOf: [{ required: ['read'] }, { required: ['write'] }],
  dependencies: { format: ['write'], replay: ['read'], interface: ['read'] },
};

const plugin: Plugin = definePlugin({
  name: 'nic-pcap',
  counters: COUNTERS,
  setup(ctx) {
    const account = openAccount(ctx);
    ctx.driver<PcapConfig>({
      name: 'nic-pcap',
      schema,
      create({ read, write, format, replay, interface: only }, { net: { softirq }, log, baseDir }) {
        const at = (path: string): string => (path === '-' ? path : resolve(baseDir, path));
        let sender: Sender | null = null;
        if (write !== undefined) {
          const shown = write === '-' ? 'standard output' : write;
          sender = new Sender({ path: at(write), shown, format: format ?? formatOf(write) }, softirq, log, account);
        }
        if (read === undefined) return { ops: new PcapDevice(sender) };
        const shown = read === '-' ? 'standard input' : read;
        const options = { path: at(read), shown, timed: replay === 'timestamps', interface: only ?? null };
        return { ops: new ReplayDevice(new Receiver(options, softirq, log, account), sender) };
      },
    });
  },
});
export default plugin;

function formatOf(path: string): CaptureFormat {
  return path.endsWith('.pcapng') ? 'pcapng' : 'pcap';
}

/** type-at-guest.ts — command lines typed at a kernel guest, where this machine's own kernel lacks what they are about. */
import { NetnsLab } from '../integration/netns.ts';
import type { Typist } from '../kernel/side-by-side.ts';
import { KernelGuest } from './kernel-guest.ts';

export async function typeAtGuest(): Promise<Typist> {
  const lab = new NetnsLab();
  const guest = await KernelGuest.start(await lab.add('guest'), 'tapg');
  return {
    async type(line) {
      const output = await guest.exec(`{ ${line} ; } 2>&1; echo "status $?"`);
      const [, text, status] = /^([\s\S]*)status (\d+)\n$/.exec(output)!;
      return { status: Number(status), text };
    },
    async close() {
      await guest.stop();
      await lab.close();
    },
  };
}

/** template.ts — a NIC driver: a port that hands back each frame that is sent, with its MAC addresses exchanged. */
import {
  allocSkb,
  consumeSkb,
  definePlugin,
  type NetDevice,
  type NetDeviceOps,
  netifReceiveSkb,
  type SkBuff,
  skbBytes,
  skbPutData,
} from '@packetwalk/framework';

/** Frames that wait to be polled, at most: one more is lost, as on a wire. */
const QUEUE = 256;

/** What the framework asks of a driver. All but `startXmit` may be left out. */
class Reflector implements NetDeviceOps {
  private frames: Uint8Array[] = [];
  private schedule: () => void = () => {};

  /** The device goes up: open files and sockets here; throw an Error with one line when that fails. */
  open(): void {
    this.frames = [];
  }

  /** The device goes down: give back what `open` took. */
  stop(): void {
    this.frames = [];
  }

  /** Call `schedule` whenever there may be frames to poll: when a file becomes readable, say. */
  arm(schedule: () => void): void {
    this.schedule = schedule;
  }

  /** Sends the frame. The packet is the driver's from here on: `consumeSkb` when it was sent, `kfreeSkb` with a reason when not. */
  startXmit(skb: SkBuff): number {
    if (this.frames.length < QUEUE) this.frames.push(reflected(skbBytes(skb)));
    consumeSkb(skb);
    this.schedule();
    return 0;
  }

  /** Hands over at most `budget` frames, and says how many. Fewer than `budget`: there are no more. */
  poll(budget: number, dev: NetDevice): number {
    const burst = this.frames.splice(0, budget);
    for (const frame of burst) {
      const skb = allocSkb(dev.net, dev, frame.length);
      skbPutData(skb, frame);
      netifReceiveSkb(skb);
    }
    return burst.length;
  }
}

function reflected(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  copy.set(frame.subarray(6, 12), 0);
  copy.set(frame.subarray(0, 6), 6);
  return copy;
}

export default definePlugin({
  name: 'template',
  setup(ctx) {
    // Keys of a device in the config besides the common ones: `schema`; `create` gets them.
    ctx.driver({ name: 'template', create: () => ({ ops: new Reflector() }) });
  },
});

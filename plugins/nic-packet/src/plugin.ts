/** @packetwalk/nic-packet — NIC driver for any Linux interface, over AF_PACKET. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'nic-packet',
  setup() {},
});
export default plugin;

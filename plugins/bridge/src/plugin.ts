/** @packetwalk/bridge — Ethernet bridge: forwarding database, spanning tree, VLAN filtering. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'bridge',
  setup() {},
});
export default plugin;

/** @packetwalk/bonding — Bonding: several devices as one. */
import { definePlugin, type Plugin } from '@packetwalk/framework';

const plugin: Plugin = definePlugin({
  name: 'bonding',
  setup() {},
});
export default plugin;

// The modes of kube-proxy by name, for `control.proxy` of an Experiment. A new one is one file and one line here.
import type { ProxyCosts } from '../../../engine/index.ts';
import { iptables } from './iptables.ts';
import { ipvs } from './ipvs.ts';
import { nftables } from './nftables.ts';

export const proxyModes: Readonly<Record<'iptables' | 'ipvs' | 'nftables', ProxyCosts>> = {
  iptables,
  ipvs,
  nftables,
};

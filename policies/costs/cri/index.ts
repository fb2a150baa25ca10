// The container runtimes by name. A new one is one file and one line here.
import type { RuntimeCosts } from '../../../engine/index.ts';
import { containerd } from './containerd.ts';
import { criO } from './cri-o.ts';
import { docker } from './docker.ts';
import { rktlet } from './rktlet.ts';

export const containerRuntimes: Readonly<Record<string, RuntimeCosts>> = {
  [containerd.name]: containerd,
  [criO.name]: criO,
  [docker.name]: docker,
  [rktlet.name]: rktlet,
};

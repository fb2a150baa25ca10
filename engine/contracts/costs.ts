// The cost preset: how long each step takes and how many can go on at once. One file a preset in policies/costs,
// each number with its source; the engine reads nothing else about time. All durations are integer µs.
import type { Duration } from '../kernel/index.ts';
import type { StorageBackend } from './storage-backend.ts';

export interface ClientLimits {
  /** Requests a second; 0 = unlimited. */
  readonly qps: number;
  readonly burst: number;
}

/** kube-proxy in one of its modes. What is absent costs nothing. */
export interface ProxyCosts {
  /** How endpoints are chosen: `ipvs` in turn, others at random. Default iptables. */
  readonly mode?: 'iptables' | 'ipvs' | 'nftables';
  readonly minSyncUs: number;
  /** One sync: fixed part, per changed service, per endpoint of a changed service. */
  readonly syncUs: Duration;
  readonly syncPerServiceUs: number;
  readonly syncPerEndpointUs: number;
  /** Besides, for every Service and every endpoint that there is, changed or not, nanoseconds. */
  readonly syncPerAnyServiceNs?: number;
  readonly syncPerAnyEndpointNs?: number;
  /** Everything is written anew so long after the last time, µs; 0: never. */
  readonly fullSyncEveryUs?: number;
  readonly fullPerServiceUs?: number;
  readonly fullPerEndpointUs?: number;
  /** What the first packet of a connection waits for each Service that there is, nanoseconds. */
  readonly firstPacketPerServiceNs?: number;
}

/** What a container runtime costs, behind the kubelet's CRI. One file a runtime in policies/costs/cri. */
export interface RuntimeCosts {
  readonly name: string;
  /** As in node.status.nodeInfo.containerRuntimeVersion. */
  readonly version: string;
  readonly about: string;
  readonly sandboxUs: Duration;
  readonly containerCreateUs: Duration;
  readonly containerStartUs: Duration;
  readonly stopUs: Duration;
  readonly pullBaseUs: Duration;
  readonly pullBytesPerSecond: number;
  readonly serializeImagePulls: boolean;
  /** Pulls at a time where they are not serialised; 0: no limit. */
  readonly maxParallelImagePulls?: number;
}

export interface PluginCost {
  /** Per pod visited in PreFilter, and in PreScore. */
  readonly filterPodNs: number;
  readonly scorePodNs: number;
  /** Per node examined, unless PreFilter left the plug-in out. */
  readonly filterNodeNs: number;
}

export interface CostPreset {
  readonly name: string;
  readonly about: string;
  readonly apiserver: {
    /** One way between client and server. */
    readonly networkUs: Duration;
    /** Work of the server itself per request, without etcd: by `verb resource`, by `verb`, or `*`. */
    readonly handlerUs: Readonly<Record<string, Duration>>;
    /** Requests worked on at the same time (cores); more wait. */
    readonly concurrency: number;
    /** From commit to the arrival of the watch event at a watcher. */
    readonly watchUs: number;
    /** A request that would wait longer than this for a worker is refused with 429. */
    readonly queueWaitMaxUs: number;
  };
  readonly etcd: {
    /** One WAL fsync with its raft round; writes that arrive meanwhile go together into the next one. */
    readonly fsyncUs: Duration;
    readonly applyUs: number;
    /** Entries a batch at most. */
    readonly batchMax: number;
  };
  readonly clients: {
    readonly kubectl: ClientLimits;
    /** Each controller has a client of its own with these limits. */
    readonly controller: ClientLimits;
    readonly namespaceController: ClientLimits;
    readonly scheduler: ClientLimits;
    readonly kubelet: ClientLimits;
  };
  /** From the start of a kubectl process to its first request; absent: 0. */
  readonly kubectl?: { readonly startUs: Duration };
  readonly controllers: {
    /** Concurrent syncs by controller name; others take `*`. */
    readonly workers: Readonly<Record<string, number>>;
    /** CPU time of one reconcile without its requests, by controller name or `*`. */
    readonly syncUs: Readonly<Record<string, Duration>>;
    readonly endpointsBatchUs: number;
  };
  readonly scheduler: {
    /** Fixed part of one scheduling attempt. */
    readonly attemptUs: Duration;
    /** Per node examined by filters, and per node scored, divided by `parallelism`. Nanoseconds. */
    readonly filterNodeNs: number;
    readonly scoreNodeNs: number;
    readonly parallelism: number;
    /**
     * By name of a plug-in: what it costs where it takes part, beyond the terms above. Nanoseconds a pod that upstream's
     * implementation visits (`Plugin.visits`), divided by `parallelism`; and a node that it filters.
     */
    readonly plugins: Readonly<Record<string, PluginCost>>;
    readonly podInitialBackoffUs: number;
    readonly podMaxBackoffUs: number;
    readonly unschedulableFlushUs: number;
    readonly flushIntervalUs: number;
    /** 0 = adaptive. */
    readonly percentageOfNodesToScore: number;
  };
  readonly kubelet: {
    /** From the pod's arrival by watch to the start of its sync. */
    readonly syncUs: Duration;
    /** RunPodSandbox with CNI ADD. */
    readonly sandboxUs: Duration;
    readonly containerCreateUs: Duration;
    readonly containerStartUs: Duration;
    /** Run time of an init container that is no sidecar. */
    readonly initContainerRunUs: Duration;
    /** From container start to the pod status seen changed (PLEG relist after sync). */
    readonly plegUs: Duration;
    /** Time between two relists, which see that containers have ended; 0 or absent: that is seen at once. */
    readonly plegRelistPeriodUs?: number;
    /** The runtime tells that containers have ended (feature gate EventedPLEG): it is seen at once. */
    readonly eventedPLEG?: boolean;
    readonly serializeImagePulls: boolean;
    /** Pulls at a time where they are not serialised; 0 or absent: no limit. */
    readonly maxParallelImagePulls?: number;
    /** Images that no registry has: names, or with a trailing `*` all that begin so. */
    readonly missingImages?: readonly string[];
    /** Bytes a second per pull. */
    readonly pullBytesPerSecond: number;
    /** Time of a pull besides moving bytes: manifest, unpack start. */
    readonly pullBaseUs: Duration;
    /** Size of an image whose node status or `imageBytes` does not say. */
    readonly imageBytesDefault: number;
    readonly imageBytes: Readonly<Record<string, number>>;
    readonly registryQps: number;
    readonly registryBurst: number;
    /** A container takes this long from SIGTERM to exit (at most the grace period). */
    readonly stopUs: Duration;
    readonly crashBackoffBaseUs: number;
    readonly crashBackoffMaxUs: number;
    readonly crashBackoffResetUs: number;
    /** First readiness probe runs within this of the container's start when the probe has no initial delay. */
    readonly probeUs: Duration;
    /**
     * Eviction by pressure, by KubeletConfiguration's names: thresholds by signal (`memory.available: 100Mi`,
     * `nodefs.available: 10%`), their grace (`90s`), what is to be freed beyond them.
     */
    readonly evictionHard?: Readonly<Record<string, string>>;
    readonly evictionSoft?: Readonly<Record<string, string>>;
    readonly evictionSoftGracePeriod?: Readonly<Record<string, string>>;
    readonly evictionMinimumReclaim?: Readonly<Record<string, string>>;
    /** Grace of pods evicted by a soft threshold at most, s. */
    readonly evictionMaxPodGracePeriod?: number;
    /** A condition of pressure stays for so long after its threshold was met last; 0 or absent: 5 min. */
    readonly evictionPressureTransitionPeriodUs?: number;
    /** Time between two looks; absent: 10 s. */
    readonly evictionMonitoringPeriodUs?: number;
    /** Garbage collection of images, by KubeletConfiguration's names; absent: 85, 80, 2 min, and no maximum (0). */
    readonly imageGCHighThresholdPercent?: number;
    readonly imageGCLowThresholdPercent?: number;
    readonly imageMinimumGCAgeUs?: number;
    readonly imageMaximumGCAgeUs?: number;
    readonly nodeStatusUs: number;
    readonly leaseRenewUs: number;
    /**
     * Kubelets that only wait: from bound to started, from started to ready, from told to stop to stopped. No sandbox,
     * no pulls, no probes. What a pod's annotations `kubetick.io/…` say goes before.
     */
    readonly exactDelays?: { readonly startUs: number; readonly readyUs: number; readonly stopUs: number };
  };
  /** Container runtimes that nodes can name (annotation kubetick.io/container-runtime). */
  readonly runtimes?: Readonly<Record<string, RuntimeCosts>>;
  /**
   * The resource metrics API: containers are looked at each `resolutionUs`, and a value is the mean since the look
   * before; 0: what is used at the moment it is asked for. Absent: 0 and 15 s.
   */
  readonly metrics?: { readonly resolutionUs: number; readonly windowUs: number };
  /** Storage backends by name; absent: nobody makes, attaches or mounts volumes, and mounting takes no time. */
  readonly storage?: Readonly<Record<string, StorageBackend>>;
  readonly proxy: ProxyCosts;
  /** Ways between clients and pods, one way, µs; absent: they take no time. */
  readonly network?: {
    readonly sameNodeUs: number;
    readonly sameZoneUs: number;
    readonly otherZoneUs: number;
    /** Between a client outside and the node that its packets come to. */
    readonly outsideUs: number;
    /** A name that a node's clients do not know is asked for; the answer holds for `dnsTtlUs`. */
    readonly dnsUs: number;
    readonly dnsTtlUs: number;
  };
  /** The cloud's load balancers; absent: no provider, Services of type LoadBalancer stay without an address. */
  readonly loadBalancer?: {
    /** Calls of the provider: until a new one works, until a change of one has been taken over, until one is gone. */
    readonly ensureUs: Duration;
    readonly updateUs: Duration;
    readonly deleteUs: Duration;
    /** A node is asked this often; so many answers in a row, good or bad, change what the load balancer thinks of it. */
    readonly healthIntervalUs: number;
    readonly healthyThreshold: number;
    readonly unhealthyThreshold: number;
  };
}

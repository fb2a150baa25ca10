// How the kubelets wait for volumes. A pod's sandbox is made when all its volumes are attached and mounted
// (Kubelet.SyncPod: WaitForAttachAndMount), and its object goes when they are unmounted (SyncTerminatedPod:
// WaitForUnmount; pkg/kubelet/kubelet.go, v1.36). Who implements this knows attaching, mounting, their times, limits,
// retries and Events; the kubelets know only when to ask.

/** Called with the pod and the number given in the request; one function per purpose, no closure per request. */
export type VolumesReply = (pod: number, arg: number) => void;

export interface PodVolumes {
  /**
   * The pod's kubelet wants its volumes. `done` is called once, when all of them are mounted: at once (within this
   * call) where there is nothing to wait for, never where they cannot be. Asked again for the same pod, after its
   * machine has booted, the earlier request is void and its `done` is not called any more.
   */
  prepare(pod: number, arg: number, done: VolumesReply): void;
  /** The volumes are mounted as of now and nobody waits: pods that ran before the run began, or take exact delays. */
  adopt(pod: number): void;
  /**
   * The pod's containers have stopped, or never ran. Ends a `prepare` that has not been answered. `done` is called
   * once, when all volumes are unmounted: at once where there are none. null: the pod's object is gone already and
   * nobody waits; the row is still readable during this call, and only then. A pod that never asked may be released,
   * and one may be released twice.
   */
  release(pod: number, arg: number, done: VolumesReply | null): void;
}

/** Where nothing has to be mounted: every volume is there at once. */
export const readyVolumes: PodVolumes = {
  prepare: (pod, arg, done) => done(pod, arg),
  adopt: () => {},
  release: (pod, arg, done) => done?.(pod, arg),
};

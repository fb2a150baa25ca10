// A pod's UID, derived from the number of its creation: references to pods (targetRef) and the last tie-break of the
// deletion order need it, the pod table does not store it.
import { uidText } from '../state/index.ts';

/** Separates UIDs of pods from those of objects. */
const POD_UID_SALT = 0x90d;

export const podUid = (serial: number): string => uidText(POD_UID_SALT, serial);

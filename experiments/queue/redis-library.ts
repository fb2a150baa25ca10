// What sweeps over Redis need of BullMQ and ioredis. The built program keeps this file and all it imports in
// dist/lib/redis-library.js, so that commands without a queue do not read them.
export { Queue, QueueEvents, WaitingError, Worker } from 'bullmq';
export { Redis } from 'ioredis';

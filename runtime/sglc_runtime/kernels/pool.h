/* Threads of the kernels: one pool for the process, used by one call at a time. */
#ifndef SGLC_POOL_H
#define SGLC_POOL_H

typedef void (*sglc_task)(void *arg, int part, int parts);

/* Run task(arg, part, parts) for every part in [0, parts) and return when all are done. Parts go to
 * whichever thread is free, the caller among them, so a part may depend on no other. Without
 * threads, for a single part, and when the pool is busy with a call from another thread or from
 * inside a task, the caller runs all parts itself, in order. */
void sglc_parallel(sglc_task task, void *arg, int parts);

/* Threads that later calls use, the caller included; 1 is the state at the beginning. Threads are
 * created when the first call needs them, and never for 1. */
void sglc_set_threads(int threads);
int sglc_threads(void);

#endif

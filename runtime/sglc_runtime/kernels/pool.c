/* See pool.h. Workers spin for a moment after a job, since layers follow each other within
 * microseconds, and sleep on a condition variable otherwise.
 *
 * A job is open for a while; a worker enters, takes parts off a counter and leaves. The caller
 * takes parts too, closes the job when none is left and waits for those who are inside only: a
 * worker that the system has not woken yet costs nothing.
 */
#define _GNU_SOURCE
#include "pool.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define MOST_WORKERS 255
#define SPIN_NANOSECONDS 50000 /* longer than the pause between two calls of one forward pass */
#define SPINS_PER_LOOK 64

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() ((void)0)
#endif

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t caller = PTHREAD_MUTEX_INITIALIZER; /* held while a job runs */
static pthread_mutex_t sleep_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static atomic_int wanted = 1; /* threads, the caller included */
static int workers;           /* created so far; changed under `caller` */
static atomic_uint job;       /* number of jobs begun */
static atomic_int open, inside, sleepers, next;
static sglc_task job_task;
static void *job_arg;
static int job_parts;
static _Thread_local int in_task;

static void take_parts(void) {
    const int parts = job_parts;
    in_task = 1;
    for (int part; (part = atomic_fetch_add(&next, 1)) < parts;) job_task(job_arg, part, parts);
    in_task = 0;
}

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Wait for a job after `seen`; returns its number. */
static unsigned next_job(unsigned seen) {
    const long long until = nanoseconds() + SPIN_NANOSECONDS;
    do {
        for (int i = 0; i < SPINS_PER_LOOK; i++) {
            unsigned now = atomic_load_explicit(&job, memory_order_acquire);
            if (now != seen) return now;
            RELAX();
        }
    } while (nanoseconds() < until);
    pthread_mutex_lock(&sleep_lock);
    atomic_fetch_add(&sleepers, 1);
    while (atomic_load(&job) == seen) pthread_cond_wait(&wake, &sleep_lock);
    atomic_fetch_sub(&sleepers, 1);
    pthread_mutex_unlock(&sleep_lock);
    return atomic_load(&job);
}

static void *work(void *index) {
    const int number = (int)(size_t)index;
    for (unsigned seen = 0;;) {
        seen = next_job(seen);
        if (number >= atomic_load(&wanted) - 1) continue;
        atomic_fetch_add(&inside, 1); /* before looking at `open`: see close_job */
        if (atomic_load(&open)) take_parts();
        atomic_fetch_sub(&inside, 1);
    }
    return NULL;
}

/* Create the workers that are missing. Signals stay with the threads of the program. */
static void create_workers(void) {
    sigset_t all, before;
    int missing = atomic_load(&wanted) - 1 - workers;
    if (missing <= 0) return;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    for (; missing > 0; missing--) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, (void *)(size_t)workers)) break;
        pthread_detach(thread);
        workers++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* After a fork the child has no workers, and locks may be held by threads that it does not have. */
static void in_child(void) {
    pthread_mutex_init(&caller, NULL);
    pthread_mutex_init(&sleep_lock, NULL);
    pthread_cond_init(&wake, NULL);
    workers = 0;
    atomic_store(&job, 0);
    atomic_store(&open, 0);
    atomic_store(&inside, 0);
    atomic_store(&sleepers, 0);
}

static void register_fork(void) { pthread_atfork(NULL, NULL, in_child); }

static void close_job(void) {
    atomic_store(&open, 0);
    for (int spins = 0; atomic_load(&inside); spins++) {
        if (spins < 1000) RELAX();
        else sched_yield(); /* the worker may have lost its core, perhaps to us */
    }
}

void sglc_parallel(sglc_task task, void *arg, int parts) {
    if (parts < 2 || atomic_load(&wanted) < 2 || in_task || pthread_mutex_trylock(&caller)) {
        for (int part = 0; part < parts; part++) task(arg, part, parts);
        return;
    }
    pthread_once(&once, register_fork);
    create_workers();
    job_task = task, job_arg = arg, job_parts = parts;
    atomic_store(&next, 0);
    atomic_store(&open, 1);
    atomic_fetch_add(&job, 1);
    if (atomic_load(&sleepers)) {
        pthread_mutex_lock(&sleep_lock);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&sleep_lock);
    }
    take_parts();
    close_job();
    pthread_mutex_unlock(&caller);
}

void sglc_set_threads(int threads) {
    atomic_store(&wanted, threads < 1 ? 1 : threads > MOST_WORKERS ? MOST_WORKERS : threads);
}

int sglc_threads(void) { return atomic_load(&wanted); }

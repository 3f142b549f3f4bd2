/* threads: owns the worker threads and the handing out of items; knows nothing of the work.
 *
 * One number, `state`, says who may touch a loop. It is OPEN while items may be left, and counts
 * the workers that have ENTERED, which they can only while it is open. Who finds no item left
 * closes it. At 0, closed and with nobody inside, the loop has ended and its fields may change: so
 * nobody waits for a worker that has not come yet, and one that wakes late finds nothing to touch.
 *
 * `state` changes by atomic steps in sequential order: who enters sees the loop as it was opened,
 * and who finds 0 sees what all have done. */
#define _GNU_SOURCE
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, CLOSING = 2, ENTERED = 4 };
enum { SPIN_NANOSECONDS = 50000 }; /* about what a sleeper takes to wake */

typedef struct thread_worker {
  thread_pool *pool;
  int32_t index;
  pthread_t thread;
} thread_worker;

struct thread_pool {
  int32_t count; /* workers that exist, the caller among them */
  int64_t spin;  /* nanoseconds before a sleep */
  const atomic_int *stop;
  thread_worker *workers;
  pthread_mutex_t mutex;
  pthread_cond_t opened, ended;
  atomic_int state;
  /* The current loop. */
  threads_body body;
  void *user;
  int64_t item_count;
  atomic_llong next_item; /* in any order: each item goes to one worker, and means nothing else */
};

static void threads_work(thread_pool *pool, int32_t worker) {
  while (!(pool->stop && atomic_load_explicit(pool->stop, memory_order_relaxed))) {
    const int64_t item = atomic_fetch_add_explicit(&pool->next_item, 1, memory_order_relaxed);
    if (item >= pool->item_count) break;
    pool->body(pool->user, item, worker);
  }
  atomic_fetch_and(&pool->state, ~OPEN);
}

/* ---- waiting ---- */

static int64_t threads_clock(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* What the caller waits for, and what the others do. */
static int threads_is_due(thread_pool *pool, int32_t worker) {
  const int state = atomic_load(&pool->state);
  return worker ? state & (OPEN | CLOSING) : !state;
}

static void threads_wait(thread_pool *pool, int32_t worker) {
  if (threads_is_due(pool, worker)) return;
  for (const int64_t end = threads_clock() + pool->spin; threads_clock() < end;)
    if (threads_is_due(pool, worker)) return;
  pthread_mutex_lock(&pool->mutex);
  while (!threads_is_due(pool, worker))
    pthread_cond_wait(worker ? &pool->opened : &pool->ended, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
}

/* After a change of state. Taking the mutex waits for those between their last look and sleep. */
static void threads_wake(thread_pool *pool, pthread_cond_t *sleepers) {
  pthread_mutex_lock(&pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
  pthread_cond_broadcast(sleepers);
}

static int threads_enter(thread_pool *pool) {
  int state = atomic_load(&pool->state);
  while (state & OPEN)
    if (atomic_compare_exchange_weak(&pool->state, &state, state + ENTERED)) return 1;
  return 0;
}

static void *threads_main(void *argument) {
  thread_worker *worker = argument;
  thread_pool *pool = worker->pool;
  while (!(atomic_load(&pool->state) & CLOSING)) {
    if (threads_enter(pool)) {
      threads_work(pool, worker->index);
      if (atomic_fetch_sub(&pool->state, ENTERED) == ENTERED) threads_wake(pool, &pool->ended);
    }
    threads_wait(pool, worker->index);
  }
  return NULL;
}

void threads_run(thread_pool *pool, int64_t count, threads_body body, void *user) {
  pool->body = body;
  pool->user = user;
  pool->item_count = count;
  atomic_store_explicit(&pool->next_item, 0, memory_order_relaxed);
  if (pool->count > 1 && count > 1) {
    atomic_store(&pool->state, OPEN);
    threads_wake(pool, &pool->opened);
  }
  threads_work(pool, 0);
  threads_wait(pool, 0);
}

/* ---- the pool ---- */

thread_pool *threads_open(int32_t count, const atomic_int *stop) {
  thread_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->workers = calloc((size_t)count, sizeof *pool->workers);
  if (!pool->workers) {
    free(pool);
    return NULL;
  }
  pool->count = 1;
  pool->spin = count <= threads_processors() ? SPIN_NANOSECONDS : 0;
  pool->stop = stop;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->opened, NULL);
  pthread_cond_init(&pool->ended, NULL);
  for (int32_t i = 1; i < count; i++) {
    thread_worker *worker = &pool->workers[i];
    *worker = (thread_worker){.pool = pool, .index = i};
    /* Fewer threads than asked for is slower, not wrong. */
    if (pthread_create(&worker->thread, NULL, threads_main, worker)) break;
    pool->count++;
  }
  return pool;
}

void threads_close(thread_pool *pool) {
  if (!pool) return;
  atomic_store(&pool->state, CLOSING);
  threads_wake(pool, &pool->opened);
  for (int32_t i = 1; i < pool->count; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->ended);
  pthread_cond_destroy(&pool->opened);
  pthread_mutex_destroy(&pool->mutex);
  free(pool->workers);
  free(pool);
}

int32_t threads_count(const thread_pool *pool) { return pool->count; }

int32_t threads_processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (!sched_getaffinity(0, sizeof set, &set)) return CPU_COUNT(&set);
#endif
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (int32_t)online : 1;
}

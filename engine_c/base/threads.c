/* threads: owns the worker threads and the handing out of items; knows nothing of the work. */
#define _GNU_SOURCE
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS_SPINS = 2000 }; /* a few microseconds: the gap between two operators of a graph */

typedef struct thread_worker {
  thread_pool *pool;
  int32_t index;
  pthread_t thread;
} thread_worker;

struct thread_pool {
  int32_t count; /* workers that exist, the caller among them */
  const atomic_int *stop;
  thread_worker *workers;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
  /* The current loop. round counts loops; a worker joins each once. */
  threads_body body;
  void *user;
  int64_t item_count;
  atomic_llong next_item;
  atomic_int round, pending, closing;
};

static void threads_work(thread_pool *pool, int32_t worker) {
  for (;;) {
    if (pool->stop && atomic_load_explicit(pool->stop, memory_order_relaxed)) return;
    int64_t item = atomic_fetch_add_explicit(&pool->next_item, 1, memory_order_relaxed);
    if (item >= pool->item_count) return;
    pool->body(pool->user, item, worker);
  }
}

static int threads_wait_round(thread_pool *pool, int seen) {
  for (int spin = 0; spin < THREADS_SPINS; spin++) {
    if (atomic_load_explicit(&pool->round, memory_order_acquire) != seen) return 1;
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }
  pthread_mutex_lock(&pool->mutex);
  while (atomic_load(&pool->round) == seen && !atomic_load(&pool->closing))
    pthread_cond_wait(&pool->wake, &pool->mutex);
  pthread_mutex_unlock(&pool->mutex);
  return !atomic_load(&pool->closing);
}

static void *threads_main(void *argument) {
  thread_worker *worker = argument;
  thread_pool *pool = worker->pool;
  for (int seen = 0; threads_wait_round(pool, seen);) {
    seen = atomic_load_explicit(&pool->round, memory_order_acquire);
    threads_work(pool, worker->index);
    atomic_fetch_sub_explicit(&pool->pending, 1, memory_order_release);
  }
  return NULL;
}

thread_pool *threads_open(int32_t count, const atomic_int *stop) {
  thread_pool *pool = calloc(1, sizeof *pool);
  if (!pool) return NULL;
  pool->workers = calloc((size_t)count, sizeof *pool->workers);
  if (!pool->workers) {
    free(pool);
    return NULL;
  }
  pool->count = 1;
  pool->stop = stop;
  pthread_mutex_init(&pool->mutex, NULL);
  pthread_cond_init(&pool->wake, NULL);
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
  pthread_mutex_lock(&pool->mutex);
  atomic_store(&pool->closing, 1);
  pthread_cond_broadcast(&pool->wake);
  pthread_mutex_unlock(&pool->mutex);
  for (int32_t i = 1; i < pool->count; i++) pthread_join(pool->workers[i].thread, NULL);
  pthread_cond_destroy(&pool->wake);
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

void threads_run(thread_pool *pool, int64_t count, threads_body body, void *user) {
  pool->body = body;
  pool->user = user;
  pool->item_count = count;
  atomic_store_explicit(&pool->next_item, 0, memory_order_relaxed);
  if (pool->count > 1 && count > 1) {
    atomic_store_explicit(&pool->pending, pool->count - 1, memory_order_relaxed);
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
  }
  threads_work(pool, 0);
  for (int spin = 0; atomic_load_explicit(&pool->pending, memory_order_acquire); spin++) {
    if (spin > THREADS_SPINS) sched_yield();
  }
}

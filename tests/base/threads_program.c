/* threads_program CHECK WORKERS: one check of the thread pool; a sentence and 1 where it fails.
 *
 *   items   each item of many loops is given out once, to one worker at a time, and what the items
 *           wrote, without atomics of their own, is seen by the caller and by the next loop
 *   stop    an item raises the flag; each worker ends the item it has, and the pool goes on later
 *   wait    prints the processor seconds that a loop takes whose items only sleep, the caller's
 *           shortly and the others' long */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/threads.h"

enum {
  LOOPS = 1500,
  MOST_ITEMS = 300,
  MOST_WORKERS = 16,
  MOST_TURNS = 2000, /* of an item that works */
  REST_EVERY = 40,   /* loops: long enough for every worker to sleep */
  STOPS = 200,
  WAIT_ITEMS = 16
};
static const long REST_NANOSECONDS = 300 * 1000, ITEM_NANOSECONDS = 20 * 1000,
                  CALLER_NANOSECONDS = 10 * 1000 * 1000, WORKER_NANOSECONDS = 500 * 1000 * 1000;

typedef struct program {
  thread_pool *pool;
  int64_t items;
  int32_t turns;               /* of each item; 0: it sleeps */
  int seen[MOST_ITEMS];        /* how often an item was given out */
  int64_t sums[MOST_WORKERS];  /* of item numbers, over all loops */
  int is_inside[MOST_WORKERS]; /* a worker has an item */
  int faults[MOST_WORKERS];
  atomic_int stop, begun_after, slept;
} program;

static void rest(long nanoseconds) { nanosleep(&(struct timespec){.tv_nsec = nanoseconds}, NULL); }

static int fail(const char *what, int64_t loop) {
  printf("loop %lld: %s\n", (long long)loop, what);
  return 1;
}

/* ---- items ---- */

static void item_run(void *user, int64_t item, int32_t worker) {
  program *p = user;
  const int is_known = worker >= 0 && worker < threads_count(p->pool);
  if (!is_known || item < 0 || item >= p->items || p->is_inside[worker]) {
    p->faults[is_known ? worker : 0]++;
    return;
  }
  p->is_inside[worker] = 1;
  p->seen[item]++;
  for (volatile int32_t i = 0; i < p->turns; i++) {
  }
  if (!p->turns) rest(ITEM_NANOSECONDS); /* so that others come, however full the machine is */
  p->sums[worker] += item;
  p->is_inside[worker] = 0;
}

static int check_items(program *p) {
  int64_t wanted = 0, sum = 0;
  for (int64_t loop = 0; loop < LOOPS; loop++) {
    p->items = rand() % (rand() % 4 ? 6 : MOST_ITEMS);
    p->turns = rand() % 16 ? 1 + rand() % MOST_TURNS : 0;
    memset(p->seen, 0, sizeof p->seen);
    threads_run(p->pool, p->items, item_run, p);
    for (int64_t i = 0; i < MOST_ITEMS; i++)
      if (p->seen[i] != (i < p->items)) return fail("an item was left out or given twice", loop);
    wanted += p->items * (p->items - 1) / 2;
    if (loop % REST_EVERY == 0) rest(REST_NANOSECONDS);
  }
  for (int32_t i = 0; i < MOST_WORKERS; i++) {
    if (p->faults[i]) return fail("a worker had a wrong item, or two", LOOPS);
    sum += p->sums[i];
  }
  return sum == wanted ? 0 : fail("a worker's writes were lost", LOOPS);
}

/* ---- stop ---- */

static void item_stop(void *user, int64_t item, int32_t worker) {
  program *p = user;
  (void)worker;
  if (item == p->items / 2)
    atomic_store(&p->stop, 1);
  else if (atomic_load(&p->stop))
    atomic_fetch_add(&p->begun_after, 1);
}

static int check_stop(program *p) {
  for (int64_t loop = 0; loop < STOPS; loop++) {
    p->items = MOST_ITEMS;
    threads_run(p->pool, p->items, item_stop, p);
    /* Those that were handed out when it was raised. */
    if (!atomic_load(&p->stop)) return fail("an item was left out", loop);
    if (atomic_load(&p->begun_after) >= threads_count(p->pool)) return fail("it went on", loop);
    atomic_store(&p->stop, 0);
    atomic_store(&p->begun_after, 0);
  }
  return check_items(p);
}

/* ---- wait ---- */

static void item_sleep(void *user, int64_t item, int32_t worker) {
  program *p = user;
  (void)item;
  rest(worker ? WORKER_NANOSECONDS : CALLER_NANOSECONDS);
  if (worker) atomic_fetch_add(&p->slept, 1);
}

static int check_wait(program *p) {
  rest(REST_NANOSECONDS);
  threads_run(p->pool, WAIT_ITEMS, item_sleep, p);
  if (!atomic_load(&p->slept)) return fail("the others did not wake", 0);
  printf("%.3f\n", (double)clock() / CLOCKS_PER_SEC);
  return 0;
}

int main(int count, char **arguments) {
  if (count != 3) return fail("CHECK and WORKERS are wanted", 0);
  program *p = calloc(1, sizeof *p);
  if (!p) return fail("no memory", 0);
  p->pool = threads_open(atoi(arguments[2]), &p->stop);
  if (!p->pool || threads_count(p->pool) > MOST_WORKERS) return fail("no such pool", 0);
  int failed = 1;
  if (!strcmp(arguments[1], "items")) failed = check_items(p);
  if (!strcmp(arguments[1], "stop")) failed = check_stop(p);
  if (!strcmp(arguments[1], "wait")) failed = check_wait(p);
  threads_close(p->pool);
  free(p);
  return failed;
}

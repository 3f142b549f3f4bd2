/* threads: a pool that runs one loop at a time over items, and stops early when asked.
 * The caller's thread is worker 0; the others wait in between: they spin for a moment, if each can
 * have a processor of its own, and then sleep, as the caller does for the last items. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct thread_pool thread_pool;

/* item: 0 to count - 1; worker: 0 to threads_count - 1, at most one item at a time each. */
typedef void (*threads_body)(void *user, int64_t item, int32_t worker);

/* count: workers, at least 1. stop: while non-zero no further item is begun. NULL: no memory. */
thread_pool *threads_open(int32_t count, const atomic_int *stop);
void threads_close(thread_pool *pool);
int32_t threads_count(const thread_pool *pool);
int32_t threads_processors(void); /* processors that this process may use */

/* Returns when every item that was begun has ended, and waits for no worker that has not come by
 * then. Not to be called from inside a body. */
void threads_run(thread_pool *pool, int64_t count, threads_body body, void *user);

#endif

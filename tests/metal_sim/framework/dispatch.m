/* The part of libdispatch that include/dispatch/dispatch.h declares. */
#import <Foundation/Foundation.h>
#include <dispatch/dispatch.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "metal_sim/metal_sim.h"
#include "objects.h"

/* First in each object: what dispatch_object_t can rely on. */
typedef struct {
  _Atomic int references;
  void (*dispose)(void *object);
  void *context;
} object_head;

struct dispatch_semaphore_s {
  object_head head;
  pthread_mutex_t mutex;
  pthread_cond_t changed;
  intptr_t value;
};

struct dispatch_queue_s {
  object_head head;
};

struct dispatch_source_type_s {
  int unused;
};

struct dispatch_source_s {
  object_head head;
  uintptr_t mask, data;
  dispatch_block_t block;
  dispatch_function_t function, cancelled;
  bool running;
  struct dispatch_source_s *next;
};

const struct dispatch_source_type_s _dispatch_source_type_memorypressure = {0};

static struct {
  pthread_mutex_t mutex;
  dispatch_source_t sources;
} pressure = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static object_head *head_of(dispatch_object_t object) { return (object_head *)object.queue; }

void dispatch_retain(dispatch_object_t object) { head_of(object)->references++; }

void dispatch_release(dispatch_object_t object) {
  object_head *head = head_of(object);
  if (--head->references == 0 && head->dispose) head->dispose(head);
}

void dispatch_set_context(dispatch_object_t object, void *context) {
  head_of(object)->context = context;
}

void *dispatch_get_context(dispatch_object_t object) { return head_of(object)->context; }

dispatch_time_t dispatch_time(dispatch_time_t when, int64_t delta) {
  if (when == DISPATCH_TIME_FOREVER) return when;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  uint64_t start = (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
  return (when == DISPATCH_TIME_NOW ? start : when) + (uint64_t)delta;
}

static void dispose_semaphore(void *object) {
  dispatch_semaphore_t semaphore = object;
  pthread_mutex_destroy(&semaphore->mutex);
  pthread_cond_destroy(&semaphore->changed);
  free(semaphore);
}

dispatch_semaphore_t dispatch_semaphore_create(intptr_t value) {
  dispatch_semaphore_t semaphore = calloc(1, sizeof *semaphore);
  if (!semaphore) return NULL;
  semaphore->head = (object_head){1, dispose_semaphore, NULL};
  semaphore->value = value;
  pthread_mutex_init(&semaphore->mutex, NULL);
  pthread_cond_init(&semaphore->changed, NULL);
  return semaphore;
}

intptr_t dispatch_semaphore_signal(dispatch_semaphore_t semaphore) {
  pthread_mutex_lock(&semaphore->mutex);
  semaphore->value++;
  pthread_cond_signal(&semaphore->changed);
  pthread_mutex_unlock(&semaphore->mutex);
  return 0;
}

intptr_t dispatch_semaphore_wait(dispatch_semaphore_t semaphore, dispatch_time_t timeout) {
  struct timespec until = {(time_t)(timeout / NSEC_PER_SEC), (long)(timeout % NSEC_PER_SEC)};
  int late = 0;
  pthread_mutex_lock(&semaphore->mutex);
  while (semaphore->value <= 0 && !late) {
    late = timeout == DISPATCH_TIME_FOREVER
               ? pthread_cond_wait(&semaphore->changed, &semaphore->mutex)
               : pthread_cond_timedwait(&semaphore->changed, &semaphore->mutex, &until);
  }
  if (!late) semaphore->value--;
  pthread_mutex_unlock(&semaphore->mutex);
  return late;
}

dispatch_queue_t dispatch_get_global_queue(intptr_t identifier, uintptr_t flags) {
  static struct dispatch_queue_s queue = {{1, NULL, NULL}};
  (void)identifier;
  (void)flags;
  return &queue;
}

static void unlink_source(dispatch_source_t source) {
  pthread_mutex_lock(&pressure.mutex);
  dispatch_source_t *link = &pressure.sources;
  while (*link && *link != source) link = &(*link)->next;
  if (*link) *link = source->next;
  pthread_mutex_unlock(&pressure.mutex);
}

static void dispose_source(void *object) {
  dispatch_source_t source = object;
  unlink_source(source);
  [(id)source->block release];
  free(source);
}

dispatch_source_t dispatch_source_create(dispatch_source_type_t type, uintptr_t handle,
                                         uintptr_t mask, dispatch_queue_t queue) {
  (void)handle;
  (void)queue;
  dispatch_source_t source = calloc(1, sizeof *source);
  if (!source || type != DISPATCH_SOURCE_TYPE_MEMORYPRESSURE) {
    free(source);
    return NULL;
  }
  source->head = (object_head){1, dispose_source, NULL};
  source->mask = mask;
  pthread_mutex_lock(&pressure.mutex);
  source->next = pressure.sources;
  pressure.sources = source;
  pthread_mutex_unlock(&pressure.mutex);
  return source;
}

void dispatch_source_set_event_handler(dispatch_source_t source, dispatch_block_t handler) {
  sim_install_blocks();
  [(id)source->block release];
  source->block = [(id)handler copy];
}

void dispatch_source_set_event_handler_f(dispatch_source_t source, dispatch_function_t handler) {
  source->function = handler;
}

void dispatch_source_set_cancel_handler_f(dispatch_source_t source, dispatch_function_t handler) {
  source->cancelled = handler;
}

uintptr_t dispatch_source_get_data(dispatch_source_t source) { return source->data; }

void dispatch_source_cancel(dispatch_source_t source) {
  unlink_source(source);
  source->running = false;
  if (source->cancelled) source->cancelled(source->head.context);
}

void dispatch_resume(dispatch_object_t object) { object.source->running = true; }

void dispatch_activate(dispatch_object_t object) { object.source->running = true; }

void metal_sim_memory_pressure(unsigned long level) {
  pthread_mutex_lock(&pressure.mutex);
  for (dispatch_source_t source = pressure.sources; source; source = source->next) {
    if (!source->running || !(source->mask & level)) continue;
    source->data = level;
    if (source->block) source->block();
    if (source->function) source->function(source->head.context);
  }
  pthread_mutex_unlock(&pressure.mutex);
}

/* metal libraries and pipelines: see metal_library.h. Owns which GPU can use which library. */
#include "backend/metal/metal_library.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/threads.h"

enum { MOST_COMPILING = 8 }; /* at once */

typedef enum library_kind { LIBRARY_core, LIBRARY_bf16, LIBRARY_tensor } library_kind;

typedef struct library_row {
  const char *name;
  int32_t apple_family; /* the first that has it in hardware */
  int32_t needs_metal4;
  const char *refusal;
} library_row;

static const library_row LIBRARY_ROWS[METAL_LIBRARY_COUNT] = {
    [LIBRARY_core] = {"core", 7, 0, "the GPU has no matrix instructions: an M1 or later is needed"},
    [LIBRARY_bf16] = {"bf16", 9, 0, "the GPU has no bf16: an M3 or later is needed"},
    [LIBRARY_tensor] = {"tensor", 10, 1, "the GPU has no tensor units: an M5 or later is needed"},
};

typedef struct kernel_row {
  const char *function;
  library_kind library;
  uint32_t constants[2];
} kernel_row;

static const kernel_row KERNEL_ROWS[METAL_KERNEL_COUNT] = {
#define KERNEL(id, function, library, constant0, constant1) \
  {function, LIBRARY_##library, {constant0, constant1}},
#include "backend/metal/metal_kernels.def"
#undef KERNEL
};

static double library_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* What the threads share that compile. */
typedef struct library_work {
  metal_kernels *kernels;
  const metal_device_table *driver;
  metal_device *device;
  const sd_metal_source *sources;
  int32_t source_count;
} library_work;

static const sd_metal_source *library_source(const library_work *work, const char *name) {
  for (int32_t i = 0; i < work->source_count; i++)
    if (!strcmp(work->sources[i].library, name)) return &work->sources[i];
  return NULL;
}

static void library_open(void *user, int64_t index, int32_t worker) {
  const library_work *work = user;
  metal_kernels *k = work->kernels;
  const metal_device_table *driver = work->driver;
  const library_row *row = &LIBRARY_ROWS[index];
  sd_library_report *report = &k->library_rows[index];
  snprintf(report->name, sizeof report->name, "%s", row->name);
  const sd_metal_source *source = library_source(work, row->name);
  metal_facts facts;
  (void)worker;
  driver->facts(&facts, work->device);
  if (!source || facts.apple_family < row->apple_family || facts.has_metal4 < row->needs_metal4) {
    report->log = source ? row->refusal : "the app has no source of it";
    return;
  }
  const double start_ms = library_now_ms();
  k->libraries[index] = driver->library_open(work->device, source, &k->logs[index]);
  report->elapsed_ms = library_now_ms() - start_ms;
  report->language = source->language;
  report->is_ready = k->libraries[index] != NULL;
  report->log = k->logs[index] ? k->logs[index] : "";
}

static void library_open_pipeline(void *user, int64_t index, int32_t worker) {
  const library_work *work = user;
  metal_kernels *k = work->kernels;
  const kernel_row *row = &KERNEL_ROWS[index];
  sd_pipeline_report *report = &k->pipeline_rows[index];
  metal_library *library = k->libraries[row->library];
  const sd_library_report *compiled = &k->library_rows[row->library];
  char **log = &k->logs[METAL_LIBRARY_COUNT + index];
  *report = (sd_pipeline_report){
      .name = row->function,
      .library = LIBRARY_ROWS[row->library].name,
      .log = compiled->language ? "its library did not compile" : compiled->log};
  (void)worker;
  if (!library) return;
  metal_pipeline *pipeline =
      work->driver->pipeline_open(library, row->function, row->constants, log);
  k->pipelines[index] = pipeline;
  report->log = *log ? *log : "";
  if (!pipeline) return;
  report->max_threads = pipeline->max_threads;
  report->threadgroup_bytes = pipeline->threadgroup_bytes;
}

int metal_kernels_open(metal_kernels *k, const metal_device_table *driver, metal_device *device,
                       const sd_metal_source *sources, int32_t count) {
  const int32_t processors = threads_processors();
  thread_pool *pool = threads_open(processors < MOST_COMPILING ? processors : MOST_COMPILING, NULL);
  library_work work = {k, driver, device, sources, count};
  if (!pool) return 0;
  threads_run(pool, METAL_LIBRARY_COUNT, library_open, &work);
  threads_run(pool, METAL_KERNEL_COUNT, library_open_pipeline, &work);
  threads_close(pool);
  return 1;
}

sd_library_report *metal_kernels_library(metal_kernels *k, metal_kernel kernel) {
  return &k->library_rows[KERNEL_ROWS[kernel].library];
}

void metal_kernels_drop(metal_kernels *k, const metal_device_table *driver, metal_kernel kernel,
                        const char *why) {
  driver->pipeline_close(k->pipelines[kernel]);
  k->pipelines[kernel] = NULL;
  k->pipeline_rows[kernel].max_threads = 0;
  k->pipeline_rows[kernel].log = why;
}

void metal_kernels_close(metal_kernels *k, const metal_device_table *driver) {
  for (int32_t i = 0; i < METAL_KERNEL_COUNT; i++)
    if (k->pipelines[i]) driver->pipeline_close(k->pipelines[i]);
  for (int32_t i = 0; i < METAL_LIBRARY_COUNT; i++)
    if (k->libraries[i]) driver->library_close(k->libraries[i]);
  for (int32_t i = 0; i < METAL_LIBRARY_COUNT + METAL_KERNEL_COUNT; i++) free(k->logs[i]);
}

/* metal backend: how the engine opens it. */
#ifndef METAL_OPEN_H
#define METAL_OPEN_H

#include "backend/metal/metal_device.h"

/* Serves what Metal cannot: another backend, and how it is given this one's arena, as by
 * cpu_backend_borrow. */
typedef struct metal_fallback {
  backend *backend;
  void (*lend)(backend *to, void *memory);
} metal_fallback;

typedef struct metal_setting {
  const metal_device_table *driver; /* NULL: there is no Metal */
  const sd_metal_source *sources;
  int32_t source_count;
  const char *tuning;      /* of sd_engine_options */
  metal_fallback fallback; /* stays the caller's, and must outlive the backend */
} metal_setting;

/* Opens the device, compiles the kernels, times them and checks every operator; those that fail are
 * served by the fallback. SD_BACKEND_FAILED where there is no such GPU. */
sd_status metal_backend_open(backend **out, const metal_setting *setting, const atomic_int *stop,
                             sd_error *error);

/* A backend that knows what weights and scratch take, and opens no device. */
sd_status metal_planner_open(backend **out, metal_fallback fallback, const atomic_int *stop,
                             sd_error *error);

/* Why the operator is served by the fallback; NULL: it is not. */
const char *metal_fall_reason(const backend *b, op_kind op);

#endif

/* metal backend: owns its parts from opening to closing, the arena and the scratch, and the
 * start-up check; see metal_open.h. Which operators there are is said by ops.def alone. */
#include "backend/metal/metal_backend.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "backend/metal/metal_state.h"
#include "backend/self_test.h"
#include "base/error.h"

enum { FLAG_BYTES = 256 };

/* ---- memory ---- */

/* NULL as well where the system would have to swap what the GPU uses: that has brought whole
 * machines down. */
metal_buffer *metal_take(metal_backend *m, int64_t bytes) {
  sd_condition now;
  m->driver->condition(&now, m->device);
  if (bytes > m->facts.buffer_limit) return NULL;
  if (now.working_set_bytes && now.allocated_bytes + bytes > now.working_set_bytes) return NULL;
  return m->driver->buffer_open(m->device, bytes);
}

int metal_open_scratch(metal_backend *m) {
  if (!m->scratch) m->scratch = metal_take(m, METAL_SCRATCH_BYTES);
  return m->scratch != NULL;
}

sd_status metal_refuse_busy(sd_error *error) {
  return error_set(error, SD_BACKEND_LOST,
                   "the GPU has not ended what it was given before: the engine must be restarted");
}

static void backend_free_arena(metal_backend *m) {
  m->fallback.lend(m->fallback.backend, NULL);
  metal_free(m, m->arena);
  metal_free(m, m->scratch);
  m->arena = m->scratch = NULL;
}

static sd_status metal_reserve(backend *b, int64_t bytes, sd_error *error) {
  metal_backend *m = metal_of(b);
  const sd_status status = metal_end_uploads(m, error);
  if (bytes && status) return status;
  if (bytes && m->arena && bytes <= m->arena->bytes) return SD_OK;
  if (bytes && !metal_is_idle(m)) return metal_refuse_busy(error);
  backend_free_arena(m);
  if (!bytes) return SD_OK;
  m->arena = metal_take(m, bytes);
  if (m->arena && metal_open_scratch(m)) return SD_OK;
  backend_free_arena(m);
  return error_set(error, SD_OUT_OF_MEMORY,
                   "no memory for a picture of this size (%.1f MB): make it smaller",
                   (double)bytes / 1e6);
}

static void *metal_address(backend *b, const tensor *t) {
  return (char *)metal_of(b)->arena->contents + t->offset;
}

static int64_t metal_workspace_bytes(const backend *b) {
  (void)b;
  return METAL_SCRATCH_BYTES;
}

/* ---- what encoders ask ---- */

int32_t metal_kernel_threads(const metal_backend *m, metal_kernel kernel) {
  return m->kernels.pipelines[kernel] ? m->kernels.pipelines[kernel]->max_threads : 0;
}

void metal_refuse(metal_backend *m, metal_kernel kernel, const char *why) {
  metal_kernels_drop(&m->kernels, m->driver, kernel, why);
}

int32_t metal_apple_family(const metal_backend *m) { return m->facts.apple_family; }

metal_view metal_tensor_view(metal_backend *m, const tensor *t) {
  return t ? (metal_view){m->arena, t->offset, tensor_bytes(t)} : (metal_view){0};
}

metal_view metal_scratch(metal_backend *m, int64_t bytes) {
  return (metal_view){m->scratch, 0, bytes};
}

metal_view metal_bad_node(metal_backend *m) {
  return (metal_view){m->flag, 0, (int64_t)sizeof(atomic_int)};
}

int32_t metal_node_index(const metal_backend *m) { return m->node_index; }
const metal_tuning *metal_tuning_of(const metal_backend *m) { return &m->tuning; }

/* ---- figures ---- */

static void metal_device_info(sd_device_info *out, const backend *b) {
  const metal_backend *m = (const metal_backend *)b;
  const backend *other = m->fallback.backend;
  other->table->device(out, other);
  const int64_t elsewhere = out->allocated_bytes - other->table->workspace_bytes(other);
  snprintf(out->backend, sizeof out->backend, "metal");
  snprintf(out->device, sizeof out->device, "%s", m->facts.name);
  out->allocated_bytes = elsewhere + m->weight_bytes + (m->arena ? m->arena->bytes : 0) +
                         (m->scratch ? m->scratch->bytes : 0);
}

static void metal_report(sd_report *out, const backend *b) {
  const metal_backend *m = (const metal_backend *)b;
  *out = (sd_report){.libraries = m->kernels.library_rows,
                     .pipelines = m->kernels.pipeline_rows,
                     .fallbacks = m->fallbacks,
                     .checks = m->checks,
                     .check_count = m->device ? OP_COUNT : 0,
                     .library_count = METAL_LIBRARY_COUNT,
                     .pipeline_count = METAL_KERNEL_COUNT,
                     .fallback_count = m->fallback_count};
  snprintf(out->family, sizeof out->family, "Apple%d", m->facts.apple_family);
  metal_tuning_write(out->tuning, sizeof out->tuning, &m->tuning, m->facts.name);
}

static void metal_condition(sd_condition *out, const backend *b) {
  const metal_backend *m = (const metal_backend *)b;
  m->driver->condition(out, m->device);
}

static const char *metal_cannot_store(const backend *b, sd_dtype dtype) {
  const metal_backend *m = (const metal_backend *)b;
  if (dtype == SD_BF16 && m->bf16_refusal[0]) return m->bf16_refusal;
  return m->fallback.backend->table->cannot_store(m->fallback.backend, dtype);
}

static const char *metal_served_by(const backend *b, op_kind op) {
  const metal_backend *m = (const metal_backend *)b;
  const backend *other = m->fallback.backend;
  return m->is_fallen[op] ? other->table->served_by(other, op) : "metal";
}

/* ---- from opening to closing ---- */

static void metal_close(backend *b) {
  metal_backend *m = metal_of(b);
  if (m->device) {
    backend_free_arena(m);
    metal_free(m, m->flag);
    for (int32_t i = 0; i < m->lost_count; i++) m->driver->commands_close(m->lost[i].commands);
    metal_kernels_close(&m->kernels, m->driver);
    m->driver->close(m->device);
  }
  free(m);
}

static const backend_table METAL_TABLE = {
    .close = metal_close,
    .device = metal_device_info,
    .report = metal_report,
    .condition = metal_condition,
    .served_by = metal_served_by,
    .cannot_store = metal_cannot_store,
    .weight_bytes = metal_weight_bytes,
    .upload = metal_upload,
    .drop = metal_drop,
    .workspace_bytes = metal_workspace_bytes,
    .reserve = metal_reserve,
    .address = metal_address,
    .run = metal_run,
};

/* Whatever fails its check is served by the other backend from then on, and checked there. */
static sd_status backend_check(metal_backend *m, sd_error *error) {
  sd_status status = SD_OK;
  for (int32_t op = 0; op < OP_COUNT && !status; op++) {
    sd_op_check *row = &m->checks[op];
    status = self_test_run_op(row, &m->base, (op_kind)op, error);
    if (status || row->passed) continue;
    char reason[224];
    snprintf(reason, sizeof reason,
             "its start-up check failed: the error is %.3g times what is allowed",
             row->error_ratio);
    metal_fall_back(m, (op_kind)op, reason);
  }
  for (int32_t op = 0; op < OP_COUNT && !status; op++)
    if (m->is_fallen[op]) status = self_test_run_op(&m->checks[op], &m->base, (op_kind)op, error);
  return status;
}

/* Seconds on the GPU of what was encoded; negative: it failed. */
static double backend_time(metal_backend *m) {
  m->seconds = 0;
  sd_error unread;
  return metal_end(m, &unread) || m->refused ? -1 : m->seconds;
}

static sd_status backend_prepare(metal_backend *m, const metal_setting *setting, sd_error *error) {
  m->flag = m->driver->buffer_open(m->device, FLAG_BYTES);
  if (!m->flag || !metal_open_scratch(m) ||
      !metal_kernels_open(&m->kernels, m->driver, m->device, setting->sources,
                          setting->source_count))
    return error_set(error, SD_OUT_OF_MEMORY, "the GPU has no memory to give");
  if (setting->tuning && metal_tuning_read(&m->tuning, setting->tuning, m->facts.name))
    metal_tuning_repeat(m, &m->tuning);
  else
    m->tuning = metal_tuning_measure(m, backend_time);
  sd_status status = backend_check(m, error);
  if (!status) status = metal_bf16_check(m, backend_time, error);
  backend_free_arena(m);
  return status;
}

/* ---- only to plan ---- */

static sd_status planner_upload(backend *b, weight *w, sd_error *error) {
  (void)b, (void)w;
  return error_set(error, SD_BAD_ARGUMENT, "an engine that only plans cannot run");
}

static sd_status planner_reserve(backend *b, int64_t bytes, sd_error *error) {
  return bytes ? planner_upload(b, NULL, error) : SD_OK;
}

static void planner_condition(sd_condition *out, const backend *b) {
  (void)b;
  *out = (sd_condition){0};
}

static const backend_table PLANNER_TABLE = {
    .close = metal_close,
    .device = metal_device_info,
    .report = metal_report,
    .condition = planner_condition,
    .served_by = metal_served_by,
    .cannot_store = metal_cannot_store,
    .weight_bytes = metal_weight_bytes,
    .upload = planner_upload,
    .workspace_bytes = metal_workspace_bytes,
    .reserve = planner_reserve,
};

sd_status metal_planner_open(backend **out, metal_fallback fallback, const atomic_int *stop,
                             sd_error *error) {
  metal_backend *m = calloc(1, sizeof *m);
  if (!m) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the Metal backend");
  m->base = (backend){&PLANNER_TABLE, stop};
  m->fallback = fallback;
  *out = &m->base;
  return SD_OK;
}

sd_status metal_backend_open(backend **out, const metal_setting *setting, const atomic_int *stop,
                             sd_error *error) {
  *out = NULL;
  if (!setting->driver)
    return error_set(error, SD_BACKEND_FAILED, "this build has no Metal backend: choose cpu");
  metal_backend *m = calloc(1, sizeof *m);
  if (!m) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the Metal backend");
  m->base = (backend){&METAL_TABLE, stop};
  m->driver = setting->driver;
  m->fallback = setting->fallback;
  m->pace = 1;
  m->tuning = metal_tuning_default();
  sd_status status = m->driver->open(&m->device, error);
  if (!status) {
    m->driver->facts(&m->facts, m->device);
    status = backend_prepare(m, setting, error);
  }
  if (status) {
    metal_close(&m->base);
    return status;
  }
  *out = &m->base;
  return SD_OK;
}

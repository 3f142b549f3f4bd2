/* engine: the public functions. Owns the engine's lifetime and the choice of a backend; all work is
 * in the rooms below. */
#include "engine.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/metal/metal_open.h"
#include "backend/self_test.h"
#include "base/error.h"
#include "networks/adapters.h"
#include "networks/model.h"
#include "sampling/denoise.h"

struct sd_engine {
  backend *backend;  /* that computes */
  backend *cpu;      /* the same, or what the other falls back on */
  char refusal[256]; /* why `auto` did not take Metal */
  atomic_int stop;   /* non-zero: what runs ends as soon as it can */
  int32_t threads;   /* at least 1 */
};

/* Metal, where it was asked for or serves at least the products, which are most of the work. */
static sd_status engine_choose(sd_engine *engine, const sd_engine_options *options,
                               sd_error *error) {
  const metal_setting setting = {.driver = metal_device_here(),
                                 .sources = options->metal_sources,
                                 .source_count = options->metal_source_count,
                                 .tuning = options->metal_tuning,
                                 .fallback = {engine->cpu, cpu_backend_borrow}};
  backend *metal;
  engine->backend = engine->cpu;
  if (options->backend == SD_BACKEND_CPU) return SD_OK;
  if (options->backend == SD_BACKEND_AUTO && (options->plans_only || !setting.driver)) return SD_OK;
  if (options->plans_only)
    return metal_planner_open(&engine->backend, setting.fallback, &engine->stop, error);
  sd_status status = metal_backend_open(&metal, &setting, &engine->stop, error);
  const char *gone = status ? NULL : metal_fall_reason(metal, OP_linear);
  if (gone && options->backend == SD_BACKEND_AUTO) {
    status = error_set(error, SD_BACKEND_FAILED, "%s", gone);
    metal->table->close(metal);
  }
  if (!status) engine->backend = metal;
  if (!status || options->backend == SD_BACKEND_METAL) return status;
  snprintf(engine->refusal, sizeof engine->refusal, "%s", error->text);
  return error_clear(error);
}

sd_status sd_engine_open(sd_engine **out, const sd_engine_options *options, sd_error *error) {
  *out = NULL;
  error_clear(error);
  sd_engine *engine = calloc(1, sizeof *engine);
  if (!engine) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the engine");
  engine->threads = options->threads ? options->threads : threads_processors();
  sd_status status =
      cpu_backend_open(&engine->cpu, engine->threads, options->isa, &engine->stop, error);
  if (!status) status = engine_choose(engine, options, error);
  if (status) {
    sd_engine_close(engine);
    return status;
  }
  *out = engine;
  return SD_OK;
}

void sd_engine_close(sd_engine *engine) {
  if (!engine) return;
  if (engine->backend != engine->cpu) engine->backend->table->close(engine->backend);
  if (engine->cpu) engine->cpu->table->close(engine->cpu);
  free(engine);
}

void sd_cancel(sd_engine *engine) { atomic_store(&engine->stop, 1); }

void sd_engine_device(sd_device_info *out, const sd_engine *engine) {
  engine->backend->table->device(out, engine->backend);
}

void sd_engine_report(sd_report *out, const sd_engine *engine) {
  engine->backend->table->report(out, engine->backend);
  snprintf(out->refusal, sizeof out->refusal, "%s", engine->refusal);
}

void sd_engine_condition(sd_condition *out, const sd_engine *engine) {
  engine->backend->table->condition(out, engine->backend);
}

sd_status sd_engine_self_test(sd_op_check *out, int32_t *count, sd_engine *engine, int32_t capacity,
                              sd_error *error) {
  error_clear(error);
  atomic_store(&engine->stop, 0);
  return self_test_run(out, count, engine->backend, capacity, error);
}

const char *sd_isa_name(int32_t *usable, int32_t index) {
  const cpu_isa *row = index < 0 ? NULL : cpu_isa_row(index);
  *usable = row ? row->usable() : 0;
  return row ? row->name : NULL;
}

/* One chunk of padding: the shapes of a small request, to see that every layer is there. */
static sd_status engine_record_once(sd_model *model, sd_error *error) {
  static const int32_t tokens[77] = {0};
  static const float weights[77] = {0};
  sd_prompt prompt = {tokens, tokens, weights, 1};
  sd_request request = {.prompt = prompt,
                        .negative_prompt = prompt,
                        .width = 64,
                        .height = 64,
                        .steps = 1,
                        .batch_count = 1,
                        .clip_skip = 1,
                        .cfg_scale = 2};
  frame f;
  sd_status status = frame_open(&f, model, &request, error);
  frame_close(&f);
  return status;
}

sd_status sd_model_open(sd_model **out, sd_engine *engine, const sd_tensor *tensors, int32_t count,
                        const sd_model_config *config, sd_error *error) {
  *out = NULL;
  error_clear(error);
  sd_model *model = calloc(1, sizeof *model);
  if (!model) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the model");
  model->backend = engine->backend;
  model->stop = &engine->stop;
  model->threads = engine->threads;
  sd_status status = model_open(model, tensors, count, config, error);
  if (!status) status = engine_record_once(model, error);
  if (status) {
    sd_model_close(model);
    return status;
  }
  *out = model;
  return SD_OK;
}

void sd_model_close(sd_model *model) {
  if (!model) return;
  model_close(model);
  free(model);
}

void sd_model_describe(sd_model_info *out, const sd_model *model) { *out = model->info; }

void sd_model_release_weights(sd_model *model) {
  model_release(model);
  model->backend->table->reserve(model->backend, 0, NULL);
}

sd_status sd_model_set_adapters(sd_model *model, const sd_adapter *adapters, int32_t count,
                                sd_error *error) {
  error_clear(error);
  return adapters_set(model, adapters, count, error);
}

sd_status sd_plan(sd_plan_figures *out, sd_model *model, const sd_request *request,
                  sd_error *error) {
  error_clear(error);
  frame f;
  sd_status status = frame_open(&f, model, request, error);
  if (!status) frame_forecast(out, &f);
  frame_close(&f);
  return status;
}

sd_status sd_generate(sd_result *result, sd_model *model, const sd_request *request,
                      const sd_callbacks *callbacks, sd_error *error) {
  sd_error unread;
  error = error ? error : &unread;
  error_clear(error);
  atomic_store(model->stop, 0);
  return denoise_generate(result, model, request, callbacks, error);
}

/* op_probe: lets a test record a few operators, plan them, run them on a backend and read the last
 * one's output. op_probe.py hands the part between the marker lines to cffi. */
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/metal/metal_state.h"
#include "base/error.h"
#include "graph/plan.h"
#include "graph/weights.h"

/* binding begins */

typedef struct probe_input {
  const void *data; /* NULL with source -1: absent */
  int32_t source;   /* output of that earlier operator, or -1 */
  sd_dtype dtype;
  int32_t n, h, w, c;
} probe_input;

typedef struct probe_op {
  int32_t op; /* row of ops.def */
  int32_t act, groups, heads, causal, stride, pad, upsample;
  float eps, start, step;
  int32_t count;          /* of arange; width of timestep_embedding */
  sd_dtype dtype;         /* of arange's and cast's output */
  int32_t out_h, out_w;   /* conv2d */
  probe_input inputs[4];  /* roles as in ops.h */
  const char *weights[2]; /* names of rows of the run's weights, NULL: absent */
} probe_op;

typedef struct probe_run {
  const probe_op *ops;
  const sd_tensor *weights;
  int32_t op_count, weight_count;
  sd_dtype storage;
  int32_t stop;         /* what the backend finds in its flag */
  int32_t leaves_metal; /* 1: once weights are packed, Metal fails and their data is gone */
} probe_run;

/* A backend with its flag and, for Metal, the CPU backend behind it. */
typedef struct probe_device probe_device;

typedef struct probe_result {
  void *data; /* the last operator's output, capacity_bytes long at least */
  int64_t capacity_bytes;
  int32_t n, h, w, c;
  sd_dtype dtype;
  int32_t bad_node;
  double read_bytes,
      written_bytes; /* of device memory, as Metal's encoders say, weights packed too */
} probe_result;

/* The backend that the options name: SD_BACKEND_METAL or SD_BACKEND_CPU. */
sd_status probe_open(probe_device **out, const sd_engine_options *options, sd_error *error);
void probe_close(probe_device *device);
void probe_report(sd_report *out, const probe_device *device);

sd_status probe_start(probe_result *out, probe_device *device, const probe_run *run,
                      sd_error *error);

/* Metal: how products are cut from now on. variant: of metal_matrix.h, -1: as was found at
 * opening; flops_per_second decides on slices of K, 0: as found; pace, measured over estimated
 * time, on bands of rows. */
void probe_tune(probe_device *device, int32_t variant, double flops_per_second, double pace);

/* Name and usability of the instruction set `isa`, NULL past the end. */
const char *probe_isa(int32_t *usable, int32_t isa);

/* binding ends */

enum { PROBE_OPS = 8 };

struct probe_device {
  backend *cpu, *backend; /* the same where it is the CPU's */
  atomic_int stop;
  metal_tuning tuning; /* as found at opening */
};

static struct {
  metal_device_table table;
  double read_bytes, written_bytes; /* of the dispatches of this run */
} probe_claims;

static void probe_dispatch(metal_commands *c, const metal_pipeline *pipeline,
                           const metal_dispatch *dispatch, const metal_buffer *spare) {
  probe_claims.read_bytes += dispatch->read_bytes;
  probe_claims.written_bytes += dispatch->written_bytes;
  metal_device_here()->dispatch(c, pipeline, dispatch, spare);
}

/* This build's device; what its dispatches claim to read and write is added up. */
static const metal_device_table *probe_driver(void) {
  if (!metal_device_here()) return NULL;
  probe_claims.table = *metal_device_here();
  probe_claims.table.dispatch = probe_dispatch;
  return &probe_claims.table;
}

typedef struct probe_frame {
  const probe_run *run;
  graph graph;
  weight_table table;
  probe_device *device;
  tensor *inputs[PROBE_OPS][IN_MAX], *outputs[PROBE_OPS];
  sd_error upload_error;
} probe_frame;

const char *probe_isa(int32_t *usable, int32_t isa) {
  const cpu_isa *row = cpu_isa_row(isa);
  *usable = row && row->usable();
  return row ? row->name : NULL;
}

static tensor *probe_conv2d(probe_frame *f, const probe_op *op, tensor **in, weight **w) {
  return ops_conv2d(&f->graph, &(conv_inputs){.x = in[IN_X],
                                              .y = in[IN_Y],
                                              .residual = in[IN_RESIDUAL],
                                              .channel_add = in[IN_CHANNEL_ADD],
                                              .w = w[WEIGHT_MAIN],
                                              .bias = w[WEIGHT_BIAS],
                                              .stride = op->stride,
                                              .pad = op->pad,
                                              .upsample = op->upsample,
                                              .out_h = op->out_h,
                                              .out_w = op->out_w,
                                              .act = (activation)op->act});
}

static tensor *probe_record(probe_frame *f, const probe_op *op, tensor **in, weight **w) {
  graph *g = &f->graph;
  const activation act = (activation)op->act;
  switch ((op_kind)op->op) {
    case OP_arange:
      return ops_arange(g, op->start, op->step, op->count, op->dtype);
    case OP_timestep_embedding:
      return ops_timestep_embedding(g, in[IN_X], op->count);
    case OP_embedding:
      return ops_embedding(g, in[IN_X], w[WEIGHT_MAIN], in[IN_Y]);
    case OP_add:
      return ops_add(g, in[IN_X], in[IN_Y]);
    case OP_activation:
      return ops_activation(g, in[IN_X], act);
    case OP_cast:
      return ops_cast(g, in[IN_X], op->dtype);
    case OP_latent_rgb:
      return ops_latent_rgb(g, in[IN_X], in[IN_Y]);
    case OP_layer_norm:
      return ops_layer_norm(g, in[IN_X], w[WEIGHT_MAIN], w[WEIGHT_BIAS], op->eps);
    case OP_group_norm:
      return ops_group_norm(g, in[IN_X], in[IN_Y], w[WEIGHT_MAIN], w[WEIGHT_BIAS], op->groups,
                            op->eps, act);
    case OP_linear:
      return ops_linear(g, in[IN_X], w[WEIGHT_MAIN], w[WEIGHT_BIAS], in[IN_RESIDUAL], act);
    case OP_conv2d:
      return probe_conv2d(f, op, in, w);
    case OP_attention:
      return ops_attention(g, in[IN_Q], in[IN_K], in[IN_V], in[IN_KEY_COUNTS], op->heads,
                           op->causal);
    case OP_COUNT:
      break;
  }
  return NULL;
}

static sd_status probe_record_all(probe_frame *f, sd_error *error) {
  for (int32_t i = 0; i < f->run->op_count; i++) {
    const probe_op *op = &f->run->ops[i];
    weight *weights[WEIGHT_MAX] = {0};
    tensor *in[IN_MAX] = {0};
    for (int k = 0; k < WEIGHT_MAX; k++)
      if (op->weights[k]) weights[k] = weights_find(&f->table, op->weights[k]);
    for (int k = 0; k < IN_MAX; k++) {
      const probe_input *from = &op->inputs[k];
      if (from->data)
        f->inputs[i][k] = graph_input(&f->graph, from->dtype, from->n, from->h, from->w, from->c);
      in[k] = from->source < 0 ? f->inputs[i][k] : f->outputs[from->source];
    }
    f->outputs[i] = probe_record(f, op, in, weights);
  }
  if (f->graph.error.status) *error = f->graph.error;
  return f->graph.error.status;
}

static void probe_upload(void *user, weight *w) {
  probe_frame *f = user;
  backend *b = f->device->backend;
  if (!f->upload_error.status) b->table->upload(b, w, &f->upload_error);
}

static void probe_drop(void *user, weight *w) {
  probe_frame *f = user;
  backend *b = f->device->backend;
  if (w->packed) b->table->drop(b, w);
}

/* Reserves memory, uploads weights and fills the inputs. */
static sd_status probe_fill(probe_frame *f, sd_error *error) {
  backend *b = f->device->backend;
  sd_status status = b->table->reserve(b, f->graph.arena_bytes, error);
  if (status) return status;
  graph_each_weight(&f->graph, probe_upload, f);
  if (f->upload_error.status)
    return error_set(error, f->upload_error.status, "%s", f->upload_error.text);
  for (int32_t i = 0; i < f->run->op_count; i++)
    for (int k = 0; k < IN_MAX; k++) {
      const tensor *t = f->inputs[i][k];
      if (t)
        memcpy(b->table->address(b, t), f->run->ops[i].inputs[k].data, (size_t)tensor_bytes(t));
    }
  return SD_OK;
}

/* As where a pipeline turns out to be missing in the middle of a job. */
static void probe_leave_metal(probe_frame *f) {
  for (int32_t i = 0; i < f->table.count; i++) {
    const weight *w = &f->table.rows[i];
    if (w->kind != WEIGHT_TABLE)
      memset((void *)(uintptr_t)w->data, 0xff, (size_t)weights_source_bytes(w));
  }
  for (int32_t i = 0; i < f->graph.node_count; i++)
    metal_fall_back(metal_of(f->device->backend), f->graph.nodes[i].op, "the test says so");
}

static void probe_return_to_metal(probe_frame *f) {
  metal_backend *m = metal_of(f->device->backend);
  memset(m->is_fallen, 0, sizeof m->is_fallen);
  m->fallback_count = 0;
}

static sd_status probe_compute(probe_result *out, probe_frame *f, sd_error *error) {
  backend *b = f->device->backend;
  const tensor *last = graph_keep(f->outputs[f->run->op_count - 1]);
  plan_place(&f->graph, 0);
  sd_status status = probe_fill(f, error);
  if (status) return status;
  run_report report = {0};
  atomic_store(&f->device->stop, f->run->stop);
  if (f->run->leaves_metal) probe_leave_metal(f);
  status = b->table->run(b, &f->graph, &report, error);
  if (f->run->leaves_metal) probe_return_to_metal(f);
  if (status) return status;
  out->bad_node = report.bad_node;
  out->n = last->n, out->h = last->h, out->w = last->w, out->c = last->c;
  out->dtype = last->dtype;
  if (tensor_bytes(last) > out->capacity_bytes)
    return error_set(error, SD_BAD_ARGUMENT, "the output needs %lld bytes",
                     (long long)tensor_bytes(last));
  memcpy(out->data, b->table->address(b, last), (size_t)tensor_bytes(last));
  return SD_OK;
}

static sd_status probe_run_frame(probe_result *out, probe_frame *f, sd_error *error) {
  const probe_run *run = f->run;
  sd_status status = SD_OK;
  if (run->weight_count) status = weights_open(&f->table, run->weights, run->weight_count, error);
  if (!status) status = probe_record_all(f, error);
  if (!status) status = probe_compute(out, f, error);
  return status;
}

sd_status probe_start(probe_result *out, probe_device *device, const probe_run *run,
                      sd_error *error) {
  if (run->op_count < 1 || run->op_count > PROBE_OPS)
    return error_set(error, SD_BAD_ARGUMENT, "1 to %d operators a run", PROBE_OPS);
  probe_frame frame = {.run = run, .device = device};
  probe_claims.read_bytes = probe_claims.written_bytes = 0;
  graph_open(&frame.graph, run->storage);
  sd_status status = probe_run_frame(out, &frame, error);
  out->read_bytes = probe_claims.read_bytes;
  out->written_bytes = probe_claims.written_bytes;
  atomic_store(&device->stop, 0);
  graph_each_weight(&frame.graph, probe_drop, &frame);
  weights_close(&frame.table);
  graph_close(&frame.graph);
  return status;
}

void probe_tune(probe_device *device, int32_t variant, double flops_per_second, double pace) {
  metal_backend *m = metal_of(device->backend);
  m->tuning = device->tuning;
  m->pace = pace;
  if (flops_per_second > 0) m->tuning.flops_per_second = flops_per_second;
  if (variant < 0) return;
  for (int32_t form = 0; form < MATRIX_FORM_COUNT; form++)
    for (int32_t size = 0; size < MATRIX_SIZE_COUNT; size++)
      m->tuning.variant[form][size] = (matrix_variant)variant;
}

void probe_close(probe_device *device) {
  if (device->backend && device->backend != device->cpu)
    device->backend->table->close(device->backend);
  if (device->cpu) device->cpu->table->close(device->cpu);
  free(device);
}

sd_status probe_open(probe_device **out, const sd_engine_options *options, sd_error *error) {
  probe_device *device = calloc(1, sizeof *device);
  if (!device) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the probe");
  sd_status status =
      cpu_backend_open(&device->cpu, options->threads, options->isa, &device->stop, error);
  device->backend = device->cpu;
  if (!status && options->backend == SD_BACKEND_METAL) {
    const metal_setting setting = {.driver = probe_driver(),
                                   .sources = options->metal_sources,
                                   .source_count = options->metal_source_count,
                                   .fallback = {device->cpu, cpu_backend_borrow}};
    status = metal_backend_open(&device->backend, &setting, &device->stop, error);
    if (!status) device->tuning = metal_of(device->backend)->tuning;
  }
  if (status)
    probe_close(device);
  else
    *out = device;
  return status;
}

void probe_report(sd_report *out, const probe_device *device) {
  device->backend->table->report(out, device->backend);
}
